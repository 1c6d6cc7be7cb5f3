"""Events that leave the ledger once Airflow has written them down; Airflow 3.3 and later."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf
from airflow.triggers.shared_stream import SharedStreamProducer

from airflow_provider_ninebits.triggers.subscribers import MOST_UNDER_WAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow.triggers.shared_stream import AdvanceItem, AdvanceOutcome

    from airflow_provider_ninebits.triggers.event_watcher import EventWatcher
    from airflow_provider_ninebits.triggers.events import CallbackEventTrigger

_QUEUE_SIZE = 1024  # Airflow's default


@dataclass(eq=False)
class Handed:
    """
    An event on its way to its triggers.

    :param queued_id: by which it is taken out of the ledger.
    :param taken: how many of them have gone on after Airflow had noted what they fired. Airflow 3.3.2 counts one that
        is cancelled before, in the moment of firing, among those that are done with it.
    """

    queued_id: int
    event: dict[str, Any]
    taken: int = 0


class EventProducer(SharedStreamProducer):
    """
    Gives a trigger its events, and hears what became of each.

    :param trigger: one of those that take this stream; they are all alike.
    """

    def __init__(self, trigger: CallbackEventTrigger) -> None:
        self._trigger = trigger
        self._watcher: EventWatcher | None = None

    async def open_stream(self) -> AsyncIterator[tuple[Handed, Handed]]:
        """Give events, for ever."""
        self._watcher, wanted = await self._trigger.watched()
        size = await asyncio.to_thread(
            conf.getint, "triggerer", "shared_stream_subscriber_queue_size", fallback=_QUEUE_SIZE
        )
        # Airflow fails a trigger whose queue is full; one place is for what is told once more after a burst.
        with self._watcher.subscribed(wanted, most_under_way=max(min(MOST_UNDER_WAY, size - 1), 1)) as subscriber:
            while True:
                queued_id, event = await subscriber.next()
                handed = Handed(queued_id, event.as_dict())
                yield handed, handed

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Take out what was written down; what was not comes again. An outage of the ledger is no error here."""
        if self._watcher is None:
            return
        given: list[tuple[Handed, AdvanceOutcome]] = [(item.broker_payload, item.outcome) for item in batch]
        done = {handed.queued_id for handed, became in given if became.is_clean and handed.taken >= became.acked}
        if failed := {handed.queued_id for handed, _ in given} - done:
            self._watcher.release(failed)
        if done:
            await self._watcher.handed_on(done)
