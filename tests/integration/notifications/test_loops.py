"""Notifiers in a running loop, as deadlines await them, and in Airflow's own callers of callbacks."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from airflow.triggers.callback import CallbackTrigger

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.notifications.voice import NineBitsNotifier
from tests.integration.ledger.scenes import row
from tests.integration.notifications.notifying import ADA, MEDIA, bounded, context, hanging_server, notifier

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

PATH = f"{NineBitsNotifier.__module__}.{NineBitsNotifier.__qualname__}"
# As Airflow 3.3 makes it for a deadline.
DEADLINE_CONTEXT = {
    "dag_run": {"dag_id": "etl", "dag_run_id": "manual__1", "conf": {"on_call": ADA}},
    "deadline": {"id": "0", "deadline_time": "2026-01-01T00:00:00Z"},
}


MANY_TURNS = 10
"""Of a loop that goes on for the second that 9bits takes; one that is held up has a few, before and after."""


@pytest.fixture
def ledger(sqlite_ledger: Database) -> Database:
    return sqlite_ledger


async def turns_during(work: Any) -> int:
    """Await something, and return how often the loop did something else meanwhile."""
    turns, over = 0, asyncio.Event()

    async def look() -> None:
        nonlocal turns
        while not over.is_set():
            await asyncio.sleep(0.01)
            turns += 1

    looking = asyncio.ensure_future(look())
    await work
    over.set()
    await looking
    return turns


async def awaited(one: NineBitsNotifier) -> None:
    await one


def test_it_is_awaited_with_the_context_that_it_was_given(ledger: Database, simulator: RunningSimulator) -> None:
    one = notifier(to="{{ dag_run.conf.on_call }}", context=DEADLINE_CONTEXT)
    asyncio.run(awaited(one))
    assert simulator.rung() == {ADA: 1}
    found = row(ledger, schema.alert)
    assert (found["dag_id"], found["run_id"], found["task_id"]) == ("etl", "manual__1", None)


def test_without_a_context_it_rings_too(ledger: Database, simulator: RunningSimulator) -> None:
    asyncio.run(awaited(notifier()))
    assert simulator.rung() == {ADA: 1}


def test_the_loop_goes_on_meanwhile(ledger: Database, simulator: RunningSimulator) -> None:
    simulator.script({"faults": [{"kind": "delay", "seconds": 1, "placed": True}]})
    assert asyncio.run(turns_during(awaited(notifier(context=DEADLINE_CONTEXT)))) > MANY_TURNS
    assert simulator.rung() == {ADA: 1}


def test_a_server_that_hangs_holds_neither_the_loop_nor_the_trigger(
    ledger: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with hanging_server() as port:
        fields = {"conn_type": "ninebits", "password": "key", "host": f"http://127.0.0.1:{port}"}
        monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_DEFAULT", json.dumps(fields))
        with bounded():
            assert asyncio.run(turns_during(awaited(notifier(notify_timeout=3)))) > MANY_TURNS
    assert any(record.levelno == logging.ERROR for record in caplog.records)


def test_a_failure_is_logged_and_not_raised(
    ledger: Database, simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(awaited(notifier(ninebits_conn_id="ninebits_missing")))
    assert "The alert rang nobody: connection 'ninebits_missing' cannot be read here" in caplog.text


def test_a_storm_in_one_loop_rings_once(ledger: Database, simulator: RunningSimulator) -> None:
    async def storm() -> None:
        await asyncio.gather(*(awaited(notifier(context=context(f"task {place}"))) for place in range(20)))

    asyncio.run(storm())
    assert simulator.rung() == {ADA: 1}
    assert row(ledger, schema.alert)["held_back"] == 19


def test_airflows_trigger_of_deadlines_runs_it_to_its_end(ledger: Database, simulator: RunningSimulator) -> None:
    async def events() -> list[Any]:
        kwargs = {"to": "{{ dag_run.conf.on_call }}", "media_url": MEDIA, "context": DEADLINE_CONTEXT}
        return [event.payload["state"] async for event in CallbackTrigger(PATH, kwargs).run()]

    assert asyncio.run(events())[-1] == "success"
    assert simulator.rung() == {ADA: 1}
    assert row(ledger, schema.alert)["run_id"] == "manual__1"


def test_airflow_takes_it_for_a_deadline(ledger: Database) -> None:
    deadlines = pytest.importorskip("airflow.sdk.definitions.callback", reason="Airflow 3.2 and later")
    callback = deadlines.AsyncCallback(NineBitsNotifier, kwargs={"to": ADA, "media_url": MEDIA})
    assert callback.path == PATH


def test_airflows_executor_calls_it_with_the_context_of_a_deadline(
    ledger: Database, simulator: RunningSimulator
) -> None:
    supervisor = pytest.importorskip("airflow.sdk.execution_time.callback_supervisor", reason="Airflow 3.2 and later")
    kwargs = {"to": "{{ dag_run.conf.on_call }}", "media_url": MEDIA, "context": DEADLINE_CONTEXT}
    done, error = supervisor.execute_callback(PATH, kwargs, "", None, structlog.get_logger())
    assert (done, error) == (True, None)
    assert simulator.rung() == {ADA: 1}
