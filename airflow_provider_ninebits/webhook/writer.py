"""Group commit: what came in while the last group was committed is committed together, and then who waits is told."""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.kept_connection import IDLE_SECONDS
from airflow_provider_ninebits.ledger.states import CallbackKind
from airflow_provider_ninebits.webhook.counts import Counts
from airflow_provider_ninebits.webhook.storing import commit_group
from airflow_provider_ninebits.webhook.waiting import Delivery, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_ninebits.ledger.callbacks import Arrival
    from airflow_provider_ninebits.webhook.storing import Committed, Store

MOST_QUEUED = 20_000
MOST_QUEUED_BYTES = 64 * 1024 * 1024
LARGEST_GROUP = 500
# Each is there several times while it is stored: as objects and as what is sent, in two processes.
LARGEST_GROUP_BYTES = 4 * 1024 * 1024
MOST_ANSWERS_AT_ONCE = 100
STOP_SECONDS = 10.0

log = logging.getLogger(__name__)


class ReceiverEnds(Exception):
    """The receiver commits what it has, and takes no more."""

    def __str__(self) -> str:
        return "the receiver ends"


class QueueFull(Exception):
    """The database does not keep up; the sender has to come again."""

    def __str__(self) -> str:
        return "too many callbacks wait for the ledger already"


class Writer(ABC):
    """
    Commits callbacks, those of many requests at once.

    :param counts: who is told what became of each group; None: nobody.
    """

    def __init__(self, counts: Counts | None = None) -> None:
        self._counts = counts or Counts(None)
        self._queue: deque[Delivery] = deque()
        self._queued = 0
        self._queued_bytes = 0
        self._wanted = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._waiting: dict[asyncio.AbstractEventLoop, Waiting] = {}
        self.receiver_id: str | None = None

    @abstractmethod
    def start(self) -> None:
        """
        Get ready, which may take some seconds. Without it the first group waits for that.

        :raises StoringFailed: when it does not come to that; it is tried again for each group.
        """

    async def commit(self, arrivals: Sequence[Arrival], timeout_seconds: float) -> None:
        """
        Return when the callbacks are on disk.

        A long list is committed page by page, so that others get in between.

        :raises QueueFull: when too many wait already.
        :raises TimeoutError: when it takes too long; they may be committed all the same, and coming again is harmless.
        :raises Exception: the ledger's error; they are not stored, but for pages before.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeout_seconds
        for page in _pages(arrivals):
            done: asyncio.Future[None] = loop.create_future()
            self.submit(page, loop, ends_at, partial(_settle, done))
            await done

    async def ping(self, timeout_seconds: float) -> None:
        """
        Return when a group without callbacks went the way of all others.

        :raises Exception: as :meth:`commit`.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self.submit((), loop, loop.time() + timeout_seconds, partial(_settle, done))
        await done

    def submit(
        self,
        arrivals: Sequence[Arrival],
        loop: asyncio.AbstractEventLoop,
        ends_at: float,
        settled: Callable[[Exception | None], None],
    ) -> None:
        """
        Have callbacks committed, no more of them than make a group.

        :param loop: the one that this is called in.
        :param ends_at: when it is given up, on the loop's clock.
        :param settled: called in the loop, once: with None when they are on disk, else with what :meth:`commit` raises.
        :raises QueueFull: when too many wait already.
        """
        waiting = self._waiting.get(loop)
        if waiting is None:
            waiting = self._waiting[loop] = Waiting(loop)
        delivery = Delivery(arrivals, sum([len(arrival.raw) for arrival in arrivals]), waiting, ends_at, settled)
        self._enqueue(delivery)
        waiting.add(delivery)

    def stop(self) -> None:
        """Commit what is queued, and let go of everything; what takes too long is aborted, where it can be."""
        with self._wanted:
            self._stopping = True
            self._wanted.notify()
            thread = self._thread
        if thread is not None:
            thread.join(STOP_SECONDS)
            if thread.is_alive():
                self._abort()
                thread.join()
        self._close()
        with self._wanted:
            self._thread = None
            self._stopping = False
            # Whoever still waits is known to those deliveries; a loop that has ended is to be kept by nobody.
            self._waiting.clear()

    def _enqueue(self, delivery: Delivery) -> None:
        with self._wanted:
            # What was given up stays queued, so while the ledger hangs only this bounds the memory.
            full = (
                self._queued + len(delivery.arrivals) > MOST_QUEUED
                or self._queued_bytes + delivery.size_bytes > MOST_QUEUED_BYTES
            )
            if full and self._queued:
                raise QueueFull
            if self._stopping:
                # One thread stores: another one would be begun beside it.
                raise ReceiverEnds
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="ninebits-writer", daemon=True)
                # First of all: where the machine is out of threads nothing is queued, and the next one tries again.
                thread.start()
                self._thread = thread
            self._queue.append(delivery)
            self._queued += len(delivery.arrivals)
            self._queued_bytes += delivery.size_bytes
            self._came(delivery)

    def _taken(self, beside: int = 0, beside_bytes: int = 0) -> list[Delivery]:
        """
        Take from the queue what makes a group, beside so many callbacks that are at it already. The lock is held.

        One that is larger than any group makes one by itself.
        """
        group: list[Delivery] = []
        while self._queue:
            first = self._queue[0]
            beside += len(first.arrivals)
            beside_bytes += first.size_bytes
            if beside > len(first.arrivals) and (beside > LARGEST_GROUP or beside_bytes > LARGEST_GROUP_BYTES):
                break
            group.append(self._queue.popleft())
            self._queued -= len(first.arrivals)
            self._queued_bytes -= first.size_bytes
        return group

    def _tell(self, group: Sequence[Delivery], committed: Committed) -> None:
        """Tell those who wait for a group what became of it, and then who counts."""
        for place, error in committed.errors.items():
            group[place].error = error
        for waiting in dict.fromkeys(delivery.waiting for delivery in group):
            # Its loop is closed where the server has ended; nobody waits any more.
            with suppress(RuntimeError):
                # Once for all, since to wake a loop costs a system call.
                own = [delivery for delivery in group if delivery.waiting is waiting]
                waiting.loop.call_soon_threadsafe(waiting.end, own)
        for stored in committed.stored:
            self._counts.stored(stored)

    @abstractmethod
    def _came(self, delivery: Delivery) -> None:
        """Have it noticed that a delivery is queued, which comes from this thread's loop. The lock is held."""

    @abstractmethod
    def _work(self) -> None:
        """Bring groups through until the receiver ends and nothing is left: the thread's whole work."""

    @abstractmethod
    def _abort(self) -> None:
        """End the group that is being stored, if that can be ended."""

    @abstractmethod
    def _close(self) -> None:
        """Let go of everything, when the thread has ended. The next group begins anew."""


