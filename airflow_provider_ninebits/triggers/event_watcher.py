"""
One watcher for all event triggers of a triggerer process: whatever they want, the ledger is asked once.

It hears that something has changed, reads what is queued for all of them in one statement, hands each its own, and
takes out of the ledger what they have handed on. It never ends while somebody waits: an outage of the ledger only makes
it late, since what happens meanwhile is queued.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_ninebits.triggers.subscribers import MOST_UNDER_WAY, Subscriber, warn_of_gaps
from airflow_provider_ninebits.triggers.watcher import task_of_nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.events import Queued
    from airflow_provider_ninebits.ledger.notices import Notice
    from airflow_provider_ninebits.ledger.wanted import Wanted

T = TypeVar("T")

_MOST_BACKOFF = 64

log = logging.getLogger(__name__)

# As for the watcher of waits: triggers of one process share it, and Airflow hands them none.
_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, EventWatcher]] = WeakKeyDictionary()


def shared_event_watcher(url: str) -> EventWatcher:
    """Return the running loop's event watcher of the ledger at a URL."""
    from airflow_provider_ninebits.ledger.database import Database

    of_loop = _watchers.setdefault(asyncio.get_running_loop(), {})
    if url not in of_loop:
        of_loop[url] = EventWatcher(Database(url))
    return of_loop[url]


@dataclass(frozen=True)
class EventPace:
    """
    How often an event watcher does what.

    :param looks_seconds: from one look to the next, at least.
    :param tail_seconds: how often SQLite is asked for new callbacks.
    :param sweep_seconds: how often it looks, whatever was heard.
    :param deaf_seconds: how long it waits before it tries again; doubled with each failure in a row.
    :param renewal_seconds: how often it notes that somebody still waits.
    """

    looks_seconds: float = 0.3
    tail_seconds: float = 0.5
    sweep_seconds: float = 10.0
    deaf_seconds: float = 0.5
    renewal_seconds: float = 60.0


