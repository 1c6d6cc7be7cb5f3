"""A callback is looked for among the requests of its last days, not among all that there ever were."""

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

# A year of 20,000 messages, as PostgreSQL makes them itself: it has to be so many that it would rather read an index.
FILL = """
INSERT INTO ninebits_send (id, deployment, created_at)
SELECT 's' || n, 'default', now() - interval '1 hour' * (20000 - n) / 2 FROM generate_series(1, 20000) AS n;
INSERT INTO ninebits_message (id, send_id, part, conn_id, media_url, state, recipients, answered, created_at)
SELECT 'm' || n, 's' || n, 0, 'ninebits', 'https://media.test/a.mp3', 'accepted', 1, 1,
       now() - interval '1 hour' * (20000 - n) / 2 FROM generate_series(1, 20000) AS n;
INSERT INTO ninebits_request (message_id, conn_id, state, ref_id, started_at)
SELECT 'm' || n, 'ninebits', 'accepted', 'r' || n, now() - interval '1 hour' * (20000 - n) / 2
  FROM generate_series(1, 20000) AS n;
INSERT INTO ninebits_recipient (send_id, message_id, number, state)
SELECT 's' || n, 'm' || n, 2340000000000 + n % 500, 'answered' FROM generate_series(1, 20000) AS n;
ANALYZE;
"""


def test_old_requests_cost_a_callback_nothing(database: Database) -> None:
    with database.writing() as connection:
        for statement in FILL.strip().split(";\n"):
            connection.execute(text(statement))
    numbers = [str(2340000000000 + place) for place in range(16)]
    waiting = plan(database, a_plan(tuple(numbers))).parts[0]
    claimed(database, waiting.message_id).answered("accepted", "of the waiting")
    before = reads(database, "ninebits_request")
    arrive(database, *(a_call(number, identity=f"nameless {number}") for number in numbers[:8]))
    arrive(database, *(a_call(number, ref_id="of the waiting", identity=f"named {number}") for number in numbers[8:]))
    after = before
    while after.by_index == before.by_index:
        time.sleep(0.05)
        after = reads(database, "ninebits_request")
    assert after.as_a_whole == before.as_a_whole


def reads(database: Database, table: str) -> Row[tuple[int, int]]:
    """Return how often a table was read so far, as a whole and by an index."""
    # A connection that ends tells the server what it did.
    database.close()
    url = database.url.render_as_string(hide_password=False)
    with closing(Database(url)) as another, another.reading() as connection:
        return connection.execute(
            text("SELECT seq_scan AS as_a_whole, idx_scan AS by_index FROM pg_stat_user_tables WHERE relname = :name"),
            {"name": table},
        ).one()
