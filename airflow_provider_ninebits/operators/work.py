"""What a task is at, and is known by in the ledger: worked out once in an attempt, and kept through its deferrals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.ledger.keys import TaskPlace


@dataclass(frozen=True)
class Work:
    """
    The work of one attempt at a task.

    :param begun_at: when the attempt began, in epoch seconds, whatever deferrals came since.
    """

    place: TaskPlace
    generation: int
    begun_at: float

    @classmethod
    def begin(cls, hook: NineBitsHook, place: TaskPlace, ti: Any, begun_at: float) -> Work:
        """
        Note in the ledger that an attempt begins.

        :raises LedgerUnavailable: when it cannot be noted; nothing was sent then.
        """
        from airflow_provider_ninebits.ledger.keys import Attempt
        from airflow_provider_ninebits.ledger.tasks import begin_attempt

        with hook.ledger_errors():
            attempt = Attempt(str(ti.id), ti.try_number, ti.max_tries)
            return cls(place, begin_attempt(hook.database, place, attempt), begun_at)

    @classmethod
    def resumed(cls, kwargs: Mapping[str, Any]) -> Work:
        """Return what :meth:`as_kwargs` gave to a deferral."""
        from airflow_provider_ninebits.ledger.keys import TaskPlace

        return cls(TaskPlace(**kwargs["place"]), kwargs["generation"], kwargs["begun_at"])

    def as_kwargs(self) -> dict[str, Any]:
        """Return it as a deferral keeps it: plain JSON."""
        return {"place": asdict(self.place), "generation": self.generation, "begun_at": self.begun_at}

    def finish(self, hook: NineBitsHook) -> None:
        """Mark the work as ended: when the task is cleared after this, it rings again, on purpose."""
        from airflow_provider_ninebits.hooks.patience import patient
        from airflow_provider_ninebits.ledger.tasks import finish

        def mark() -> None:
            with hook.ledger_errors():
                finish(hook.database, self.place, self.generation)

        patient(mark, hook.settings.outage_tolerance_seconds)


def place_of(hook: NineBitsHook, ti: Any) -> TaskPlace:
    """Return the place of a task instance."""
    from airflow_provider_ninebits.ledger.keys import TaskPlace

    map_index = -1 if ti.map_index is None else ti.map_index
    return TaskPlace(hook.settings.deployment, ti.dag_id, ti.run_id, ti.task_id, map_index)
