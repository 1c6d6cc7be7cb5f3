"""
Remind patients; whoever did not pick up is rung once more, and who does not then either is a case for the desk.

The DAG that docs/tutorial.md writes step by step; what to start before it stands there.
"""

from __future__ import annotations

# [START imports]
from datetime import timedelta

from airflow.sdk import DAG, Param, task

from airflow_provider_ninebits.notifications.voice import NineBitsNotifier
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor

# [END imports]
# [START ring]
with DAG(
    "ninebits_tutorial",
    schedule=None,
    params={
        "patients": Param(["2348020000000", "2348030000000"], type="array"),
        "desk": "2348090000000",
    },
    render_template_as_native_obj=True,
    tags=["9bits"],
):
    ring = SendVoiceOperator(
        task_id="ring",
        to="{{ params.patients }}",
        media_url="https://example.com/your-appointment.mp3",
        retries=2,
        retry_delay=timedelta(seconds=10),
    )
    # [END ring]
    # [START wait]
    wait = CallbackSensor(
        task_id="wait",
        ref_id=ring.output,
        deferrable=True,
        timeout=timedelta(minutes=30),
        on_timeout="return",
        retries=2,
    )
    # [END wait]

    # [START branch]
    @task
    def not_reached(outcome: dict) -> list[str]:
        return [call["to_number"] for call in outcome["calls"] if call["state"] != "answered"]

    @task.branch
    def choose(numbers: list[str]) -> str:
        return "second_call" if numbers else "everybody_answered"

    @task
    def everybody_answered() -> str:
        return "everybody answered"

    missed = not_reached(wait.output)
    second_call = SendVoiceOperator(
        task_id="second_call", to=missed, media_url="https://example.com/your-appointment-again.mp3", retries=2
    )
    choose(missed) >> [second_call, everybody_answered()]
    # [END branch]
    # [START alert]
    CallbackSensor(
        task_id="everybody_reached",
        ref_id=second_call.output,
        deferrable=True,
        fail_on_unanswered="all",
        timeout=timedelta(minutes=30),
        retries=2,
        on_failure_callback=NineBitsNotifier(
            to="{{ params.desk }}", media_url="https://example.com/look-at-the-list.mp3"
        ),
    )
    # [END alert]
