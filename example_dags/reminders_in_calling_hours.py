"""
Remind people in two countries, each while they are awake; whoever was not reached is rung once more the next day.

To set it up: as for ``ninebits_send_and_wait``. A triggerer has to run: outside of the hours the task waits there.
"""

from __future__ import annotations

# [START reminders_in_calling_hours]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.sensors.date_time import DateTimeSensor
from airflow.sdk import DAG, Param, task

from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.operators.voice import SendVoiceOperator

with DAG(
    "ninebits_reminders_in_calling_hours",
    schedule=None,
    params={
        "to": Param(["2348020000000", "254712345678"], type="array"),
        "calling_hours": "09:00-20:00",
        "calling_days": "mon-sat",
        "second_call_after_hours": Param(24, type="number", minimum=0),
    },
    tags=["9bits"],
):
    calls: dict[str, Any] = {
        "calling_hours": "{{ params.calling_hours }}",
        "calling_days": "{{ params.calling_days }}",
        # Nigeria's numbers by Lagos' clock, Kenya's by Nairobi's.
        "timezone": "destination",
        # A reminder that would come later than that is better not given.
        "opening_timeout": timedelta(days=2),
        "wait_for_outcome": True,
        "outcome_timeout": timedelta(minutes=30),
        "on_timeout": "return",
        "deferrable": True,
        "retries": 2,
    }
    first = SendVoiceOperator(
        task_id="first_call", to="{{ params.to }}", media_url="https://example.com/reminder.mp3", **calls
    )

    @task
    def not_reached(outcome: dict[str, Any], *, params: dict[str, Any]) -> dict[str, Any]:
        # The outcome in XCom lists at most 100 calls; the ledger has all.
        reminded = NineBitsHook().outcome(outcome["ref_ids"]).calls
        # From now on: who was rung late in the first day's hours is not rung early in the second's.
        second_call_at = datetime.now(UTC) + timedelta(hours=params["second_call_after_hours"])
        return {
            "numbers": [call.to_number for call in reminded if call.state != "answered"],
            "second_call_at": second_call_at.isoformat(),
        }

    @task.branch
    def choose(left: dict[str, Any]) -> str:
        return "next_day" if left["numbers"] else "report"

    left = not_reached(first.output)
    next_day = DateTimeSensor(
        task_id="next_day",
        target_time="{{ ti.xcom_pull(task_ids='not_reached')['second_call_at'] }}",
        mode="reschedule",
        poke_interval=timedelta(minutes=10),
        timeout=timedelta(days=3).total_seconds(),
    )
    second = SendVoiceOperator(
        task_id="second_call",
        to="{{ ti.xcom_pull(task_ids='not_reached')['numbers'] }}",
        media_url="https://example.com/second-reminder.mp3",
        **calls,
    )

    @task(trigger_rule="none_failed")
    def report(first: dict[str, Any], second: dict[str, Any] | None) -> dict[str, Any]:
        reminded_last = NineBitsHook().outcome((second or first)["ref_ids"]).calls
        return {
            "reached": first["answered"] + (second["answered"] if second else 0),
            "not_reached": [call.to_number for call in reminded_last if call.state != "answered"],
        }

    reported = report(first.output, second.output)
    choose(left) >> [next_day, reported]
    next_day >> second
# [END reminders_in_calling_hours]
