"""
What DAG files import from here, imported ahead of them.

The DAG processor forks a process for each file, and imports in itself, before, what a file imports of ``airflow.*``
alone. Each of its children would import this package anew, and throw it away.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from airflow.listeners import hookimpl

IMPORTED_BY_DAG_FILES: Final = (
    "airflow_provider_ninebits.hooks.ninebits",
    "airflow_provider_ninebits.notifications.escalation",
    "airflow_provider_ninebits.notifications.voice",
    "airflow_provider_ninebits.operators.escalation",
    "airflow_provider_ninebits.operators.voice",
    "airflow_provider_ninebits.sensors.callback",
    "airflow_provider_ninebits.triggers.callback",
    "airflow_provider_ninebits.triggers.events",
)


class ImportsAhead:
    """A listener, which Airflow's processes call when they start."""

    @hookimpl
    def on_starting(self, component: object) -> None:
        """
        Import it all, in the long-lived processes: tasks are none of them.

        :param component: a ``Job``, which does not know yet whether it is the DAG processor's, the scheduler's or the
            triggerer's; or the mark of a task's process.
        """
        if hasattr(type(component), "job_type"):
            for module in IMPORTED_BY_DAG_FILES:
                import_module(module)
