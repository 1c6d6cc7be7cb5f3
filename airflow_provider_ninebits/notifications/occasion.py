"""Who gives an alert, read from whatever Airflow hands to a callback."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Occasion:
    """The DAG, run and task of an alert; None: unknown."""

    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None

    @property
    def shown(self) -> str:
        """What an alert is about where nobody says otherwise: the DAG and its run."""
        return f"{self.dag_id or _UNKNOWN} {self.run_id or _UNKNOWN}"


def read_occasion(context: Mapping[str, Any]) -> Occasion:
    """
    Return who gives an alert.

    Tasks have all of it in their context. A callback of a DAG may have only ``dag`` and ``run_id``, a deadline has the
    run as plain JSON, a function that calls a notifier itself may have nothing.
    """
    ti = context.get("ti") or context.get("task_instance")
    run, dag, task = context.get("dag_run"), context.get("dag"), context.get("task")
    return Occasion(
        dag_id=_text(ti, "dag_id") or _text(dag, "dag_id") or _text(run, "dag_id"),
        run_id=_text(ti, "run_id") or _text(context, "run_id") or _text(run, "run_id", "dag_run_id"),
        task_id=_text(ti, "task_id") or _text(task, "task_id"),
    )


def _text(holder: object, *names: str) -> str | None:
    """Return the first of some fields, or keys, that holds text."""
    for name in names:
        value = None
        # A lazy field may ask somebody who is not there: unknown, then.
        with suppress(Exception):
            value = holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
        if isinstance(value, str) and value:
            return value
    return None
