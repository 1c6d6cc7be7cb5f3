"""A table of the sensor's modes by the ways in which a wait ends: a task for each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_ninebits.sensors.callback import CallbackSensor

MODES: dict[str, dict[str, Any]] = {
    "poke": {"deferrable": False, "mode": "poke", "poke_interval": 1.0},
    "reschedule": {"deferrable": False, "mode": "reschedule", "poke_interval": 10.0},
    "deferrable": {"deferrable": True},
}
SETTLED = {"ref_id": "{{ dag_run.conf['settled'] }}", "timeout": 240.0}
OPEN = {"ref_id": "{{ dag_run.conf['open'] }}", "timeout": 2.0}
LATE = {"ref_id": "{{ dag_run.conf['late'] }}", "timeout": 240.0}
CASES: dict[str, dict[str, Any]] = {
    "answered": SETTLED,
    "unanswered": {**SETTLED, "fail_on_unanswered": "all"},
    "unanswered_skipped": {**SETTLED, "fail_on_unanswered": "all", "soft_fail": True},
    "somebody_answered": {**SETTLED, "fail_on_unanswered": "any"},
    "late": LATE,
    "late_unanswered": {**LATE, "fail_on_unanswered": "any"},
    "late_unanswered_skipped": {**LATE, "fail_on_unanswered": "any", "soft_fail": True},
    "timed_out": {**OPEN, "on_timeout": "fail"},
    "timed_out_skipped": {**OPEN, "on_timeout": "fail", "soft_fail": True},
    "timed_out_returned": {**OPEN, "on_timeout": "return"},
    "no_ref_id": {"ref_id": "None"},
}

with DAG("waits", schedule=None):
    for mode, how in MODES.items():
        for case, arguments in CASES.items():
            CallbackSensor(
                task_id=f"{mode}_{case}", retries=1, retry_delay=timedelta(0), **{"timeout": 240.0, **how, **arguments}
            )

with DAG("waits_for_unknown", schedule=None):
    for mode, how in MODES.items():
        CallbackSensor(
            task_id=mode, ref_id="0000000000000000000000000", retries=1, retry_delay=timedelta(0), timeout=240.0, **how
        )

with DAG("waits_through_outage", schedule=None):
    for mode, how in MODES.items():
        for soft_fail in (False, True):
            CallbackSensor(
                task_id=f"{mode}_skipping" if soft_fail else mode,
                ref_id="{{ dag_run.conf['ref_id'] }}",
                soft_fail=soft_fail,
                retries=0,
                # A rescheduled one bears an outage until its own time is over.
                timeout=30.0 if mode == "reschedule" else 240.0,
                **how,
            )

with DAG("wait", schedule=None):
    CallbackSensor(
        task_id="wait",
        retries=0,
        ref_id="{{ dag_run.conf['ref_id'] }}",
        deferrable=True,
        timeout=240.0,
    )
