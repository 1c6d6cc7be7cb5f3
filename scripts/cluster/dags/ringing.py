"""Mapped sends with waits, in both shapes that people write: a task that waits itself, and a sensor after the send."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task, task_group

from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor

# What a deployment would choose that loses a worker now and then. A task that had to ask a person would fail.
SHARED: dict[str, Any] = {
    "media_url": "https://media.test/cluster.mp3",
    "on_uncertain": "evidence",
    "evidence_timeout": timedelta(seconds=40),
}

with DAG(
    "ring_on_a_cluster",
    schedule=None,
    max_active_tasks=64,
    # A killed worker or API server costs tries, and so do restarts that follow each other within seconds.
    default_args={
        "retries": 8,
        "retry_delay": timedelta(seconds=5),
        # Both shapes side by side; else the waits would come after all that has something after it.
        "weight_rule": "absolute",
    },
):

    @task
    def recipients(part: str, params: dict[str, Any] | None = None, **context: Any) -> list[list[str]]:
        """Return the numbers of each send of one part."""
        conf = context["dag_run"].conf
        first, last = conf[part]
        size = conf["numbers"]
        return [
            [str(conf["first_number"] + place * size + offset) for offset in range(size)]
            for place in range(first, last)
        ]

    SendVoiceOperator.partial(
        task_id="ring_and_wait",
        wait_for_outcome=True,
        deferrable=True,
        outcome_timeout=timedelta(hours=1),
        **SHARED,
    ).expand(to=recipients.override(task_id="waiting_themselves")("waiting_themselves"))

    @task_group
    def ring_then_wait(to: list[str]) -> None:
        """Ring some people, and wait in a task of its own."""
        ring = SendVoiceOperator(task_id="ring", to=to, **SHARED)
        CallbackSensor(task_id="wait", ref_id=ring.output, deferrable=True, timeout=3600.0)

    ring_then_wait.expand(to=recipients.override(task_id="with_a_sensor")("with_a_sensor"))
