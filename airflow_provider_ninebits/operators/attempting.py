"""An attempt at a task, as the ledger keeps it: which one it is, and whether its work has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.ledger.keys import TaskPlace


def place_of(hook: NineBitsHook, ti: Any) -> TaskPlace:
    """Return the place of a task instance in its DAG run."""
    from airflow_provider_ninebits.ledger.keys import TaskPlace

    map_index = -1 if ti.map_index is None else ti.map_index
    return TaskPlace(hook.settings.deployment, ti.dag_id, ti.run_id, ti.task_id, map_index)


def begin(hook: NineBitsHook, place: TaskPlace, ti: Any) -> int:
    """
    Note that an attempt begins, and return the generation that it belongs to; once per attempt.

    :raises LedgerUnavailable: when it cannot be noted; nothing was sent then.
    """
    from airflow_provider_ninebits.ledger.keys import Attempt
    from airflow_provider_ninebits.ledger.tasks import begin_attempt

    with hook.ledger_errors():
        return begin_attempt(hook.database, place, Attempt(str(ti.id), ti.try_number, ti.max_tries))


def finish(hook: NineBitsHook, place: TaskPlace, generation: int) -> None:
    """
    Mark the work of a generation as ended: when the task is cleared after this, it rings again, on purpose.

    :raises LedgerUnavailable: when it cannot be marked.
    """
    from airflow_provider_ninebits.ledger import tasks

    with hook.ledger_errors():
        tasks.finish(hook.database, place, generation)
