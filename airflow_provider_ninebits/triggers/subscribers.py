"""What each event trigger of a triggerer process wants, and has been given. No I/O: the event watcher has that."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ninebits.ledger.events import Queued, RecipientEvent
    from airflow_provider_ninebits.ledger.wanted import Wanted

MOST_UNDER_WAY = 200
"""How many events a subscriber has at most that are not handed on yet: so many are told again after a crash."""

BURST_SECONDS = 10.0
"""
Events that come closer to each other are one burst, whose last one is told once more when it is over.

Airflow's scheduler takes the events of one of its rounds for one run, of those the ones from before the round's
first was queued (seen in 3.3.2); what came after it is left for the run of the next event, which may be days off.
"""

log = logging.getLogger(__name__)


class Watching(Protocol):
    """What a subscriber needs of its watcher."""

    def handed_on_after(self, queued_id: int, seconds: float) -> None:
        """Take an event out of the ledger after some time."""


class Subscriber:
    """One trigger, while its ``with`` block lasts."""

    def __init__(self, watcher: Watching, wanted: Wanted, most_under_way: int) -> None:
        self._watcher = watcher
        self.wanted = wanted
        self.under_way: set[int] = set()
        self._most_under_way = most_under_way
        self._arrived: asyncio.Queue[tuple[int, RecipientEvent]] = asyncio.Queue()
        self._told_at = float("-inf")
        self._last_of_burst: tuple[int, RecipientEvent] | None = None

    @property
    def room(self) -> int:
        """How many more events it takes."""
        return self._most_under_way - len(self.under_way)

    async def next(self) -> tuple[int, RecipientEvent]:
        """
        Return the next event, and the id by which it is taken out of the ledger.

        After a burst that is its last one again, for the DAG run that takes what Airflow has left.
        """
        loop = asyncio.get_running_loop()
        last, self._last_of_burst = self._last_of_burst, None
        try:
            async with asyncio.timeout_at(None if last is None else self._told_at + BURST_SECONDS):
                told = await self._arrived.get()
        except TimeoutError:
            assert last is not None  # noqa: S101 (for mypy: nothing else has a deadline)
            self._told_at = loop.time()
            return last
        if loop.time() - self._told_at < BURST_SECONDS:
            self._last_of_burst = told
        self._told_at = loop.time()
        return told

    def take(self, queued: Queued) -> bool:
        """Take an event; return whether it is wanted: if not, there is nobody to hand it on to."""
        self.under_way.add(queued.id)
        event = queued.event
        if event is None or not self.wanted.covers(
            deployment=event.deployment,
            conn_id=event.conn_id,
            number=event.call.to_number,
            state=event.call.state,
        ):
            return False
        self._arrived.put_nowait((queued.id, event))
        return True

    def handed_on_after(self, queued_id: int, seconds: float) -> None:
        """Note that an event will have been handed on after some time."""
        self._watcher.handed_on_after(queued_id, seconds)


def warn_of_gaps(seen: Mapping[str, datetime | None]) -> None:
    """Say in the log where somebody comes back so late that the ledger did not keep everything for them."""
    from airflow_provider_ninebits.ledger.events import ABANDONED_AFTER

    for subscription_id, seen_at in seen.items():
        if seen_at is not None and datetime.now(UTC) - seen_at > ABANDONED_AFTER:
            log.warning(
                "Nobody waited for the events of subscription %s since %s: none was kept from %s days after that until "
                "now. To find those that were missed, ask the ledger for the outcomes of the messages sent meanwhile",
                subscription_id[:8],
                seen_at.isoformat(),
                ABANDONED_AFTER.days,
            )