class GroupWriter(Writer):
    """
    Commits callbacks in a thread of this process.

    :param store: what commits a group.
    """

    def __init__(self, store: Store, counts: Counts | None = None) -> None:
        super().__init__(counts)
        self._store = store

    def start(self) -> None:
        """Do nothing: the ledger is opened when something comes."""

    def _came(self, _: Delivery) -> None:
        self._wanted.notify()

    def _work(self) -> None:
        while group := self._next_group():
            arrivals, receiver_id = [delivery.arrivals for delivery in group], self.receiver_id
            committed = commit_group(self._store.store, arrivals, receiver_id, lambda place: group[place].is_over)
            self._tell(group, committed)
        self._rest()

    def _next_group(self) -> list[Delivery]:
        with self._wanted:
            busy = self._wanted.wait_for(self._has_work, IDLE_SECONDS)
        if not busy:
            self._rest()
        with self._wanted:
            self._wanted.wait_for(self._has_work)
            return self._taken()

    def _rest(self) -> None:
        try:
            self._store.rest()
        except Exception:
            # The thread must go on: nobody would begin another one.
            log.exception("The ledger's connection could not be given back")

    def _has_work(self) -> bool:
        return bool(self._queue) or self._stopping

    def _abort(self) -> None:
        """Do nothing: the database ends it by its own time-outs."""

    def _close(self) -> None:
        self._store.close()


def _pages(arrivals: Sequence[Arrival]) -> Iterator[Sequence[Arrival]]:
    if len(arrivals) == 1:
        return iter((arrivals,))
    # An API answer keeps all other receivers out while it is matched, and takes several statements.
    answers = any(arrival.kind is CallbackKind.ANSWER for arrival in arrivals)
    size = MOST_ANSWERS_AT_ONCE if answers else LARGEST_GROUP
    return (arrivals[start : start + size] for start in range(0, len(arrivals), size))


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    # It is where its request was cancelled.
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
