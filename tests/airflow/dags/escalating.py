"""A ladder whose contacts a test gives, with and without a worker that waits."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_provider_ninebits.operators.escalation import EscalateVoiceOperator

for name, ring_for_seconds, deferrable in (("escalate", 60, True), ("escalate_in_worker", 60, False)):
    with DAG(name, schedule=None, params={"contacts": Param([], type="array")}):
        EscalateVoiceOperator(
            task_id="wake",
            contacts="{{ params.contacts }}",
            media_url="https://example.com/wake.mp3",
            ring_for=timedelta(seconds=ring_for_seconds),
            rounds=1,
            deferrable=deferrable,
            retries=2,
            retry_delay=timedelta(seconds=1),
        )
