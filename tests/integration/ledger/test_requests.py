"""What a request costs the ledger: a claim and an answer, whatever the part's size."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger.claims import claim
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.states import MessageState, RequestState
from tests.integration.ledger.scenes import a_plan, plan
from tests.integration.statements import seen_by

if TYPE_CHECKING:
    from pathlib import Path

SMALL, LARGE = 3, 1000
# A transaction's begin and end are psycopg's own, no statements.
CLAIM = {"sqlite": 4, "postgresql": 1}
ANSWER = {("sqlite", SMALL): 5, ("sqlite", LARGE): 5, ("postgresql", SMALL): 6, ("postgresql", LARGE): 5}


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_request_asks_the_ledger_so_often(database: Database, size: int) -> None:
    numbers = [f"2348{(7 * place) % 1009:09}" for place in range(size)]
    sent = a_plan(numbers)
    [part] = plan(database, sent).parts
    kind, asked = database.url.get_backend_name(), list[str]()

    with seen_by(lambda _, sql, __: asked.append(sql)):
        claimed = claim(database, part.message_id, sent, owner="a test", lease_seconds=60)
    assert claimed is not None
    assert claimed.numbers == tuple(numbers)
    assert len(asked) == CLAIM[kind], asked

    asked.clear()
    answer = Answer(RequestState.ACCEPTED, "x", 200)
    with seen_by(lambda _, sql, __: asked.append(sql)):
        recorded = record_answer(database, claimed.request_id, answer, part.message_id, part.recipients)
    assert recorded.state is MessageState.ACCEPTED
    assert not recorded.message_ids | recorded.ref_ids, "no callback waits for it"
    assert len(asked) == ANSWER[kind, size], asked


def test_a_lease_is_as_long_as_it_was_asked_for(database: Database) -> None:
    from airflow_provider_ninebits.ledger.sends import read_part

    sent = a_plan()
    [part] = plan(database, sent).parts
    claim(database, part.message_id, sent, owner="a test", lease_seconds=3600.5)

    claimed, now = read_part(database, part.message_id)
    assert claimed.lease_expires_at is not None
    assert 3590 < (claimed.lease_expires_at - now).total_seconds() <= 3600.5


def test_threads_take_turns_before_sqlite_is_asked(tmp_path: Path) -> None:
    database, begun, asked = Database(f"sqlite:///{tmp_path / 'ninebits.db'}"), threading.Event(), list[int]()

    def note(_: object, sql: str, __: object) -> None:
        if sql.startswith("BEGIN"):
            asked.append(threading.get_ident())

    def write() -> None:
        begun.set()
        with database.writing():
            pass

    # The migration begins transactions of its own.
    with database.reading():
        pass
    with seen_by(note), ThreadPoolExecutor(1) as pool:
        with database.writing():
            done = pool.submit(write)
            assert begun.wait(10)
            threading.Event().wait(0.2)
            assert asked == [threading.get_ident()]
        done.result(10)
        assert len(asked) == 2
    database.close()
