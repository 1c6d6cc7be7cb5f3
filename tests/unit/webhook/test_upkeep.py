"""The receiver's upkeep, on a real ledger: what it tells, and what it does when that is not noted."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.webhook.upkeep import Upkeep
from tests.integration.ledger.scenes import WINDOW, a_call, arrive, rows, sending, states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS = 30.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'ninebits.db'}")
    yield database
    database.close()


@pytest.fixture
def registered() -> list[str]:
    return []


@pytest.fixture
def upkeep(ledger: Database, registered: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Upkeep]:
    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.HEARTBEAT_SECONDS", 0.02)
    running = Upkeep(ledger, window=WINDOW, registered=registered.append)
    running.start()
    eventually(lambda: bool(registered))
    yield running
    running.stop()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def receivers(ledger: Database) -> list[str]:
    return [str(each["id"]) for each in rows(ledger, schema.receiver)]


def test_it_registers_and_ends_in_order(ledger: Database, upkeep: Upkeep, registered: list[str]) -> None:
    upkeep.turn_away(unauthorized=2)
    upkeep.stop()
    [receiver] = rows(ledger, schema.receiver)
    assert receiver["id"] == registered[0]
    assert receiver["stopped"]
    assert receiver["unauthorized"] == 2


def test_it_registers_again_where_the_ledger_does_not_know_it(
    ledger: Database, upkeep: Upkeep, registered: list[str]
) -> None:
    with ledger.writing() as connection:
        connection.execute(delete(schema.receiver))
    eventually(lambda: len(registered) == 2)
    assert receivers(ledger) == [registered[1]]


def test_what_a_failed_heartbeat_counted_comes_with_the_next(
    ledger: Database, upkeep: Upkeep, caplog: pytest.LogCaptureFixture
) -> None:
    with ledger.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE ninebits_receiver RENAME TO taken_away")
    upkeep.turn_away(unavailable=3)
    eventually(lambda: caplog.text.count("heartbeat is not recorded") >= 2)
    with ledger.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE taken_away RENAME TO ninebits_receiver")
    eventually(lambda: sum(each["unavailable"] for each in rows(ledger, schema.receiver)) == 3)


def test_a_long_sweep_keeps_no_heartbeat_back(
    ledger: Database, registered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.SWEEP_SECONDS", 0.02)
    sweeping = threading.Event()

    def sweep_for_ever(*_: object, pause: Callable[[float], object], **__: object) -> None:
        sweeping.set()
        while True:
            pause(0.01)

    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.sweep", sweep_for_ever)
    running = Upkeep(ledger, window=WINDOW, registered=registered.append)
    running.start()
    try:
        assert sweeping.wait(SECONDS)
        eventually(lambda: bool(registered))
        [before] = rows(ledger, schema.receiver)
        eventually(lambda: rows(ledger, schema.receiver)[0]["heartbeat_at"] > before["heartbeat_at"])
    finally:
        # It ends in the middle of the sweep.
        running.stop()
    assert rows(ledger, schema.receiver)[0]["stopped"]


def test_it_sweeps_what_is_still_unmatched(
    ledger: Database, registered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.SWEEP_SECONDS", 0.05)
    first, second = sending(ledger), sending(ledger)
    arrive(ledger, a_call(ref_id="x"))
    second.answered("accepted", "x")
    assert states(ledger, first, second) == ["pending", "pending"]
    running = Upkeep(ledger, window=timedelta(days=1), registered=registered.append)
    running.start()
    try:
        eventually(lambda: states(ledger, first, second) == ["pending", "answered"])
    finally:
        running.stop()
