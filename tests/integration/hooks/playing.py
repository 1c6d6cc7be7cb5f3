"""What the tests of hook, operator and sensor play: a task instance, and the three ways to run a wait."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.sdk.exceptions import AirflowRescheduleException
from airflow.sdk.execution_time.context import OutletEventAccessors
from uuid6 import uuid7

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import BaseOperator

Mode = Literal["poke", "reschedule", "deferrable"]
MODES: tuple[Mode, ...] = ("poke", "reschedule", "deferrable")


@dataclass
class Task:
    """A task instance, as far as operators ask it."""

    task_id: str = "ring"
    dag_id: str = "alerts"
    run_id: str = "manual__1"
    map_index: int | None = -1
    try_number: int = 1
    max_tries: int = 2
    id: str = field(default_factory=lambda: str(uuid7()))
    pushed: dict[str, Any] = field(default_factory=dict)
    first_reschedule: datetime | None = None
    outlets: list[Any] = field(default_factory=list)
    outlet_events: Any = field(default_factory=OutletEventAccessors)

    def xcom_push(self, key: str, value: Any) -> None:
        # What leads to the page comes with every task, and is no part of what it did.
        if not key.startswith("_link_"):
            self.push(key, value)

    def push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def get_first_reschedule_date(self, _: Any) -> datetime | None:
        return self.first_reschedule

    @property
    def context(self) -> Any:
        # What was told of assets before a deferral is gone after it.
        self.outlet_events = OutletEventAccessors()
        return {"ti": self, "outlets": self.outlets, "outlet_events": self.outlet_events}

    def retried(self) -> Task:
        """The next try, as Airflow makes it."""
        return self._next(self.max_tries)

    def cleared(self) -> Task:
        """The next try after somebody cleared it."""
        return self._next(self.max_tries + 1)

    def _next(self, max_tries: int) -> Task:
        return Task(
            self.task_id,
            self.dag_id,
            self.run_id,
            self.map_index,
            try_number=self.try_number + 1,
            max_tries=max_tries,
        )


def run(make: Callable[[], BaseOperator], task: Task) -> Any:
    """
    Run a task to its end, as worker, scheduler and triggerer do: after a pause another process goes on.

    :param make: makes the operator: each process has its own.
    """
    started = datetime.now(UTC)
    try:
        while True:
            try:
                return make().execute(task.context)
            except AirflowRescheduleException as pause:
                task.first_reschedule = task.first_reschedule or started
                time.sleep(max((pause.reschedule_date - datetime.now(UTC)).total_seconds(), 0.0))
    except TaskDeferred as deferred:
        return resumed(make(), deferred, task)


def resumed(operator: BaseOperator, deferred: TaskDeferred, task: Task) -> Any:
    """Let the triggerer wait, and go on with its event."""
    event = asyncio.run(first_event(*deferred.trigger.serialize()))
    return operator.resume_execution(deferred.method_name, {**(deferred.kwargs or {}), "event": event}, task.context)


async def first_event(path: str, kwargs: dict[str, Any]) -> Any:
    """The payload of the first event of a trigger that another process has made."""
    module, _, name = path.rpartition(".")
    trigger = getattr(import_module(module), name)(**kwargs)
    async with asyncio.timeout(60):
        async for event in trigger.run():
            return event.payload
    raise AssertionError("the trigger ended without an event")


def in_mode(mode: Mode) -> dict[str, Any]:
    """The arguments that put a sensor into a mode."""
    if mode == "deferrable":
        return {"deferrable": True}
    return {"mode": mode, "deferrable": False, "poke_interval": 0.05}
