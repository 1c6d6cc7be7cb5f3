"""DAGs that run because of calls: events from a real triggerer, also one that is killed before it has told them."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.ledger.states import RecipientState
from airflow_provider_ninebits.ledger.wanted import Wanted
from tests.airflow.test_triggerers import another_triggerer, kill, processes_of, stopped, triggerer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(400)]

DAG_ID = "told_of_missed_calls"
EXAMPLE_ID = "ninebits_scheduled_by_unanswered_calls"
UNANSWERED, FAILED = RecipientState.UNANSWERED, RecipientState.FAILED
WANTED = {
    DAG_ID: Wanted("default", "ninebits_default", ("23480",), (UNANSWERED, FAILED)),
    EXAMPLE_ID: Wanted("default", states=(UNANSWERED,)),
}
PATIENCE_SECONDS = 180.0


def until(condition: Callable[[], Any], stage: Stage, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        stage.airflow.check_alive()
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.3)


@contextmanager
def unpaused(stage: Stage, dag_id: str) -> Iterator[None]:
    """Let a DAG run because of events, once a triggerer waits for these, and no longer than this block."""

    def pause(is_paused: bool) -> bool:
        answer = stage.airflow.api.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": is_paused})
        return answer.status_code == 200

    before = last_seen(stage, dag_id)
    until(lambda: pause(False), stage, f"{dag_id} was not found")
    until(lambda: last_seen(stage, dag_id) != before, stage, "no triggerer has subscribed")
    try:
        yield
    finally:
        pause(True)


def ledger_rows(stage: Stage, query: str, dag_id: str) -> list[Any]:
    # Nobody may have used it yet, who makes its tables.
    url = f"file:{stage.airflow.home / 'ninebits.db'}?mode=ro"
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(url, uri=True)) as ledger:
        return ledger.execute(query, (WANTED[dag_id].subscription_id,)).fetchall()
    return []


def last_seen(stage: Stage, dag_id: str) -> list[Any]:
    return ledger_rows(stage, "select seen_at from ninebits_subscription where id = ?", dag_id)


def waiting_events(stage: Stage, dag_id: str) -> int:
    return len(ledger_rows(stage, "select id from ninebits_event where subscription_id = ?", dag_id))


def told_of(stage: Stage, number: str) -> list[dict[str, Any]]:
    """What the runs of the DAG were told of a number."""
    runs = stage.airflow.api.get(f"/api/v2/dags/{DAG_ID}/dagRuns").json()["dag_runs"]
    return [
        event
        for run in runs
        if run["state"] == "success"
        for event in stage.airflow.xcom(DAG_ID, run["dag_run_id"], "told")
        if event["call"]["to_number"] == number
    ]


def test_a_dag_runs_because_a_call_was_not_answered_also_after_its_triggerer_was_killed(stage: Stage) -> None:
    (reached,), missed = stage.answering(), stage.silent(6)
    at_once, last = missed[:5], missed[5]
    with unpaused(stage, DAG_ID):
        run_id, _ = stage.run("ring", to=[reached, *at_once])
        # Whatever Airflow leaves of them for the next run: no further event comes.
        until(lambda: all(told_of(stage, each) for each in at_once), stage, "nobody was told of one of the first")
        # Airflow says some moments later that it has written an event down.
        until(lambda: not waiting_events(stage, DAG_ID), stage, "what was told stays in the ledger")

        with another_triggerer(stage, capacity=10) as other:
            with stopped(stage, triggerer_of(stage)):
                before = last_seen(stage, DAG_ID)
                until(lambda: last_seen(stage, DAG_ID) != before, stage, "the other one did not take over")
                theirs = processes_of(other)
                with stopped(stage, theirs):
                    stage.run("ring", to=[last])
                    stage.simulator.wait_idle()
                    until(lambda: waiting_events(stage, DAG_ID), stage, "no event was kept")
                    kill(theirs)
                other.wait()
            until(lambda: told_of(stage, last), stage, "nobody was told of the second")
    for number in missed:
        events = told_of(stage, number)
        assert len({event["event_id"] for event in events}) == 1
        assert events[0]["call"]["state"] == "unanswered"
    assert told_of(stage, reached) == []
    first = told_of(stage, missed[0])[0]
    assert (first["dag_id"], first["run_id"], first["task_id"]) == ("ring", run_id, "ring")
    assert first["ref_id"] == stage.airflow.xcom("ring", run_id, "ring")
    assert stage.rung([reached, *missed]) == [1] * 7


def test_scheduled_by_unanswered_calls_rings_them_once_more_and_no_more(stage: Stage) -> None:
    (reached,), (missed,) = stage.answering(), stage.silent()
    with unpaused(stage, EXAMPLE_ID):
        stage.run("ring", to=[reached, missed])
        until(lambda: stage.rung([missed]) == [2], stage, "nobody was rung again")
        # That call was not answered either, of which the DAG is told too.
        stage.simulator.wait_idle()
        until(lambda: not waiting_events(stage, EXAMPLE_ID), stage, "what was told stays in the ledger")
        runs = f"/api/v2/dags/{EXAMPLE_ID}/dagRuns"
        until(lambda: stage.airflow.api.get(runs).json()["total_entries"] >= 2, stage, "it was not told of its own")
        until(
            lambda: {run["state"] for run in stage.airflow.api.get(runs).json()["dag_runs"]} == {"success"},
            stage,
            "its runs do not end well",
        )
    assert stage.rung([reached, missed]) == [1, 2]
