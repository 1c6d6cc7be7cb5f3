"""Many alerts at once, in threads and processes, and processes that are killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout

from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.alerts import list_alerts
from tests.integration.ledger.scenes import row
from tests.integration.notifications.notifying import (
    ADA,
    PATIENCE_SECONDS,
    bounded,
    context,
    hanging_server,
    notifier,
    notify,
    notify_and_stop_before_it_is_noted,
    notify_many,
    process,
    requested,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

AT_ONCE = 50


def test_fifty_tasks_that_fail_at_once_ring_once(ledger: Database, simulator: RunningSimulator) -> None:
    # The call takes a while, in which all the others come.
    simulator.script({"faults": [{"kind": "delay", "seconds": 1, "placed": True}]})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda place: notifier(notify_timeout=60)(context(f"task {place}")), range(AT_ONCE)))
    assert simulator.rung() == {ADA: 1}
    [shown] = list_alerts(ledger)
    assert (shown.rings, shown.held_back, shown.held_back_in_all) == (1, AT_ONCE - 1, AT_ONCE - 1)


def test_tasks_of_several_workers_ring_once(ledger: Database, simulator: RunningSimulator) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(process(notify_many, {"threads": 4})) for _ in range(4)]
        for said in ("ready", "done"):
            for _, pipe in workers:
                assert pipe.poll(PATIENCE_SECONDS)
                assert pipe.recv() == said
            if said == "ready":
                for _, pipe in workers:
                    pipe.send("go")
    assert simulator.rung() == {ADA: 1}
    [shown] = list_alerts(ledger)
    assert (shown.rings, shown.held_back) == (1, 15)


def test_when_the_first_is_refused_the_second_of_those_who_wait_rings(
    ledger: Database, simulator: RunningSimulator
) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 400}]})
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda place: notifier()(context(f"task {place}")), range(5)))
    assert simulator.rung() == {ADA: 1}
    [shown] = list_alerts(ledger)
    assert (shown.rings, shown.held_back) == (1, 3)


def test_one_that_is_killed_while_it_rings_silences_nobody(ledger: Database, simulator: RunningSimulator) -> None:
    simulator.script({"faults": [{"kind": "delay", "seconds": 30, "placed": False}]})
    with process(notify, {"ninebits_conn_id": "ninebits_impatient"}) as (worker, _):
        requested(simulator, 1)
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    notifier()(context("another"))
    assert simulator.rung() == {ADA: 1}
    assert row(ledger, schema.alert)["task_id"] == "another"


def test_one_that_is_killed_after_9bits_has_answered_rings_nobody_twice(
    ledger: Database, simulator: RunningSimulator
) -> None:
    with process(notify_and_stop_before_it_is_noted, {"ninebits_conn_id": "ninebits_impatient"}) as (worker, pipe):
        assert pipe.poll(PATIENCE_SECONDS)
        assert pipe.recv() == "accepted"
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    notifier()(context("another"))
    notifier()(context("a third"))
    assert simulator.rung() == {ADA: 1}
    found = row(ledger, schema.alert)
    assert (found["rings"], found["held_back"]) == (1, 1)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_where_airflow_takes_no_questions_from_threads_the_caller_asks(
    ledger: Database, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_by: list[threading.Thread] = []
    get_connection = NineBitsHook.get_connection

    def seen(conn_id: str) -> Connection:
        asked_by.append(threading.current_thread())
        return get_connection(conn_id)

    def macro() -> str:
        asked_by.append(threading.current_thread())
        return "failed"

    monkeypatch.setattr(NineBitsHook, "get_connection", staticmethod(seen))
    for may in (True, False):
        monkeypatch.setattr("airflow_provider_ninebits.notifications.voice.may_ask_airflow", lambda may=may: may)
        one = notifier(media_url="https://media.test/{{ macro() }}.mp3", cooldown=0)
        one({**context(), "macro": macro})
    assert [thread is threading.current_thread() for thread in asked_by] == [False, False, True, True]
    assert simulator.rung() == {ADA: 2}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_time_out_of_the_task_passes_through_and_nobody_is_rung_after_it(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed_out(*_: object) -> None:
        raise AirflowTaskTimeout("the task")

    with hanging_server() as port:
        fields = {"conn_type": "ninebits", "password": "key", "host": f"http://127.0.0.1:{port}"}
        monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_DEFAULT", json.dumps(fields))
        had = signal.signal(signal.SIGALRM, timed_out)
        signal.setitimer(signal.ITIMER_REAL, 1.5)
        try:
            with bounded(), pytest.raises(AirflowTaskTimeout):
                notifier(notify_timeout=30)(context())
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, had)
        # What was under way is recorded; no second request follows it.
        deadline = time.monotonic() + PATIENCE_SECONDS
        while row(ledger, schema.message)["state"] == "sending":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1.5)
        assert row(ledger, schema.message)["state"] == "uncertain"
        assert row(ledger, schema.request)["state"] == "uncertain"
