"""
One watcher for all the waits of a triggerer process: ten thousand of them ask the ledger as often as one does.

It hears which messages have changed, and mostly how far they are now, and wakes the waits for these; it looks for all
of them at once that were not told enough. Behind that it compares all that is waited for with the ledger from time to
time, in one statement, since a notice can be missed.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_ninebits.airflow_stats import record
from airflow_provider_ninebits.configuration import OUTAGE_TOLERANCE
from airflow_provider_ninebits.hooks.patience import Outage
from airflow_provider_ninebits.metrics import WAITS
from airflow_provider_ninebits.triggers.waits import Awaited, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from airflow_provider_ninebits.ledger.counts import Asked, Look
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.notices import Notice

T = TypeVar("T")

_TOLERANCE_SECONDS = float(OUTAGE_TOLERANCE.default)
_MOST_LOOKS_AT_ONCE = 1000
_MOST_BACKOFF = 16

log = logging.getLogger(__name__)

# The one thing here that outlives a trigger: triggers of one process share a watcher, and Airflow hands them none.
# Keyed by loop, so that a watcher never outlives the loop that its events belong to.
_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Watcher]] = WeakKeyDictionary()


def shared_watcher(url: str, outage_tolerance_seconds: float = _TOLERANCE_SECONDS) -> Watcher:
    """
    Return the running loop's watcher of the ledger at a URL.

    :param outage_tolerance_seconds: of a new one; ``[ninebits] outage_tolerance``, which is the same for all.
    """
    from airflow_provider_ninebits.ledger.database import Database

    of_loop = _watchers.setdefault(asyncio.get_running_loop(), {})
    if url not in of_loop:
        of_loop[url] = Watcher(Database(url), outage_tolerance_seconds=outage_tolerance_seconds)
    return of_loop[url]


def _looked(database: Database, asked: Sequence[Asked]) -> tuple[list[Look], datetime]:
    """Return looks, and when they were taken on this machine's clock: the loop may be late."""
    from airflow_provider_ninebits.ledger.looks import look_for

    return look_for(database, asked), datetime.now(UTC)


