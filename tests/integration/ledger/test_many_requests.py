"""A callback is looked for among the sends to its number, not among all requests, be they old or of these days."""

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
INSERT INTO ninebits_send (id, deployment, created_at)
SELECT 's' || n, 'default', now() - interval '{apart}' * (20000 - n) FROM generate_series(1, 20000) AS n;
INSERT INTO ninebits_message (id, send_id, part, conn_id, media_url, state, recipients, answered, created_at)
SELECT 'm' || n, 's' || n, 0, 'ninebits', 'https://media.test/a.mp3', 'accepted', 1, 1,
       now() - interval '{apart}' * (20000 - n) FROM generate_series(1, 20000) AS n;
INSERT INTO ninebits_request (message_id, conn_id, state, ref_id, started_at)
SELECT 'm' || n, 'ninebits', 'accepted', 'r' || n, now() - interval '{apart}' * (20000 - n)
  FROM generate_series(1, 20000) AS n;
INSERT INTO ninebits_recipient (send_id, message_id, number, state)
SELECT 's' || n, 'm' || n, 2340000000000 + n % 500, 'answered' FROM generate_series(1, 20000) AS n;
ANALYZE;
"""


@pytest.mark.parametrize("apart", ["30 minutes", "1 second"], ids=["over a year", "all in match_window"])
def test_other_requests_cost_a_callback_nothing(database: Database, apart: str) -> None:
    with database.writing() as connection:
        for statement in FILL.format(apart=apart).strip().split(";\n"):
            connection.execute(text(statement))
    numbers = [str(2340000000000 + place) for place in range(16)]
    waiting = plan(database, a_plan(tuple(numbers))).parts[0]
    claimed(database, waiting.message_id).answered("accepted", "of the waiting")
    before = reads(database)
    arrive(database, *(a_call(number, identity=f"nameless {number}") for number in numbers[:8]))
    arrive(database, *(a_call(number, ref_id="of the waiting", identity=f"named {number}") for number in numbers[8:]))
    after = before
    while after["ninebits_request"].by_index == before["ninebits_request"].by_index:
        time.sleep(0.05)
        after = reads(database)
    for table, read in after.items():
        assert read.as_a_whole == before[table].as_a_whole, table
        # Each of the 16 numbers was in 40 messages.
        assert read.rows - before[table].rows < 5 * 16 * 40, table


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
                " WHERE relname IN ('ninebits_request', 'ninebits_message', 'ninebits_recipient')"
            )
        )
        return {row.name: row for row in found}
