"""
Ring some people, wait until it is known who answered, and go on with the outcome.

To set it up: a connection ``ninebits_default`` (type 9bits; password: the API key; host: empty for 9bits itself, or the
simulator's address), and the callback URL at 9bits: ``https://ninebits:PASSWORD@your-host/ninebits/callback``.
"""

from __future__ import annotations

from datetime import timedelta

# [START send_and_wait]
from airflow.sdk import DAG, Param, task

from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor

with DAG(
    "ninebits_send_and_wait",
    schedule=None,
    params={"to": Param(["2348020000000", "2348030000000", "2348050000000"], type="array")},
    render_template_as_native_obj=True,
    tags=["9bits"],
):
    ring = SendVoiceOperator(
        task_id="ring", to="{{ params.to }}", media_url="https://example.com/reminder.mp3", retries=2
    )
    # Retries cost nothing: waiting again rings nobody.
    wait = CallbackSensor(task_id="wait", ref_id=ring.output, deferrable=True, timeout=timedelta(hours=2), retries=2)

    @task
    def report(outcome: dict) -> str:
        return f"{outcome['answered']} of {outcome['recipients']} answered"

    report(wait.output)
# [END send_and_wait]
