"""Who is rung how often, whatever happens to the task: the rules of the operator's key, in a real Airflow."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


def test_a_retry_after_all_was_sent_rings_nobody_again(stage: Stage) -> None:
    numbers = stage.answering(2)
    run_id, state = stage.run("ring_and_die_once", to=numbers)
    assert state == "success"
    assert stage.task_instance("ring_and_die_once", run_id, "ring")["try_number"] == 2
    assert stage.rung(numbers) == [1, 1]
    assert "Nobody was rung again" in stage.airflow.task_log("ring_and_die_once", run_id, "ring", try_number=2)


def test_a_retry_after_a_refusal_sends(stage: Stage) -> None:
    numbers = stage.answering(1)
    stage.simulator.script({"faults": [{"kind": "status", "status": 400}]})
    run_id, state = stage.run("ring", to=numbers)
    assert state == "success"
    assert stage.task_instance("ring", run_id, "ring")["try_number"] == 2
    assert stage.rung(numbers) == [1]


def test_a_cleared_task_that_had_ended_rings_again(stage: Stage) -> None:
    numbers = stage.answering(1)
    run_id, _ = stage.run("ring", to=numbers)
    first = stage.airflow.xcom("ring", run_id, "ring")
    stage.clear("ring", run_id, ["ring"])
    assert stage.airflow.wait_for_run("ring", run_id) == "success"
    assert stage.rung(numbers) == [2]
    assert stage.airflow.xcom("ring", run_id, "ring") != first


def test_a_cleared_task_that_had_failed_in_the_middle_goes_on_there(stage: Stage) -> None:
    numbers = stage.answering(1001, lose_callback=True)
    # The first part is answered as it should be, the second refused.
    stage.simulator.script({"faults": [{"kind": "delay", "seconds": 0}, {"kind": "status", "status": 400}]})
    run_id, state = stage.run("ring_without_retries", to=numbers)
    assert state == "failed"
    assert stage.rung(numbers) == [1] * 1000 + [0]
    placed = stage.airflow.xcom("ring_without_retries", run_id, "ring", key="ref_id")

    stage.clear("ring_without_retries", run_id, ["ring"])
    assert stage.airflow.wait_for_run("ring_without_retries", run_id) == "success"
    assert stage.rung(numbers) == [1] * 1001
    ref_ids = stage.airflow.xcom("ring_without_retries", run_id, "ring")
    assert (len(ref_ids), ref_ids[0]) == (2, placed)


def test_a_cleared_task_that_had_failed_after_its_last_part_was_accepted_is_not_rung_again(stage: Stage) -> None:
    dag_id, numbers = "ring_and_wait", stage.holding()
    run_id = stage.airflow.trigger(dag_id, {"to": numbers})
    stage.airflow.wait_for_task(dag_id, run_id, "ring", {"deferred"})
    stage.airflow.api.patch(
        f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/ring", json={"new_state": "failed"}
    ).raise_for_status()
    assert stage.airflow.wait_for_run(dag_id, run_id) == "failed"

    stage.clear(dag_id, run_id, ["ring"])
    stage.wait_for_try(dag_id, run_id, "ring", 2, "deferred")
    stage.deliver(numbers[0])
    assert stage.airflow.wait_for_run(dag_id, run_id) == "success"
    assert stage.airflow.xcom(dag_id, run_id, "ring")["answered"] == 1
    assert stage.rung(numbers) == [1]


def test_a_task_that_is_cleared_while_it_is_deferred_goes_on_waiting(stage: Stage) -> None:
    dag_id, numbers = "ring_and_wait", stage.holding()
    run_id = stage.airflow.trigger(dag_id, {"to": numbers})
    stage.airflow.wait_for_task(dag_id, run_id, "ring", {"deferred"})
    stage.clear(dag_id, run_id, ["ring"])
    stage.wait_for_try(dag_id, run_id, "ring", 2, "deferred")
    stage.deliver(numbers[0])
    assert stage.airflow.wait_for_run(dag_id, run_id) == "success"
    assert stage.rung(numbers) == [1]


def test_a_task_that_is_cleared_while_it_runs_goes_on_waiting(stage: Stage) -> None:
    dag_id, numbers = "ring_and_wait_in_the_worker", stage.holding()
    run_id = stage.airflow.trigger(dag_id, {"to": numbers})
    stage.airflow.wait_for_task(dag_id, run_id, "ring", {"running"})
    while stage.message_states(numbers[0]) != ["accepted"]:
        stage.airflow.check_alive()
        time.sleep(0.2)
    stage.clear(dag_id, run_id, ["ring"])
    stage.wait_for_try(dag_id, run_id, "ring", 2, "running")
    stage.deliver(numbers[0])
    assert stage.airflow.wait_for_run(dag_id, run_id) == "success"
    assert stage.airflow.xcom(dag_id, run_id, "ring")["answered"] == 1
    assert stage.rung(numbers) == [1]


def test_a_task_that_is_killed_sends_no_further_part_and_goes_on_there(stage: Stage) -> None:
    dag_id, numbers = "ring", stage.answering(2001, lose_callback=True)
    # The task is stopped while it waits for the first part's answer; Airflow gives it 5 s to come to its end.
    stage.simulator.script({"faults": [{"kind": "delay", "seconds": 3, "placed": True}]})
    run_id = stage.airflow.trigger(dag_id, {"to": numbers})
    while "sending" not in stage.message_states(numbers[0]):
        stage.airflow.check_alive()
        time.sleep(0.1)
    stage.airflow.api.patch(
        f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/ring", json={"new_state": "failed"}
    ).raise_for_status()
    while "sending" in stage.message_states(numbers[0]):
        stage.airflow.check_alive()
        time.sleep(0.1)
    assert stage.message_states(numbers[0]) == ["accepted"]
    assert stage.airflow.wait_for_run(dag_id, run_id) == "failed"
    assert stage.rung(numbers) == [1] * 1000 + [0] * 1001

    stage.clear(dag_id, run_id, ["ring"])
    assert stage.airflow.wait_for_run(dag_id, run_id) == "success"
    assert stage.rung(numbers) == [1] * 2001


def test_of_a_mapped_task_only_the_cleared_one_rings_again(stage: Stage) -> None:
    numbers = stage.answering(2)
    run_id, state = stage.run("ring_each", to=numbers)
    assert state == "success"
    assert stage.rung(numbers) == [1, 1]
    stage.clear("ring_each", run_id, [["ring", 1]])
    assert stage.airflow.wait_for_run("ring_each", run_id) == "success"
    assert stage.rung(numbers) == [1, 2]


def test_tasks_of_one_name_in_two_groups_ring_for_themselves(stage: Stage) -> None:
    numbers = stage.answering(1)
    run_id, state = stage.run("ring_in_groups", to=numbers)
    assert state == "success"
    assert [
        stage.task_instance("ring_in_groups", run_id, task_id)["try_number"] for task_id in ("left.ring", "right.ring")
    ] == [2, 2]
    assert stage.rung(numbers) == [2]


def test_each_run_of_a_backfill_rings_and_its_retries_do_not(stage: Stage) -> None:
    numbers = stage.answering(1)
    # Unpaused by a run of its own, which takes no part in this.
    stage.run("ring_daily", to=stage.answering(1))
    days = {"from_date": "2026-01-05T00:00:00Z", "to_date": "2026-01-06T00:00:00Z"}
    order = {"dag_id": "ring_daily", **days, "dag_run_conf": {"to": numbers}}
    runs = backfilled(stage, order)
    assert [(run["run_type"], run["state"]) for run in runs] == [("backfill", "success")] * 2
    assert stage.rung(numbers) == [2]
    # Done over by a second backfill, they have ended before: that rings again, on purpose.
    again = backfilled(stage, order | {"reprocess_behavior": "completed"})
    assert {run["dag_run_id"] for run in again} == {run["dag_run_id"] for run in runs}
    assert stage.rung(numbers) == [4]


def backfilled(stage: Stage, order: dict[str, Any]) -> list[dict[str, Any]]:
    """Make a backfill, wait until it has ended, and return the runs that backfills have made."""
    deadline = time.monotonic() + 180.0
    # Airflow's own SQLite was locked, and nothing was made.
    while (made := stage.airflow.api.post("/api/v2/backfills", json=order)).status_code in (500, 503):
        assert time.monotonic() < deadline, made.text
        time.sleep(0.5)
    backfill = f"/api/v2/backfills/{made.raise_for_status().json()['id']}"
    while stage.airflow.api.get(backfill).raise_for_status().json()["completed_at"] is None:
        stage.airflow.check_alive()
        assert time.monotonic() < deadline, backfill
        time.sleep(0.5)
    runs = stage.airflow.api.get(f"/api/v2/dags/{order['dag_id']}/dagRuns", params={"run_type": "backfill"})
    found: list[dict[str, Any]] = runs.raise_for_status().json()["dag_runs"]
    return found


def test_a_run_that_is_deleted_and_made_anew_rings_again(stage: Stage) -> None:
    numbers = stage.answering(1)
    run_id, _ = stage.run("ring", to=numbers)
    # Meanwhile Airflow hears that the task's process has ended; later, it would take that for the new run's task.
    stage.run("ring", to=stage.answering(1))
    stage.airflow.api.delete(f"/api/v2/dags/ring/dagRuns/{run_id}").raise_for_status()
    stage.airflow.api.post(
        "/api/v2/dags/ring/dagRuns", json={"dag_run_id": run_id, "logical_date": None, "conf": {"to": numbers}}
    ).raise_for_status()
    assert stage.airflow.wait_for_run("ring", run_id) == "success"
    assert stage.rung(numbers) == [2]


DAG_TEST_TWICE = """
import json, sys
from datetime import UTC, datetime

sys.path.insert(0, sys.argv[1])
from ringing import ring_in_dag_test

moment = datetime(2026, 1, 1, tzinfo=UTC)
for _ in range(2):
    run = ring_in_dag_test.test(run_after=moment, logical_date=moment, run_conf={"to": json.loads(sys.argv[2])})
    print("DAG RUN", run.run_id, run.state)
"""


def test_dag_test_rings_each_time(stage: Stage, dags_folder: Path) -> None:
    numbers = stage.answering(1)
    ended = subprocess.run(
        [stage.python, "-c", DAG_TEST_TWICE, str(dags_folder), json.dumps(numbers)],
        env=stage.airflow.environment,
        cwd=stage.airflow.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    runs = [line for line in ended.stdout.splitlines() if line.startswith("DAG RUN")]
    assert len(runs) == 2, ended.stdout
    # The same run id: nothing but the try number tells the second run from a retry.
    assert len(set(runs)) == 1
    assert runs[0].endswith("success")
    assert stage.rung(numbers) == [2]
