"""A DAG of these tests that rings in the calling hours of ``dag_run.conf['hours']``."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_ninebits.operators.voice import SendVoiceOperator

with DAG("ring_in_hours", schedule=None):
    SendVoiceOperator(
        task_id="ring",
        to="{{ dag_run.conf['to'] }}",
        media_url="https://example.com/reminder.mp3",
        calling_hours="{{ dag_run.conf['hours'] }}",
        timezone="{{ dag_run.conf['timezone'] }}",
        opening_timeout=timedelta(hours=1),
        deferrable=False,
        retries=0,
    )
