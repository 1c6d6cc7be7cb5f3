"""A callback is looked for among the sends to its number, not among all requests or all that wait."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from airflow_provider_ninebits.ledger.database import Database
from tests.integration.ledger.scenes import a_call, a_plan, arrive, claimed, plan

if TYPE_CHECKING:
    from sqlalchemy import Row

pytestmark = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)

# 20,000 messages, as PostgreSQL makes them itself: it has to be so many that it would rather read an index.
FILL = """
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT n, at,
       to_char(floor(extract(epoch FROM at) * 1000), 'FM00000"x"00000"x"00000') || 'r' || lpad(n::text, 14, '0') AS id
  FROM generate_series(1, 20000) AS n, LATERAL (SELECT now() - interval '{apart}' * (20000 - n) AS at) AS moments;
INSERT INTO ninebits_send (id, deployment, created_at) SELECT id, 'default', at FROM made;
INSERT INTO ninebits_message (id, send_id, part, conn_id, media_url, state, recipients, answered, created_at)
SELECT id, id, 0, 'ninebits', 'https://media.test/a.mp3', 'accepted', 1, 1, at FROM made;
INSERT INTO ninebits_request (message_id, conn_id, state, ref_id, started_at)
SELECT id, 'ninebits', 'accepted', 'r' || n, at FROM made;
INSERT INTO ninebits_recipient (send_id, message_id, number, state)
SELECT id, id, 2340000000000 + n % 500, 'answered' FROM made;
ANALYZE;
"""
# Of an account that others begin to use: PostgreSQL counted the callbacks before those came that are nobody's.
CALLED_BACK = """
INSERT INTO ninebits_callback (received_at, kind, raw, number, ref_id, match_state, recipient_id)
SELECT now(), 'call', '', 2340000000000 + n % 500, 'r' || n, 'matched', n FROM generate_series(1, 20000) AS n;
ANALYZE;
INSERT INTO ninebits_callback (received_at, kind, raw, number, ref_id, match_state)
SELECT now(), 'call', '', 2350000000000 + n, 'theirs' || n, 'unmatched' FROM generate_series(1, 3000) AS n
"""


def asked(database: Database, statements: str) -> None:
    with database.writing() as connection:
        for statement in statements.strip().split(";\n"):
            connection.execute(text(statement))


# Each of the 16 numbers was in 40 messages, of which but the last is known to be too old by its id; or none.
@pytest.mark.parametrize(
    ("apart", "most_rows"),
    [("30 minutes", 5 * 16), ("1 second", 5 * 16 * 40)],
    ids=["over a year", "all in match_window"],
)
def test_other_requests_cost_a_callback_nothing(database: Database, apart: str, most_rows: int) -> None:
    asked(database, FILL.format(apart=apart))
    numbers = [str(2340000000000 + place) for place in range(16)]
    waiting = plan(database, a_plan(tuple(numbers))).parts[0]
    claimed(database, waiting.message_id).answered("accepted", "of the waiting")
    before = reads(database)
    arrive(database, *(a_call(number, identity=f"nameless {number}") for number in numbers[:8]))
    arrive(database, *(a_call(number, ref_id="of the waiting", identity=f"named {number}") for number in numbers[8:]))
    after = reads_after(before, "ninebits_request", database)
    for table, read in after.items():
        assert read.as_a_whole == before[table].as_a_whole, table
        assert read.rows - before[table].rows < most_rows, table


def test_a_campaign_that_is_late_costs_no_look_for_each_of_its_messages(database: Database) -> None:
    asked(database, FILL.format(apart="30 minutes"))
    asked(database, "UPDATE ninebits_request SET late = true, started_at = now() WHERE id <= 3000")
    numbers = [str(2340000000000 + place) for place in range(16)]
    before = reads(database)
    arrive(database, *(a_call(number, identity=f"late {number}") for number in numbers))
    after = reads_after(before, "ninebits_request", database)
    # Each of the numbers was in 6 of them, and in 34 others.
    looks = after["ninebits_recipient"].by_index - before["ninebits_recipient"].by_index
    assert 16 <= looks < 16 * 20
    assert after["ninebits_recipient"].rows - before["ninebits_recipient"].rows < 5 * 16 * 40


def test_callbacks_that_are_nobodys_cost_others_nothing(database: Database) -> None:
    asked(database, FILL.format(apart="30 minutes"))
    asked(database, CALLED_BACK)
    numbers = [str(2340000000000 + place) for place in range(16)]
    waiting = plan(database, a_plan(tuple(numbers))).parts[0]
    sent = claimed(database, waiting.message_id)
    before = reads(database)
    arrive(database, *(a_call(number, identity=f"nameless {number}") for number in numbers[:8]))
    sent.answered("accepted", "of the waiting")
    arrive(database, *(a_call(number, ref_id="of the waiting", identity=f"named {number}") for number in numbers[8:]))
    after = reads_after(before, "ninebits_callback", database)
    assert after["ninebits_callback"].rows - before["ninebits_callback"].rows < 100
    assert after["ninebits_callback"].as_a_whole == before["ninebits_callback"].as_a_whole


def reads_after(
    before: dict[str, Row[tuple[str, int, int, int]]], table: str, database: Database
) -> dict[str, Row[tuple[str, int, int, int]]]:
    """Return what was read when the server has been told of it."""
    after = before
    while after[table].by_index == before[table].by_index:
        time.sleep(0.05)
        after = reads(database)
    return after


def reads(database: Database) -> dict[str, Row[tuple[str, int, int, int]]]:
    """Return how often each table was read so far, as a whole and by an index, and how many rows by these."""
    # A connection that ends tells the server what it did.
    database.close()
    url = database.url.render_as_string(hide_password=False)
    with closing(Database(url)) as another, another.reading() as connection:
        found = connection.execute(
            text(
                "SELECT relname AS name, seq_scan AS as_a_whole, idx_scan AS by_index, idx_tup_fetch AS rows"
                " FROM pg_stat_user_tables"
                " WHERE relname IN"
                " ('ninebits_request', 'ninebits_message', 'ninebits_recipient', 'ninebits_callback')"
            )
        )
        return {row.name: row for row in found}
