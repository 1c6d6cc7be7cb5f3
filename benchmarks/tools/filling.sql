-- What comes of s, a send of 10,000; of m, a message of 1,000; of i, a recipient, and its callback. Ids are as long and as
-- random as real ones, numbers those of :people people, who are rung again and again, each time in another order.

INSERT INTO ninebits_send (id, idempotency_key, deployment, dag_id, run_id, task_id, map_index, created_at)
SELECT md5('send' || s), encode(sha256(s::text::bytea), 'hex'), 'default', 'reminders', 'scheduled__' || s, 'ring', -1,
       now() - interval '1 day' * (:days * (1 - s * 10000.0 / :total))
  FROM generate_series(0::bigint, (CAST(:total AS bigint) - 1) / 10000) AS s;

INSERT INTO ninebits_message (id, send_id, part, conn_id, dag_id, media_url, state, owner, lease_expires_at, recipients,
                              answered, unanswered, failed, total_amount, last_callback_at, revision, created_at)
SELECT md5('message' || m), md5('send' || m / 10), m % 10, 'ninebits_default', 'reminders',
       'https://media.test/reminder.mp3', 'accepted', md5('owner' || m), at, 1000, 1000 - silent, silent, 0, 30000000000000, at, 1000, at
  FROM generate_series(0::bigint, (CAST(:total AS bigint) - 1) / 1000) AS m,
       LATERAL (SELECT now() - interval '1 day' * (:days * (1 - m * 1000.0 / :total)) AS at,
                       ((m + 1) * 1000 + 2) / 3 - (m * 1000 + 2) / 3 AS silent) AS more;

INSERT INTO ninebits_request (id, message_id, conn_id, state, ref_id, known_by, started_at, finished_at, status)
SELECT m + 1, md5('message' || m), 'ninebits_default', 'accepted', 'grown' || lpad(m::text, 20, '0'), 'answer', at, at,
       200
  FROM generate_series(0::bigint, (CAST(:total AS bigint) - 1) / 1000) AS m,
       LATERAL (SELECT now() - interval '1 day' * (:days * (1 - m * 1000.0 / :total)) AS at) AS more;

INSERT INTO ninebits_recipient (id, send_id, message_id, number, state, attempts, started_at, answered_at, ended_at,
                                total_duration, call_duration, total_amount, last_callback_at)
SELECT i + 1, md5('send' || i / 10000), md5('message' || i / 1000), (:lowest + (i * :stride) % :people)::text,
       CASE WHEN i % 3 = 0 THEN 'unanswered' ELSE 'answered' END, 1, at, CASE WHEN i % 3 <> 0 THEN at END, at, 95, 90,
       30000000000, at
  FROM generate_series(0::bigint, CAST(:total AS bigint) - 1) AS i,
       LATERAL (SELECT now() - interval '1 day' * (:days * (1 - i::float / :total)) AS at) AS more;

INSERT INTO ninebits_callback (id, received_at, receiver_id, kind, raw, identity, ref_id, number, started_at,
                               answered_at, ended_at, total_duration, call_duration, total_amount, match_state,
                               recipient_id)
SELECT i + 1, at, md5('receiver'), 'call',
       convert_to(json_build_object('account_id', '1', 'to_number', number, 'from_number', '02080000000',
                  'call_direction', 'outbound', 'start_at', at::timestamp(0), 'answer_at', at::timestamp(0), 'end_at',
                  at::timestamp(0), 'total_duration', 95, 'call_duration', 90, 'total_amount', '30')::text, 'UTF8'),
       encode(sha256(i::text::bytea), 'hex'), 'grown' || lpad((i / 1000)::text, 20, '0'), number, at,
       CASE WHEN i % 3 <> 0 THEN at END, at, 95, 90, 30000000000, 'matched', i + 1
  FROM generate_series(0::bigint, CAST(:total AS bigint) - 1) AS i,
       LATERAL (SELECT now() - interval '1 day' * (:days * (1 - i::float / :total)) AS at,
                       (:lowest + (i * :stride) % :people)::text AS number) AS more;