def task_of_nobody(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Return a task that is no part of the trigger which happens to begin it: Airflow would log it as that one's."""
    return asyncio.get_running_loop().create_task(work, name=name, context=Context())


@dataclass(frozen=True)
class Pace:
    """
    How often a watcher does what.

    :param looks_seconds: from one look (of all that ask for one) to the next, at least.
    :param tail_seconds: how often SQLite is asked for new callbacks.
    :param sweep_seconds: how often everything is compared, whatever was heard.
    :param deaf_seconds: the same, while nothing can be heard; doubled and more with each failure in a row.
    """

    looks_seconds: float = 0.06
    tail_seconds: float = 0.44
    sweep_seconds: float = 10.0
    deaf_seconds: float = 0.5


class Watcher:
    """
    Looks for waits, and wakes them; rests while there are none.

    :param database: the ledger.
    :param outage_tolerance_seconds: for how long it may not be readable before every wait is told.
    """

    def __init__(
        self, database: Database, pace: Pace = Pace(), *, outage_tolerance_seconds: float = _TOLERANCE_SECONDS
    ) -> None:
        self.database = database
        self._pace = pace
        self._waits: set[Wait] = set()
        self._awaited = Awaited()
        self._asking: deque[Wait] = deque()
        self._work = asyncio.Event()
        self._sweep_at = float("inf")
        self._told_to_sweep_at = float("-inf")
        # By how much the ledger's clock is ahead of this machine's.
        self._clock_ahead = timedelta()
        self._outage = Outage(outage_tolerance_seconds, 2 * pace.deaf_seconds)
        self._watching: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        # Its own: that of the loop has a handful of threads for all triggers, and another's may hold them up.
        self._threads: ThreadPoolExecutor | None = None

    @property
    def pause_seconds(self) -> float:
        """From one look of a wait to the next, at least."""
        return self._pace.looks_seconds

    def waiting(self, asked: Asked) -> Wait:
        """Return a wait, to be used in a ``with`` statement."""
        return Wait(self, asked)

    def add(self, wait: Wait) -> None:
        """Take a wait on."""
        self._waits.add(wait)
        if self._watching is None or self._watching.done():
            self._watching = task_of_nobody(self._watch(), "ninebits-watcher")

    def remove(self, wait: Wait) -> None:
        """Forget a wait."""
        self._waits.discard(wait)
        self._awaited.unlist(wait)
        self._work.set()

    def ask(self, wait: Wait) -> None:
        """Look for a wait, with all others that ask; or at once, where all that has changed was told."""
        look = self._awaited.known_look(wait, datetime.now(UTC) + self._clock_ahead)
        if look is not None:
            wait.looking()
            wait.see(look)
            return
        self._asking.append(wait)
        self._work.set()

    def listen(self) -> None:
        """Listen, if that is not done already: some wait is not over with its first look."""
        if self._listening is None:
            self._listening = task_of_nobody(self._keep_listening(), "ninebits-listener")
            self._sweep_at = asyncio.get_running_loop().time() + self._pace.deaf_seconds
            self._work.set()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waits:
                await self._until_there_is_work()
                try:
                    if self._asking:
                        await self._look()
                    if self._sweep_at <= loop.time():
                        await self._sweep()
                except Exception as error:  # any: a watcher that dies silently leaves its waits waiting for ever
                    await asyncio.sleep(self._note_failure(error))
        finally:
            self._rest()

    def _rest(self) -> None:
        """Keep nothing: no listener, no thread, no connection; and no task or event, which would keep its loop."""
        self._sweep_at = float("inf")
        self._told_to_sweep_at = float("-inf")
        if self._listening is not None:
            self._listening.cancel()
        if self._threads is not None:
            # After what it is doing: a connection that comes back later would stay open.
            self._threads.submit(self.database.close)
            self._threads.shutdown(wait=False)
        self._watching = self._listening = self._threads = None
        self._work = asyncio.Event()
        self._tell_count()

    def _tell_count(self) -> None:
        record(WAITS, len(self._waits), {"hostname": socket.gethostname()})

    async def _until_there_is_work(self) -> None:
        self._work.clear()
        rest = self._sweep_at - asyncio.get_running_loop().time()
        if self._asking or rest <= 0 or not self._waits:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(None if rest == float("inf") else rest):
                await self._work.wait()

    async def _look(self) -> None:
        """Look for those who ask, and let what they ask for wake them from here on."""
        loop = asyncio.get_running_loop()
        next_at = loop.time() + self._pace.looks_seconds
        some = [self._asking.popleft() for _ in range(min(len(self._asking), _MOST_LOOKS_AT_ONCE))]
        waits = [wait for wait in some if wait in self._waits]
        if not waits:
            return
        try:
            with self._awaited.looking(waits):
                seen, looked_at = await self._in_thread(_looked, self.database, [wait.asked for wait in waits])
                for wait, look in zip(waits, seen, strict=True):
                    if wait in self._waits:
                        self._awaited.enlist(wait, look.messages)
                        wait.see(look)
                    if look.messages:
                        self._clock_ahead = look.now - looked_at
        except Exception as error:
            self._ask_again_or_fail(waits, error)
            raise
        self._outage.ended()
        # Who asks meanwhile is looked for together with all others who do.
        await asyncio.sleep(next_at - loop.time())

    def _ask_again_or_fail(self, waits: Sequence[Wait], error: Exception) -> None:
        from airflow_provider_ninebits.ledger.errors import LedgerUnreachable

        if isinstance(error, LedgerUnreachable):
            self._asking.extendleft(reversed(waits))
            return
        # Somebody has to mend it first.
        for wait in waits:
            wait.fail(error)

    async def _sweep(self) -> None:
        """Compare everything that is waited for with the ledger."""
        from airflow_provider_ninebits.ledger.looks import differing

        now = asyncio.get_running_loop().time()
        # Who listens says when to sweep. One that says nothing hangs.
        longest_silence = 3 * self._pace.sweep_seconds
        hears = now - self._told_to_sweep_at <= longest_silence
        self._sweep_at = now + (longest_silence if hears else self._pace.deaf_seconds)
        self._awaited.compare(await self._in_thread(differing, self.database, self._awaited.revisions()))
        self._outage.ended()
        self._tell_count()

    def _note_failure(self, error: Exception) -> float:
        """Return how long to wait before the next try."""
        from airflow_provider_ninebits.ledger.errors import LedgerUnusable

        pause_seconds = self._outage.failed(asyncio.get_running_loop().time())
        log.warning("The ledger could not be read (%d times in a row): %s", self._outage.failures, error)
        self._sweep_at = 0.0
        if pause_seconds is not None and not isinstance(error, LedgerUnusable):
            return pause_seconds
        self._outage.ended()
        self._asking.clear()
        for wait in self._waits:
            wait.fail(error)
        return self._pace.deaf_seconds

    async def _keep_listening(self) -> None:
        from airflow_provider_ninebits.ledger.listening import listen

        pace = self._pace
        tries = 0
        while True:
            told_at = self._told_to_sweep_at
            try:
                await listen(
                    self.database,
                    self._hear,
                    self._in_thread,
                    tail_seconds=pace.tail_seconds,
                    sweep_seconds=pace.sweep_seconds,
                )
            except Exception as error:
                tries = tries + 1 if self._told_to_sweep_at == told_at else 1
                if tries == 1:
                    log.warning("The ledger is asked every %s s, since no notices come: %s", pace.deaf_seconds, error)
            self._told_to_sweep_at = float("-inf")
            self._sweep_soon()
            # Not all triggerers at once, after the database's restart.
            await asyncio.sleep(pace.deaf_seconds * min(2**tries, _MOST_BACKOFF) * random.uniform(0.5, 1.0))  # noqa: S311

    def _hear(self, notice: Notice | None) -> None:
        if notice is None:
            self._told_to_sweep_at = asyncio.get_running_loop().time()
            self._sweep_soon()
        else:
            self._awaited.hear(notice)

    def _sweep_soon(self) -> None:
        self._sweep_at = 0.0
        self._work.set()

    def _in_thread(self, function: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="ninebits-watcher")
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
