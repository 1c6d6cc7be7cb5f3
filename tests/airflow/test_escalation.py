"""A ladder whose worker or triggerer dies in the middle: nobody is rung out of turn, nor twice."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.airflow.test_triggerers import another_triggerer, kill, processes_of, stopped, triggerer_of

if TYPE_CHECKING:
    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


def rung_once(stage: Stage, number: str) -> None:
    deadline = time.monotonic() + 90
    while not stage.rung([number])[0]:
        stage.airflow.check_alive()
        assert time.monotonic() < deadline
        time.sleep(0.2)


def worker_of(stage: Stage, run_id: str) -> psutil.Process:
    """The process that runs a task: the one that has loaded its run."""
    pid = stage.task_instance("escalate_in_worker", run_id, "wake")["pid"]
    return psutil.Process(pid)


def test_a_ladder_goes_on_after_its_worker_was_killed(stage: Stage) -> None:
    (first,), (second,) = stage.holding(1), stage.answering(1)
    run_id = stage.airflow.trigger("escalate_in_worker", {"contacts": [first, second]})
    rung_once(stage, first)
    worker = worker_of(stage, run_id)
    for process in (*worker.children(recursive=True), worker):
        process.send_signal(signal.SIGKILL)
    # The first one answers while nobody waits for it; the retry finds that, and rings nobody.
    stage.deliver(first)
    assert stage.airflow.wait_for_run("escalate_in_worker", run_id) == "success"
    assert stage.rung([first, second]) == [1, 0]
    assert stage.airflow.xcom("escalate_in_worker", run_id, "wake")["answered_by"] == first


def test_a_late_answer_ends_a_deferred_ladder_whose_triggerer_was_killed(stage: Stage) -> None:
    (first,), (second,), (third,) = stage.silent(1), stage.holding(1), stage.answering(1)
    with another_triggerer(stage, capacity=10) as other, stopped(stage, triggerer_of(stage)):
        run_id = stage.airflow.trigger("escalate", {"contacts": [first, second, third]})
        rung_once(stage, second)
        stage.airflow.wait_for_task("escalate", run_id, "wake", {"deferred"})
        while stage.task_instance("escalate", run_id, "wake")["triggerer_job"] is None:
            stage.airflow.check_alive()
            time.sleep(0.2)
        kill(processes_of(other))
        other.wait()
    # The triggerer that takes over, when it has noticed, finds this answer, and rings nobody meanwhile.
    stage.deliver(second)
    assert stage.airflow.wait_for_run("escalate", run_id) == "success"
    assert stage.rung([first, second, third]) == [1, 1, 0]
    found = stage.airflow.xcom("escalate", run_id, "wake")
    assert (found["answered_by"], found["calls"]) == (second, 2)
    assert stage.task_instance("escalate", run_id, "wake")["try_number"] == 1
