"""Notifiers where Airflow calls them: in tasks, in the DAG processor, in the triggerer."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.api.masking import shown_text

if TYPE_CHECKING:
    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]
PATIENCE_SECONDS = 90


def alerts_of(stage: Stage, run_id: str) -> list[tuple[str, str | None, int, int]]:
    """Of each alert of a run: its key for people, the task that rang, and how often it rang and was held back."""
    with closing(sqlite3.connect(stage.airflow.home / "ninebits.db")) as ledger:
        return ledger.execute(
            "select dedup_key, task_id, rings, held_back_in_all from ninebits_alert where run_id = ?", (run_id,)
        ).fetchall()


def wait_for_alert(stage: Stage, dag_id: str, run_id: str, *, held_back: int = 0) -> str | None:
    """Wait until a run has rung once, with so many held back; return the task for which it rang, or None."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while [found[2:] for found in alerts_of(stage, run_id)] != [(1, held_back)]:
        stage.airflow.check_alive()
        assert time.monotonic() < deadline, alerts_of(stage, run_id)
        time.sleep(0.3)
    [(dedup_key, task_id, _, _)] = alerts_of(stage, run_id)
    # A run's id may look like a number, which is masked then.
    assert dedup_key == shown_text(f"{dag_id} {run_id}")
    return task_id


def test_of_four_tasks_that_fail_one_rings(stage: Stage) -> None:
    dag_id, numbers = "alerts_of_tasks", stage.answering(1)
    run_id, state = stage.run(dag_id, to=numbers)
    assert state == "failed"
    assert wait_for_alert(stage, dag_id, run_id, held_back=3) == "fail"
    assert stage.rung(numbers) == [1]
    logs = [
        stage.airflow.api.get(
            f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/fail/logs/1", params={"map_index": place}
        ).text
        for place in range(4)
    ]
    assert sum("9bits rings 2348" in log for log in logs) == 1
    assert sum("Held back: the call for alert" in log for log in logs) == 3
    assert all("fails, as it is meant to" in log for log in logs)


def test_the_callback_of_a_dag_rings_in_the_dag_processor(stage: Stage) -> None:
    dag_id, numbers = "alert_of_a_dag", stage.answering(1)
    run_id, state = stage.run(dag_id, to=numbers)
    assert state == "failed"
    wait_for_alert(stage, dag_id, run_id)
    assert stage.rung(numbers) == [1]
    assert "9bits rings 2348" not in stage.airflow.task_log(dag_id, run_id, "fail")


def test_a_success_may_ring_too(stage: Stage) -> None:
    dag_id, numbers = "alert_of_a_success", stage.answering(1)
    run_id, state = stage.run(dag_id, to=numbers)
    assert state == "success"
    wait_for_alert(stage, dag_id, run_id)
    assert stage.rung(numbers) == [1]


def test_a_retry_may_ring_too(stage: Stage) -> None:
    dag_id, numbers = "alert_of_a_retry", stage.answering(1)
    run_id, _ = stage.run(dag_id, to=numbers)
    assert wait_for_alert(stage, dag_id, run_id) == "fail"
    assert stage.rung(numbers) == [1]


def test_the_callback_of_a_dag_rings_for_a_task_that_is_killed(stage: Stage) -> None:
    dag_id, numbers = "alert_of_a_killed_task", stage.answering(1)
    run_id, state = stage.run(dag_id, to=numbers)
    assert state == "failed"
    wait_for_alert(stage, dag_id, run_id)
    assert stage.rung(numbers) == [1]


def test_a_missed_deadline_rings_from_the_triggerer(stage: Stage) -> None:
    dag_id, numbers = "alert_of_a_deadline", stage.answering(1)
    run_id = stage.airflow.trigger(dag_id, {"to": numbers})
    assert wait_for_alert(stage, dag_id, run_id) is None
    assert stage.rung(numbers) == [1]
    assert stage.airflow.wait_for_run(dag_id, run_id) == "success"


def test_an_alert_that_cannot_be_given_hides_no_failure(stage: Stage) -> None:
    dag_id = "alert_that_cannot_be_given"
    run_id, state = stage.run(dag_id, to=stage.answering(1))
    assert state == "failed"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "The alert rang nobody" not in (log := stage.airflow.task_log(dag_id, run_id, "fail")):
        assert time.monotonic() < deadline, log
        time.sleep(0.5)
    assert "ninebits_missing" in log
    assert "fails, as it is meant to" in log
    assert alerts_of(stage, run_id) == []
