"""
Group commit where a process of its own stores.

Matching is Python, and so is HTTP: in one process they take turns at Python's lock, however many cores there are. So
the receiver that is alone has a second process store what it takes.

What comes is handed over at once, by the loop in which it came, and the process takes all that is there when it has
committed its last group: it never waits for this one, whose thread would have to wait for Python's lock first. The
thread only hears what became of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from airflow_provider_ninebits.webhook.apart import StoreProcess, lost
from airflow_provider_ninebits.webhook.reasons import reason
from airflow_provider_ninebits.webhook.storing import Committed, StoringFailed
from airflow_provider_ninebits.webhook.writer import Writer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from datetime import timedelta

    from airflow_provider_ninebits.webhook.counts import Counts
    from airflow_provider_ninebits.webhook.waiting import Delivery

HANG_SECONDS = 150.0
"""How long the process may take for a group: more than the ledger's own time-outs together."""
_FULL_SECONDS = 0.002
"""How long to wait for room in what leads to the process: it reads when it has committed a group."""

_GONE = (BrokenPipeError, ConnectionResetError)

log = logging.getLogger(__name__)


class RelayWriter(Writer):
    """
    Has a process commit callbacks; one that is gone is started again, and is given what the other had not answered.

    Where that one is lost too, one of them may be to blame: each is given by itself then, until those are through.

    :param ledger_url: where it commits them.
    :param window: ``[ninebits] match_window``.
    """

    def __init__(self, ledger_url: str, *, window: timedelta, counts: Counts | None = None) -> None:
        super().__init__(counts)
        self._given = (ledger_url, window)
        self._process: StoreProcess | None = None
        self._starting: StoreProcess | None = None
        self._handed_over: deque[Delivery] = deque()
        self._size = self._size_bytes = 0
        # The first one's that was handed over and not answered. The process says whose answer it gives.
        self._number = 0
        self._planned_in: set[asyncio.AbstractEventLoop] = set()
        self._aborted = threading.Event()
        self._lost_before = False
        # Up to which number each is given to the process by itself.
        self._alone_until = 0

    def start(self) -> None:
        """Start the process, and wait until it has loaded what it needs."""
        if self._process is None:
            self._begin()

    def _begin(self) -> StoreProcess:
        if self._aborted.is_set():
            raise StoringFailed("the receiver ends")
        url, window = self._given
        process = StoreProcess(url, window=window)
        with self._wanted:
            self._starting = process
            if self._aborted.is_set():
                process.kill()
        try:
            process.wait_until_ready()
        except BaseException:
            with self._wanted:
                self._starting = None
            raise
        # At once: an abort in between would find neither.
        with self._wanted:
            self._starting, self._process = None, process
            if not self._is_careful:
                self._post([*self._handed_over], self._number)
        return process

    @property
    def _is_careful(self) -> bool:
        return self._number < self._alone_until

    def _came(self, delivery: Delivery) -> None:
        # Once for all that the loop reads in one turn.
        self._plan(delivery.waiting.loop)

    def _plan(self, loop: asyncio.AbstractEventLoop, delay_seconds: float = 0.0) -> None:
        if loop in self._planned_in:
            return
        self._planned_in.add(loop)
        if delay_seconds:
            loop.call_later(delay_seconds, self._go_on, loop)
        else:
            loop.call_soon(self._go_on, loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._wanted:
            self._planned_in.discard(loop)
            if not self._hand_over():
                self._plan(loop, _FULL_SECONDS)

    def _hand_over(self) -> bool:
        """
        Hand over what is queued, as much as makes a group. The lock is held.

        :return: whether all of that is on its way.
        """
        if not self._push():
            return False
        if self._is_careful:
            # It goes on when those are through.
            return True
        number = self._number + len(self._handed_over)
        if taken := self._taken(self._size, self._size_bytes):
            self._handed_over += taken
            self._size += sum([len(delivery.arrivals) for delivery in taken])
            self._size_bytes += sum([delivery.size_bytes for delivery in taken])
            self._wanted.notify()
        return self._post(taken, number)

    def _post(self, deliveries: Sequence[Delivery], number: int) -> bool:
        """Send deliveries to the process, if it is there; else it is given them when it is. The lock is held."""
        if self._process is None or not deliveries:
            return True
        try:
            now = time.monotonic()
            # As what they are to Python: to pickle a named tuple calls some of it.
            told = [
                (now + each.ends_at - each.waiting.loop.time(), [tuple(arrival) for arrival in each.arrivals])
                for each in deliveries
            ]
            return self._process.wire.post((number, told, self.receiver_id))
        except _GONE:
            # The thread hears of it.
            return True
        except BaseException as error:
            # Never sent, so never answered: it is given them anew, and when that fails too they are answered for.
            log.error("Callbacks could not be handed over: %s", reason(error))
            self._process.kill()
            if not isinstance(error, Exception):
                raise
            return True

    def _push(self) -> bool:
        try:
            return self._process is None or self._process.wire.push()
        except _GONE:
            # As above; its last words may be there still.
            return True

    def _work(self) -> None:
        while True:
            try:
                if not self._has_something():
                    return
                self._end(*self._next_answer())
                self._lost_before = False
            except Exception as error:
                self._fail(error)

    def _has_something(self) -> bool:
        with self._wanted:
            self._wanted.wait_for(lambda: self._handed_over or self._stopping)
            # At the end no loop may be there any more that would.
            self._hand_over()
            return bool(self._handed_over)

    def _next_answer(self) -> tuple[int, Committed]:
        if self._is_careful and self._handed_over[0].is_over:
            # Nobody waits for it, and it may be the one that costs a process each time.
            return 1, Committed({0: TimeoutError()}, [])
        process = self._process or self._begin()
        try:
            if self._is_careful:
                with self._wanted:
                    self._post([self._handed_over[0]], self._number)
            until = time.monotonic() + HANG_SECONDS
            while not self._is_on_its_way() and not process.wire.wait(_FULL_SECONDS):
                if time.monotonic() > until:
                    raise TimeoutError
            number, count, committed = process.wire.receive(HANG_SECONDS)
            if number != self._number:
                raise LookupError(f"{number} was answered, and {self._number} is waited for")
            return count, committed
        except Exception as error:
            raise _Lost(str(lost(error))) from error

    def _is_on_its_way(self) -> bool:
        with self._wanted:
            return self._push()

    def _fail(self, error: Exception) -> None:
        """Give what was handed over to another process: at once, then each by itself, and then it is given up."""
        with self._wanted:
            process, self._process = self._process, None
            count = len(self._handed_over)
        if process is not None:
            process.kill()
            process.close()
        if isinstance(error, _Lost) and not self._aborted.is_set():
            if not self._lost_before:
                self._lost_before = True
                log.warning("%s: it is started again", error)
                return
            if count > 1 and not self._is_careful:
                self._alone_until = self._number + count
                log.warning("%s again: it is started again, and given one callback at a time", error)
                return
            # All others are still to be tried.
            count = 1
        self._lost_before = False
        self._end(count, Committed(dict.fromkeys(range(count), error), []))

    def _end(self, count: int, committed: Committed) -> None:
        with self._wanted:
            group = [self._handed_over.popleft() for _ in range(count)]
            self._number += count
            self._size -= sum([len(delivery.arrivals) for delivery in group])
            self._size_bytes -= sum([delivery.size_bytes for delivery in group])
            # Of what is queued only because as much was handed over as makes a group.
            self._hand_over()
        self._tell(group, committed)

    def _abort(self) -> None:
        with self._wanted:
            self._aborted.set()
            for process in (self._process, self._starting):
                if process is not None:
                    process.kill()

    def _close(self) -> None:
        with self._wanted:
            process, self._process = self._process, None
            self._planned_in.clear()
            self._lost_before = False
            self._aborted.clear()
        if process is not None:
            process.close()


class _Lost(StoringFailed):
    """The process ended, or hung, in the middle of a group; which may be stored."""
