"""
One watcher for all the waits of a triggerer process: ten thousand of them ask the ledger as often as one does.

It reads the revisions of the messages that are waited for, and wakes the waits of those that have changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_ninebits.ledger.database import Database

POLL_SECONDS = 0.5
TOLERATED_FAILURES = 5

log = logging.getLogger(__name__)

# The one thing here that outlives a trigger: triggers of one process share a watcher, and Airflow hands them none.
# Keyed by loop, so that a watcher never outlives the loop that its events belong to.
_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Watcher]] = WeakKeyDictionary()


def shared_watcher(url: str) -> Watcher:
    """Return the running loop's watcher of the ledger at a URL."""
    from airflow_provider_ninebits.ledger.database import Database

    of_loop = _watchers.setdefault(asyncio.get_running_loop(), {})
    if url not in of_loop:
        of_loop[url] = Watcher(Database(url))
    return of_loop[url]


class Subscription:
    """A wait's interest in some messages."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.failure: Exception | None = None

    async def wait(self, timeout_seconds: float) -> None:
        """
        Return when one of the messages has changed, or after some time.

        :raises Exception: the ledger's error, when it could not be read several times in a row.
        """
        try:
            await asyncio.wait_for(self._changed.wait(), max(timeout_seconds, 0.0))
        except TimeoutError:
            return
        self._changed.clear()
        if self.failure is not None:
            raise self.failure

    def wake(self, failure: Exception | None = None) -> None:
        """Let the wait go on, or fail."""
        self.failure = failure
        self._changed.set()


class Watcher:
    """
    Watches the messages that somebody is subscribed to; rests while nobody is.

    :param database: the ledger.
    """

    def __init__(self, database: Database, poll_seconds: float = POLL_SECONDS) -> None:
        self.database = database
        self._poll_seconds = poll_seconds
        self._subscriptions: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._seen: dict[str, int] = {}
        self._fresh: set[Subscription] = set()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0

    @contextmanager
    def subscribed(self, message_ids: Sequence[str]) -> Iterator[Subscription]:
        """Give a subscription to some messages. It is woken once at the start, for what changed before it was there."""
        subscription = Subscription()
        self._fresh.add(subscription)
        for message_id in message_ids:
            self._subscriptions[message_id].add(subscription)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(), name="ninebits-watcher")
        try:
            yield subscription
        finally:
            self._fresh.discard(subscription)
            for message_id in message_ids:
                self._subscriptions[message_id].discard(subscription)
                if not self._subscriptions[message_id]:
                    del self._subscriptions[message_id]
                    self._seen.pop(message_id, None)

    async def _watch(self) -> None:
        while self._subscriptions:
            await asyncio.sleep(self._poll_seconds * min(2**self._failures, 16))
            fresh, self._fresh = self._fresh, set()
            try:
                changed = await self._changed_messages()
            except Exception as error:  # any error: a watcher that dies silently would leave its waits waiting for ever
                self._fresh |= fresh
                self._note_failure(error)
                continue
            self._failures = 0
            woken = fresh.union(*(self._subscriptions.get(message_id, set()) for message_id in changed))
            for subscription in woken:
                subscription.wake()

    async def _changed_messages(self) -> list[str]:
        from airflow_provider_ninebits.ledger.outcomes import revisions

        watched = list(self._subscriptions)
        found = await asyncio.to_thread(revisions, self.database, watched)
        changed = [message_id for message_id, revision in found.items() if self._seen.get(message_id) != revision]
        self._seen.update(
            (message_id, found[message_id]) for message_id in changed if message_id in self._subscriptions
        )
        # What was there and is not any more was purged: its waits have to hear of it.
        purged = [message_id for message_id in watched if message_id not in found and message_id in self._seen]
        for message_id in purged:
            del self._seen[message_id]
        return changed + purged

    def _note_failure(self, error: Exception) -> None:
        self._failures += 1
        log.warning("The ledger could not be read (%d times in a row): %s", self._failures, error)
        if self._failures < TOLERATED_FAILURES:
            return
        self._failures = 0
        for subscription in set().union(*self._subscriptions.values()):
            subscription.wake(error)
