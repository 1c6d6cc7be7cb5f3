"""Calling hours in a real Airflow: the task leaves its worker until they open, and rings then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.airflow.openings import opening

if TYPE_CHECKING:
    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


def test_a_send_outside_of_its_hours_holds_no_worker_and_rings_when_they_open(stage: Stage) -> None:
    # Hours are in whole seconds.
    numbers, begins = stage.answering(2), datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=25)
    conf = {"to": numbers, "hours": opening("Africa/Lagos", begins), "timezone": "Africa/Lagos"}
    run_id = stage.airflow.trigger("ring_in_hours", conf)
    stage.airflow.wait_for_task("ring_in_hours", run_id, "ring", {"deferred"})
    # A busy machine may have come to it late.
    assert stage.rung(numbers) == [0, 0] or datetime.now(UTC) >= begins
    assert stage.airflow.wait_for_run("ring_in_hours", run_id) == "success"
    assert datetime.now(UTC) >= begins
    assert stage.rung(numbers) == [1, 1]
    assert stage.task_instance("ring_in_hours", run_id, "ring")["try_number"] == 1


def test_hours_that_open_too_late_fail_without_a_retry_and_say_when_they_do(stage: Stage) -> None:
    numbers, begins = stage.answering(1), datetime.now(UTC) + timedelta(hours=2)
    conf = {"to": numbers, "hours": opening("UTC", begins), "timezone": "UTC"}
    run_id, state = stage.run("ring_in_hours", **conf)
    assert (state, stage.rung(numbers)) == ("failed", [0])
    assert f"open next at {begins:%Y-%m-%dT%H:%M:%S}" in stage.airflow.task_log("ring_in_hours", run_id, "ring")
