"""Group commit: one thread commits what came in while it committed the last group."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.kept_connection import IDLE_SECONDS
from airflow_provider_ninebits.ledger.states import CallbackKind
from airflow_provider_ninebits.webhook.counts import Counts
from airflow_provider_ninebits.webhook.waiting import Delivery, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored
    from airflow_provider_ninebits.webhook.storing import Store

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


class GroupWriter:
    """
    Commits callbacks, those of many requests at once.

    :param counts: who is told what became of each group; None: nobody.
    """

    def __init__(self, store: Store, counts: Counts | None = None) -> None:
        self._store = store
        self._counts = counts or Counts(None)
        self._stored: list[Stored] = []
        self._queue: deque[Delivery] = deque()
        self._queued = 0
        self._queued_bytes = 0
        self._wanted = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._waiting: dict[asyncio.AbstractEventLoop, Waiting] = {}
        self.receiver_id: str | None = None

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
        """Commit what is queued, and end the thread; what takes too long is aborted, where it can be."""
        with self._wanted:
            self._stopping = True
            self._wanted.notify()
            thread = self._thread
        if thread is not None:
            thread.join(STOP_SECONDS)
            if thread.is_alive():
                self._store.abort()
                thread.join()
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
            self._queue.append(delivery)
            self._queued += len(delivery.arrivals)
            self._queued_bytes += delivery.size_bytes
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="ninebits-writer", daemon=True)
                self._thread.start()
            self._wanted.notify()

    def _work(self) -> None:
        while group := self._next_group():
            try:
                self._commit([arrival for delivery in group for arrival in delivery.arrivals])
            except Exception as error:
                if len(group) > 1:
                    # One poisonous body must not keep its neighbours out.
                    self._commit_one_by_one(group)
                else:
                    group[0].error = error
            _tell(group)
            self._count()
        self._rest()

    def _commit(self, arrivals: Sequence[Arrival]) -> None:
        self._stored.append(self._store.store(arrivals, self.receiver_id))

    def _count(self) -> None:
        # After all who wait for the group were told.
        for stored in self._stored:
            self._counts.stored(stored)
        self._stored.clear()

    def _commit_one_by_one(self, group: Sequence[Delivery]) -> None:
        for delivery in group:
            if delivery.is_over:
                continue
            try:
                self._commit(delivery.arrivals)
            except Exception as error:
                delivery.error = error

    def _next_group(self) -> list[Delivery]:
        with self._wanted:
            busy = self._wanted.wait_for(self._has_work, IDLE_SECONDS)
        if not busy:
            self._rest()
        with self._wanted:
            self._wanted.wait_for(self._has_work)
            group: list[Delivery] = []
            size = 0
            size_bytes = 0
            while self._queue:
                size += len(self._queue[0].arrivals)
                size_bytes += self._queue[0].size_bytes
                if group and (size > LARGEST_GROUP or size_bytes > LARGEST_GROUP_BYTES):
                    break
                group.append(self._queue.popleft())
                self._queued -= len(group[-1].arrivals)
                self._queued_bytes -= group[-1].size_bytes
            return group

    def _rest(self) -> None:
        try:
            self._store.rest()
        except Exception:
            # The thread must go on: nobody would begin another one.
            log.exception("The ledger's connection could not be given back")

    def _has_work(self) -> bool:
        return bool(self._queue) or self._stopping


def _pages(arrivals: Sequence[Arrival]) -> Iterator[Sequence[Arrival]]:
    if len(arrivals) == 1:
        return iter((arrivals,))
    # An API answer keeps all other receivers out while it is matched, and takes several statements.
    answers = any(arrival.kind is CallbackKind.ANSWER for arrival in arrivals)
    size = MOST_ANSWERS_AT_ONCE if answers else LARGEST_GROUP
    return (arrivals[start : start + size] for start in range(0, len(arrivals), size))


def _tell(group: Sequence[Delivery]) -> None:
    """Tell those who wait for a group, in their loop: once for all, since to wake a loop costs a system call."""
    for waiting in dict.fromkeys(delivery.waiting for delivery in group):
        # Its loop is closed where the server has ended; nobody waits any more.
        with suppress(RuntimeError):
            own = [delivery for delivery in group if delivery.waiting is waiting]
            waiting.loop.call_soon_threadsafe(waiting.end, own)


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    # It is where its request was cancelled.
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
