-- What comes of s, a send of :messages messages; of m, a message of :part; of i, a recipient, and its callback. Ids are
-- as long as real ones, and begin with the time, numbers those of :people people, who are rung again and again, each time
-- in another order.

INSERT INTO ninebits_send (id, idempotency_key, deployment, dag_id, run_id, task_id, map_index, created_at)
SELECT :send_id(s), encode(sha256(s::text::bytea), 'hex'), 'default', 'reminders', 'scheduled__' || s, 'ring', -1,
       now() - interval '1 day' * (:days * (1 - s * (CAST(:part AS float) * :messages) / :total))
  FROM generate_series(0::bigint, (CAST(:total AS bigint) - 1) / (:part * :messages)) AS s;

INSERT INTO ninebits_message (id, send_id, part, conn_id, dag_id, media_url, state, owner, lease_expires_at, recipients,
                              answered, unanswered, failed, total_amount, last_callback_at, revision, created_at)
SELECT :message_id(m), :send_id(s), m % :messages,
       CASE m % :connections WHEN 0 THEN 'ninebits_default' ELSE 'ninebits_' || m % :connections END, 'reminders',
       'https://media.test/reminder.mp3', 'accepted', md5('owner' || m), at, :part, :part - silent, silent, 0,
       30000000000 * :part, at, :part, at
  FROM generate_series(0::bigint, (CAST(:total AS bigint) - 1) / :part) AS m,
       LATERAL (SELECT now() - interval '1 day' * (:days * (1 - m * CAST(:part AS float) / :total)) AS at,
                       m / :messages AS s, ((m + 1) * :part + 2) / 3 - (m * :part + 2) / 3 AS silent) AS more;

INSERT INTO ninebits_request (id, message_id, conn_id, state, ref_id, known_by, started_at, finished_at, status)
SELECT m + 1, :message_id(m),
       CASE m % :connections WHEN 0 THEN 'ninebits_default' ELSE 'ninebits_' || m % :connections END, 'accepted',
       'grown' || lpad(m::text, 20, '0'), 'answer', at, at,
       200
  FROM generate_series(0::bigint, (CAST(:total AS bigint) - 1) / :part) AS m,
       LATERAL (SELECT now() - interval '1 day' * (:days * (1 - m * CAST(:part AS float) / :total)) AS at) AS more;

INSERT INTO ninebits_recipient (id, send_id, message_id, number, state, attempts, started_at, answered_at, ended_at,
                                total_duration, call_duration, total_amount, last_callback_at)
SELECT i + 1, :send_id(s), :message_id(m),
       (:lowest + (i * :stride) % :people)::text,
       CASE WHEN i % 3 = 0 THEN 'unanswered' ELSE 'answered' END, 1, at, CASE WHEN i % 3 <> 0 THEN at END, at, 95, 90,
       30000000000, at
  FROM generate_series(0::bigint, CAST(:total AS bigint) - 1) AS i,
       LATERAL (SELECT now() - interval '1 day' * (:days * (1 - i::float / :total)) AS at, i / :part AS m,
                       i / (:part * :messages) AS s) AS more;

INSERT INTO ninebits_callback (id, received_at, receiver_id, kind, raw, identity, ref_id, number, started_at,
                               answered_at, ended_at, total_duration, call_duration, total_amount, match_state,
                               recipient_id)
SELECT i + 1, at, md5('receiver'), 'call',
       convert_to(json_build_object('account_id', '1', 'to_number', number, 'from_number', '02080000000',
                  'call_direction', 'outbound', 'start_at', at::timestamp(0), 'answer_at', at::timestamp(0), 'end_at',
                  at::timestamp(0), 'total_duration', 95, 'call_duration', 90, 'total_amount', '30')::text, 'UTF8'),
       lpad(to_hex(extract(epoch FROM at)::bigint), 8, '0') || left(encode(sha256(i::text::bytea), 'hex'), 32),
       'grown' || lpad((i / :part)::text, 20, '0'), number, at,
       CASE WHEN i % 3 <> 0 THEN at END, at, 95, 90, 30000000000, 'matched', i + 1
  FROM generate_series(0::bigint, CAST(:total AS bigint) - 1) AS i,
       LATERAL (SELECT now() - interval '1 day' * (:days * (1 - i::float / :total)) AS at,
                       (:lowest + (i * :stride) % :people)::text AS number) AS more;
