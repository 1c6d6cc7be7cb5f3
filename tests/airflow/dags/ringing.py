"""DAGs of these tests: each rings the numbers of ``dag_run.conf['to']``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, TaskGroup, task

from airflow_provider_ninebits.operators.voice import SendVoiceOperator

SHARED: dict[str, Any] = {
    "to": "{{ dag_run.conf['to'] }}",
    "media_url": "https://example.com/reminder.mp3",
    "retry_delay": timedelta(0),
}


class DiesAfterSending(SendVoiceOperator):
    """Dies in its first try, once all is sent and marked as ended: what a worker that is killed there looks like."""

    def execute(self, context: Any) -> Any:
        sent = super().execute(context)
        if context["ti"].try_number == 1:
            raise RuntimeError("dies after sending")
        return sent


with DAG("ring", schedule=None):
    SendVoiceOperator(task_id="ring", retries=2, **SHARED)

with DAG("ring_without_retries", schedule=None):
    SendVoiceOperator(task_id="ring", retries=0, **SHARED)

with DAG("ring_impatiently", schedule=None):
    SendVoiceOperator(task_id="ring", ninebits_conn_id="ninebits_impatient", retries=2, **SHARED)

with DAG("ring_and_die_once", schedule=None):
    DiesAfterSending(task_id="ring", retries=1, **SHARED)

with DAG("ring_and_wait", schedule=None):
    SendVoiceOperator(
        task_id="ring",
        wait_for_outcome=True,
        deferrable=True,
        outcome_timeout=timedelta(minutes=10),
        **SHARED,
    )

with DAG("ring_and_wait_in_the_worker", schedule=None):
    SendVoiceOperator(
        task_id="ring",
        wait_for_outcome=True,
        deferrable=False,
        outcome_timeout=timedelta(minutes=10),
        **SHARED,
    )

with DAG("ring_each", schedule=None):

    @task
    def numbers(dag_run: Any = None) -> list[str]:
        return list(dag_run.conf["to"])

    SendVoiceOperator.partial(task_id="ring", media_url=SHARED["media_url"]).expand(to=numbers())

with DAG("ring_in_groups", schedule=None):
    for side in ("left", "right"):
        with TaskGroup(side):
            # Both are called "ring" in their group.
            DiesAfterSending(task_id="ring", retries=1, **SHARED)

# Over already: the schedule itself makes no run.
with DAG(
    "ring_daily",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    end_date=datetime(2026, 1, 10, tzinfo=UTC),
    catchup=False,
):
    DiesAfterSending(task_id="ring", retries=1, **SHARED)

# Started by ``dag.test()`` alone: where a scheduler sees the run as well, both work on it.
with DAG("ring_in_dag_test", schedule=None) as ring_in_dag_test:
    SendVoiceOperator(task_id="ring", **SHARED)
