"""
A pipeline that fails wakes the person on call; nobody answers: the deputy, then the whole team, and all of them again.

As it is, it fails. Its failing task is held up by the first call only: the second DAG rings the others.
"""

from __future__ import annotations

from datetime import timedelta

# [START escalate_a_failure]
from airflow.sdk import DAG, Param, task

from airflow_provider_ninebits.notifications.escalation import escalation_dag
from airflow_provider_ninebits.notifications.voice import NineBitsNotifier

with DAG(
    "ninebits_escalate_a_failure",
    schedule=None,
    params={
        "on_call": Param("2348020000000", type="string"),
        "deputy": Param("2348050000000", type="string"),
        "team": Param(["2348020000000", "2348030000000", "2348050000000"], type="array"),
    },
    default_args={
        "on_failure_callback": NineBitsNotifier(
            to="{{ params.on_call }}",
            escalate=["{{ params.deputy }}", "{{ params.team }}"],
            media_url="https://example.com/pipeline-failed.mp3",
        )
    },
    tags=["9bits"],
):

    @task
    def load() -> None:
        raise RuntimeError("nothing was loaded")

    load()

# Once for all the DAGs of an Airflow, in a file of its own; it has to be unpaused.
dag = escalation_dag("ninebits_escalation", ring_for=timedelta(minutes=2), rounds=2)
# [END escalate_a_failure]
