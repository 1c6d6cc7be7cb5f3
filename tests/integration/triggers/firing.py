"""The event trigger as a triggerer runs it: alone, as before Airflow 3.3, or with a stream that hears what was kept."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from airflow.triggers.shared_stream import SharedStreamManager

from airflow_provider_ninebits.triggers.events import CallbackEventTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

PATHS = ("run", "stream")


async def run(
    trigger: CallbackEventTrigger,
    path: str,
    fired: Callable[[Any], None],
    *,
    persists: bool = True,
    ack_timeout: float = 300.0,
    before_it_is_noted: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """
    Run a trigger until this is cancelled.

    :param persists: whether Airflow writes its events down.
    :param before_it_is_noted: what Airflow waits for before it notes an event that it has taken: a line of its log.
    :param ack_timeout: seconds after which Airflow fails a trigger whose event was not written down.
    """
    if path == "run":
        async for event in trigger.run():
            if before_it_is_noted is not None:
                await before_it_is_noted()
            fired(event)
        return
    manager = SharedStreamManager(ack_timeout=ack_timeout)
    key = trigger.shared_stream_key()
    stream = manager.subscribe(trigger_id=1, trigger=trigger, key=key)
    try:
        # As `TriggerRunner.run_trigger` does it.
        async for event in trigger.filter_shared_stream(stream):
            if before_it_is_noted is not None:
                await before_it_is_noted()
            seq = manager.bind_pending_event(trigger_id=1, key=key)
            assert seq is not None
            fired(event)
            if persists:
                asyncio.get_running_loop().call_later(0.05, manager.confirm_persisted, [seq])
    finally:
        await manager.unsubscribe(1, key)


@asynccontextmanager
async def firing(path: str, *, persists: bool = True, **arguments: Any) -> AsyncIterator[list[dict[str, Any]]]:
    """A trigger that fires while this block lasts; give the payloads of its events so far."""
    payloads: list[dict[str, Any]] = []
    trigger = CallbackEventTrigger(**CallbackEventTrigger(**arguments).serialize()[1])
    task = asyncio.create_task(run(trigger, path, lambda event: payloads.append(event.payload), persists=persists))
    try:
        yield payloads
        assert not task.done(), task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def rested() -> None:
    """Return when no watcher of events is left, with its connections."""
    while any(task.get_name().startswith("ninebits-event") for task in asyncio.all_tasks()) or any(
        thread.name.startswith("ninebits-event") for thread in threading.enumerate()
    ):
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(
        run(
            CallbackEventTrigger(),
            sys.argv[1],
            lambda event: print(
                json.dumps([event.payload["call"]["to_number"], event.payload["event_id"]]), flush=True
            ),
        )
    )
