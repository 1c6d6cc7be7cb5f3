"""What the DAG processor does for a task whose worker died, and for a DAG: Airflow's own code, with one DAG at hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import structlog
from airflow.sdk import DAG, BaseOperator

from airflow_provider_ninebits.ledger import schema
from tests.integration.ledger.scenes import row, rows
from tests.integration.notifications.notifying import ADA, notifier

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

requests = pytest.importorskip("airflow.callbacks.callback_requests")
instances = pytest.importorskip("airflow.api_fastapi.execution_api.datamodels.taskinstance")
processor = pytest.importorskip("airflow.dag_processing.processor")

BUNDLE = {"filepath": "etl.py", "bundle_name": "dags", "bundle_version": None}


def has_etl(**callbacks: Any) -> Any:
    """As the DAG processor has parsed it."""
    with DAG("etl", schedule=None, on_failure_callback=callbacks.get("dag")) as dag:
        BaseOperator(task_id="load", on_failure_callback=callbacks.get("task"))
    return SimpleNamespace(dags={"etl": dag})


def instance(run_id: str = "manual__1") -> Any:
    return instances.TaskInstance(
        id=uuid4(), task_id="load", dag_id="etl", run_id=run_id, try_number=1, dag_version_id=uuid4()
    )


def test_a_task_whose_worker_died_rings(sqlite_ledger: Database, simulator: RunningSimulator) -> None:
    request = requests.TaskCallbackRequest(**BUNDLE, msg="no heartbeat", ti=instance())
    parsed = has_etl(task=notifier(dedup_key="{{ task.task_id }}"))
    processor._execute_task_callbacks(parsed, request, structlog.get_logger())
    assert simulator.rung() == {ADA: 1}
    found = row(sqlite_ledger, schema.alert)
    assert [found[name] for name in ("dedup_key", "dag_id", "run_id", "task_id")] == [
        *("load", "etl", "manual__1", "load"),
    ]


def test_a_dag_of_which_no_task_is_known_rings_for_each_of_its_runs(
    sqlite_ledger: Database, simulator: RunningSimulator
) -> None:
    # One notifier, called twice in one process, with templates that differ.
    parsed = has_etl(dag=notifier(media_url="https://media.test/{{ run_id }}.mp3"))
    for run_id in ("one", "two", "one"):
        request = requests.DagCallbackRequest(**BUNDLE, msg="failed", dag_id="etl", run_id=run_id)
        processor._execute_dag_callbacks(parsed, request, structlog.get_logger())
    assert simulator.rung() == {ADA: 2}
    assert sorted(message["media_url"] for message in rows(sqlite_ledger, schema.message)) == [
        "https://media.test/one.mp3",
        "https://media.test/two.mp3",
    ]
    assert [alert["task_id"] for alert in rows(sqlite_ledger, schema.alert)] == [None, None]
