"""Events that leave the ledger once Airflow has written them down; Airflow 3.3 and later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf
from airflow.triggers.shared_stream import SharedStreamProducer

from airflow_provider_ninebits.triggers.subscribers import MOST_UNDER_WAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow.triggers.shared_stream import AdvanceItem

    from airflow_provider_ninebits.triggers.event_watcher import EventWatcher
    from airflow_provider_ninebits.triggers.events import CallbackEventTrigger

_QUEUE_SIZE = 1024  # Airflow's default


class EventProducer(SharedStreamProducer):
    """
    Gives a trigger its events, each with the id by which it is taken out of the ledger.

    :param trigger: one of those that take this stream; they are all alike.
    """

    def __init__(self, trigger: CallbackEventTrigger) -> None:
        self._trigger = trigger
        self._watcher: EventWatcher | None = None

    async def open_stream(self) -> AsyncIterator[tuple[dict[str, Any], int]]:
        """Give events, for ever."""
        self._watcher, wanted = await self._trigger.watched()
        size = await asyncio.to_thread(
            conf.getint, "triggerer", "shared_stream_subscriber_queue_size", fallback=_QUEUE_SIZE
        )
        # Airflow fails a trigger whose queue is full; one place is for what is told once more after a burst.
        with self._watcher.subscribed(wanted, most_under_way=max(min(MOST_UNDER_WAY, size - 1), 1)) as subscriber:
            while True:
                queued_id, event = await subscriber.next()
                yield event.as_dict(), queued_id

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Take out what was written down; what was not comes again. An outage of the ledger is no error here."""
        if self._watcher is None:
            return
        done = {item.broker_payload for item in batch if item.outcome.is_clean}
        if failed := {item.broker_payload for item in batch} - done:
            self._watcher.release(failed)
        if done:
            await self._watcher.handed_on(done)
