"""
Every weekday morning, remind the people of each region; a task for each region, which is retried alone.

To set it up: as for ``ninebits_send_and_wait``, and a Variable ``ninebits_reminder_people``:
``{"lagos": ["2348020000000"], "abuja": ["2348030000000"]}``.
"""

from __future__ import annotations

from datetime import timedelta

# [START recurring_reminder]
import pendulum
from airflow.sdk import DAG, Variable, task

from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor

with DAG(
    "ninebits_recurring_reminder",
    schedule="30 9 * * 1-5",
    start_date=pendulum.datetime(2026, 1, 1, tz="Africa/Lagos"),
    catchup=False,
    tags=["9bits"],
):

    @task
    def people_by_region() -> list[list[str]]:
        regions: dict[str, list[str]] = Variable.get("ninebits_reminder_people", deserialize_json=True)
        return [numbers for _, numbers in sorted(regions.items()) if numbers]

    ring = SendVoiceOperator.partial(task_id="ring", media_url="https://example.com/reminder.mp3", retries=3).expand(
        to=people_by_region()
    )
    CallbackSensor.partial(
        task_id="wait", deferrable=True, timeout=timedelta(hours=3).total_seconds(), on_timeout="return", retries=2
    ).expand(ref_id=ring.output)
# [END recurring_reminder]
