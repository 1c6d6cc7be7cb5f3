"""DAGs that fail, or are late, and ring the numbers of ``dag_run.conf['to']``."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_ninebits.notifications.voice import NineBitsNotifier

try:
    from airflow.sdk import AsyncCallback, DeadlineAlert, DeadlineReference
except ImportError:  # Airflow 3.1
    from airflow.sdk.definitions.deadline import AsyncCallback, DeadlineAlert, DeadlineReference

SHARED: dict[str, Any] = {
    "to": "{{ dag_run.conf['to'] }}",
    "media_url": "https://example.com/failed.mp3",
    "cooldown": 900,
}


@task
def fail(place: int = 0) -> None:
    raise RuntimeError(f"task {place} fails, as it is meant to")


@task
def sleep(seconds: float) -> None:
    time.sleep(seconds)


@task
def die() -> None:
    # Its own callbacks die with it, and Airflow runs none elsewhere: that it does where the whole worker died.
    os.kill(os.getpid(), signal.SIGKILL)


with DAG("alerts_of_tasks", schedule=None, default_args={"on_failure_callback": NineBitsNotifier(**SHARED)}):
    fail.expand(place=list(range(4)))

with DAG("alert_of_a_dag", schedule=None, on_failure_callback=NineBitsNotifier(**SHARED)):
    fail()

with DAG("alert_of_a_success", schedule=None, on_success_callback=NineBitsNotifier(**SHARED)):
    sleep(0)

with DAG("alert_of_a_killed_task", schedule=None, on_failure_callback=NineBitsNotifier(**SHARED)):
    die()

with DAG(
    "alert_of_a_retry",
    schedule=None,
    default_args={"on_retry_callback": NineBitsNotifier(**SHARED), "retries": 1, "retry_delay": timedelta(0)},
):
    fail()

# [START alert_of_a_deadline]
with DAG(
    "alert_of_a_deadline",
    schedule=None,
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(seconds=2),
        callback=AsyncCallback(
            NineBitsNotifier,
            kwargs={
                "to": "{{ dag_run.conf.to }}",
                "media_url": "https://example.com/late.mp3",
                "cooldown": timedelta(hours=1),
            },
        ),
    ),
):
    sleep(20)
# [END alert_of_a_deadline]

with DAG(
    "alert_that_cannot_be_given",
    schedule=None,
    default_args={"on_failure_callback": NineBitsNotifier(**{**SHARED, "ninebits_conn_id": "ninebits_missing"})},
):
    fail()
