"""What a task does where 9bits does not answer as it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.conftest import IMPATIENT_SECONDS

if TYPE_CHECKING:
    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("fault", "rung"),
    [
        pytest.param({"kind": "status", "status": 500}, 0, id="500, nobody rung"),
        pytest.param({"kind": "status", "status": 500, "placed": True}, 1, id="500, though rung"),
        pytest.param({"kind": "drop", "placed": True}, 1, id="connection lost, though rung"),
    ],
)
def test_an_unclear_answer_fails_the_task_without_retry(stage: Stage, fault: dict[str, Any], rung: int) -> None:
    # Without its callback, which would say that it was placed.
    numbers = stage.answering(1, lose_callback=True)
    stage.simulator.script({"faults": [fault]})
    run_id, state = stage.run("ring", to=numbers)
    assert state == "failed"
    assert stage.task_instance("ring", run_id, "ring")["try_number"] == 1
    assert "ninebits messages resolve" in stage.airflow.task_log("ring", run_id, "ring")
    assert stage.message_states(numbers[0]) == ["uncertain"]
    assert stage.rung(numbers) == [rung]


def test_an_answer_that_does_not_come_in_time_fails_the_task_without_retry(stage: Stage) -> None:
    numbers = stage.answering(1, lose_callback=True)
    stage.simulator.script({"faults": [{"kind": "delay", "seconds": IMPATIENT_SECONDS + 3, "placed": True}]})
    run_id, state = stage.run("ring_impatiently", to=numbers)
    assert state == "failed"
    assert stage.task_instance("ring_impatiently", run_id, "ring")["try_number"] == 1
    log = stage.airflow.task_log("ring_impatiently", run_id, "ring")
    assert "no answer came in time" in log
    assert "ninebits messages resolve" in log
    assert stage.message_states(numbers[0]) == ["uncertain"]
    stage.simulator.wait_idle()
    assert stage.rung(numbers) == [1]


def test_a_storm_of_429_is_waited_out(stage: Stage) -> None:
    numbers = stage.answering(1)
    limit = {"kind": "status", "status": 429, "retry_after": "1"}
    stage.simulator.script({"faults": [limit, limit, {**limit, "retry_after": None}, limit]})
    run_id, state = stage.run("ring", to=numbers)
    assert state == "success"
    assert stage.task_instance("ring", run_id, "ring")["try_number"] == 1
    assert stage.message_states(numbers[0]) == ["accepted"]
    assert stage.rung(numbers) == [1]
    sends = [request["status"] for request in stage.simulator.requests() if request.get("to") == numbers]
    assert sends == [429, 429, 429, 429, 200]
