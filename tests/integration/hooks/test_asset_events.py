"""What the events of a task's outlets tell of a send and of its outcome."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.lineage.entities import File
from airflow.sdk import Asset, AssetAlias

from airflow_provider_ninebits.exceptions import CallsUnanswered
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor
from tests.integration.hooks.playing import MODES, Mode, Task, in_mode, run
from tests.integration.ledger.scenes import ADA, BEN

pytestmark = pytest.mark.usefixtures("connection", "ledger", "receiver", "quick_polls")

REMINDED = Asset(name="reminded", uri="ninebits://reminded")
COUNTS = {"recipients": 2, "answered": 2, "unanswered": 0, "failed": 0, "pending": 0}


def a_task(task_id: str = "ring") -> Task:
    # A file is for lineage alone; Airflow makes no event of it.
    return Task(task_id, outlets=[REMINDED, AssetAlias("whatever"), File(url="s3://bucket/reminded.csv")])


def extras(task: Task) -> list[dict[str, Any]]:
    """Of each event that the task has touched."""
    return [task.outlet_events[key].extra for key in task.outlet_events]


def send(task: Task, **arguments: Any) -> Any:
    given = {"to": [ADA, BEN], "media_url": "https://media.test/a.mp3"} | arguments
    return run(lambda: SendVoiceOperator(task_id="ring", **given), task)


def test_a_send_tells_its_ref_ids_and_how_many_ring() -> None:
    task = a_task()
    ref_id = send(task)
    assert extras(task) == [{"ref_ids": [ref_id], "recipients": 2}]


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_send_that_waits_tells_its_outcome_and_no_number(deferrable: bool) -> None:
    task = a_task()
    outcome = send(task, wait_for_outcome=True, deferrable=deferrable)
    assert extras(task) == [{"ref_ids": outcome["ref_ids"], **COUNTS}]


@pytest.mark.parametrize("mode", MODES)
def test_a_wait_tells_its_outcome(mode: Mode) -> None:
    ref_id, task = send(Task()), a_task("wait")
    run(lambda: CallbackSensor(task_id="wait", ref_id=ref_id, **in_mode(mode)), task)
    assert extras(task) == [{"ref_ids": [ref_id], **COUNTS}]


def test_a_task_that_fails_tells_none(simulator: Any) -> None:
    simulator.script({"numbers": {BEN: {"attempts": [{"answered": False}]}}})
    task = a_task()
    with pytest.raises(CallsUnanswered):
        send(task, wait_for_outcome=True, fail_on_unanswered="all", deferrable=False)
    assert extras(task) == []