class EventWatcher:
    """
    Reads what is queued for its subscribers; rests while there are none.

    :param database: the ledger.
    """

    def __init__(self, database: Database, pace: EventPace = EventPace()) -> None:
        self.database = database
        self._pace = pace
        self._subscribers: list[Subscriber] = []
        self._handed_on: set[int] = set()
        self._soon_handed_on: list[tuple[float, int]] = []
        self._work = asyncio.Event()
        # Else a look that began before something was taken out would hand it out again after that.
        self._turn = asyncio.Lock()
        self._renewal_at = float("-inf")
        self._listened = False
        self._watching: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        # Its own: that of the loop has a handful of threads for all triggers, and another's may hold them up.
        self._threads: ThreadPoolExecutor | None = None

    @contextmanager
    def subscribed(self, wanted: Wanted, *, most_under_way: int = MOST_UNDER_WAY) -> Iterator[Subscriber]:
        """
        Subscribe, until the block ends.

        What happened since the same was last subscribed to is handed out, whichever process that was; where it never
        was, what happens from now on.
        """
        subscriber = Subscriber(self, wanted, most_under_way)
        self._subscribers.append(subscriber)
        self._renewal_at = float("-inf")
        self._work.set()
        if self._watching is None or self._watching.done():
            self._watching = task_of_nobody(self._watch(), "ninebits-event-watcher")
        try:
            yield subscriber
        finally:
            self._subscribers.remove(subscriber)
            self._work.set()

    def handed_on_after(self, queued_id: int, seconds: float) -> None:
        """Take an event out of the ledger after some time, if this process lives so long."""
        heapq.heappush(self._soon_handed_on, (asyncio.get_running_loop().time() + seconds, queued_id))
        self._work.set()

    async def handed_on(self, queued_ids: Collection[int]) -> None:
        """Take events out of the ledger; what cannot be taken out now is tried again while somebody waits."""
        self._handed_on.update(queued_ids)
        try:
            await self._take_out()
        except Exception as error:
            log.warning("Events that were handed on stay in the ledger for now: %s", error)
        if self._watching is None:
            self._rest()

    def release(self, queued_ids: Collection[int]) -> None:
        """Hand events out again: they did not come through."""
        for subscriber in self._subscribers:
            subscriber.under_way.difference_update(queued_ids)
        self._work.set()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while self._subscribers:
                self._work.clear()
                next_at = loop.time() + self._pace.looks_seconds
                try:
                    await self._renew()
                    self._note_handed_on(loop.time())
                    await self._take_out()
                    more = await self._look()
                except Exception as error:  # any: one that dies silently leaves its triggers waiting for ever
                    failures += 1
                    if failures == 1:
                        log.warning("Events come late, since the ledger cannot be used; it is tried again: %s", error)
                    next_at = loop.time() + self._pace.deaf_seconds * min(2**failures, _MOST_BACKOFF)
                    more = True
                else:
                    if failures:
                        log.info("The ledger can be used again after %d failures; events were kept", failures)
                    failures = 0
                if not more:
                    await self._until_there_is_work()
                # What is heard meanwhile is looked for together.
                await asyncio.sleep(next_at - loop.time())
        finally:
            self._watching = None
            self._rest()

    def _rest(self) -> None:
        """Keep nothing: no listener, no thread, no connection; and no task or event, which would keep its loop."""
        if self._listening is not None:
            self._listening.cancel()
        if self._threads is not None:
            # After what it is doing: a connection that comes back later would stay open.
            self._threads.submit(self.database.close)
            self._threads.shutdown(wait=False)
        self._listening = self._threads = None
        self._work, self._turn = asyncio.Event(), asyncio.Lock()
        self._soon_handed_on.clear()

    async def _renew(self) -> None:
        """Note in the ledger that somebody waits, from the first look on and now and then."""
        from airflow_provider_ninebits.ledger.events import subscribe

        now = asyncio.get_running_loop().time()
        if now < self._renewal_at:
            return
        self._renewal_at = now + self._pace.renewal_seconds
        wanted = list({each.wanted.subscription_id: each.wanted for each in self._subscribers}.values())
        try:
            warn_of_gaps(await self._in_thread(subscribe, self.database, wanted))
        except BaseException:
            self._renewal_at = float("-inf")
            raise
        if self._listening is None:
            self._listening = task_of_nobody(self._keep_listening(), "ninebits-event-listener")

    def _note_handed_on(self, now: float) -> None:
        while self._soon_handed_on and self._soon_handed_on[0][0] <= now:
            self._handed_on.add(heapq.heappop(self._soon_handed_on)[1])

    async def _take_out(self) -> None:
        from airflow_provider_ninebits.ledger.events import take_out

        async with self._turn:
            ids = sorted(self._handed_on)
            if not ids:
                return
            await self._in_thread(take_out, self.database, ids)
            self._handed_on.difference_update(ids)
            for subscriber in self._subscribers:
                subscriber.under_way.difference_update(ids)
            # There is room again.
            self._work.set()

    async def _look(self) -> bool:
        """Hand out what is queued; return whether there may be more."""
        from airflow_provider_ninebits.ledger.events import queued

        hungry = [subscriber for subscriber in self._subscribers if subscriber.room > 0]
        if not hungry:
            return False
        ids = list({subscriber.wanted.subscription_id for subscriber in hungry})
        async with self._turn:
            # Of each subscription, so many that all of its room is filled, whatever of it is on its way already.
            limit = len(self._handed_on) + max(len(each.under_way) + each.room for each in hungry)
            rows = await self._in_thread(queued, self.database, ids, limit=limit)
            taken = self._hand_out(rows, hungry)
        return taken > 0 and limit in Counter(row.subscription_id for row in rows).values()

    def _hand_out(self, rows: Sequence[Queued], hungry: Sequence[Subscriber]) -> int:
        """Give each subscriber its own; return how many events were given, or will be taken out unseen."""
        taken = 0
        for row in rows:
            for subscriber in hungry:
                if (
                    row.subscription_id == subscriber.wanted.subscription_id
                    and row.id not in subscriber.under_way
                    and row.id not in self._handed_on
                    and subscriber.room > 0
                    and subscriber in self._subscribers
                ):
                    taken += 1
                    if not subscriber.take(row):
                        self._handed_on.add(row.id)
                        self._work.set()
        return taken

    async def _until_there_is_work(self) -> None:
        now = asyncio.get_running_loop().time()
        due = [now + self._pace.sweep_seconds, self._renewal_at]
        if self._soon_handed_on:
            due.append(self._soon_handed_on[0][0])
        with suppress(TimeoutError):
            async with asyncio.timeout(max(min(due) - now, 0.0)):
                await self._work.wait()

    async def _keep_listening(self) -> None:
        from airflow_provider_ninebits.ledger.listening import listen

        pace = self._pace
        tries = 0
        while True:
            self._listened = False
            try:
                await listen(
                    self.database,
                    self._hear,
                    self._in_thread,
                    tail_seconds=pace.tail_seconds,
                    sweep_seconds=pace.sweep_seconds,
                )
            except Exception as error:
                tries = 1 if self._listened else tries + 1
                if tries == 1:
                    log.warning("Events come up to %s s late, since no notices come: %s", pace.sweep_seconds, error)
            # Not all triggerers at once, after the database's restart.
            await asyncio.sleep(pace.deaf_seconds * min(2**tries, _MOST_BACKOFF) * random.uniform(0.5, 1.0))  # noqa: S311

    def _hear(self, notice: Notice | None) -> None:
        # None: it listens, and something may have been missed. An empty one: SQLite was asked, there was nothing new.
        self._listened = self._listened or notice is None
        if notice is None or any(notice):
            self._work.set()

    def _in_thread(self, function: Callable[..., T], *arguments: object, **named: object) -> asyncio.Future[T]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="ninebits-event-watcher")
        return asyncio.get_running_loop().run_in_executor(self._threads, lambda: function(*arguments, **named))
