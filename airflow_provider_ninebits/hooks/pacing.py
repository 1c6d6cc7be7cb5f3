"""How fast the requests of a send follow each other, and how many are under way at once."""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.defaults import MAX_PARALLEL_REQUESTS
from airflow_provider_ninebits.exceptions import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_NAP_SECONDS = 1.0
_HELD_NAP_SECONDS = 0.1


def read_rate(max_requests_per_second: object) -> float | None:
    """
    Return the most requests that an account may make in a second; None: as fast as they are answered.

    :raises InvalidArgument: for what is no number above 0.
    """
    if max_requests_per_second is None:
        return None
    if (
        isinstance(max_requests_per_second, bool)
        or not isinstance(max_requests_per_second, (int, float))
        or not (math.isfinite(max_requests_per_second) and max_requests_per_second > 0)
    ):
        raise InvalidArgument(f"max_requests_per_second is {max_requests_per_second!r}; give a number above 0, or None")
    return float(max_requests_per_second)


def read_parallel(max_parallel_requests: object) -> int | None:
    """
    Return how many requests of a send may be under way at once; None: that is not said here.

    :param max_parallel_requests: an argument, or of a connection's extra, where it may be text.
    :raises InvalidArgument: for what is no whole number from 1 to 64.
    """
    if max_parallel_requests is None or max_parallel_requests == "":
        return None
    text = str(max_parallel_requests)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_PARALLEL_REQUESTS):
        raise InvalidArgument(
            f"max_parallel_requests is {max_parallel_requests!r}; give a whole number from 1 to {MAX_PARALLEL_REQUESTS}"
        )
    return int(text)


def pace_delay_seconds(last_began: float | None, now: float, max_requests_per_second: float | None) -> float:
    """
    Return how long to wait before the next request begins. Pure.

    :param last_began: when the last one began, on the same clock as ``now``; None: there was none.
    """
    if last_began is None or max_requests_per_second is None:
        return 0.0
    return max(last_began + 1.0 / max_requests_per_second - now, 0.0)


def nap_through(seconds: float, nap: Callable[[float], None]) -> None:
    """Sleep in short naps, each of which may raise."""
    while seconds > 0:
        nap(min(seconds, LONGEST_NAP_SECONDS))
        seconds -= LONGEST_NAP_SECONDS


@dataclass(eq=False)
class Ticket:
    """What a part that is being sent has in the pace: its 429s since a request of the send was last let through."""

    _let_through: int
    _limited_times: int = 0

    def count(self, let_through: int) -> int:
        """Return how many 429s there were, this one included, since that number last changed."""
        if let_through != self._let_through:
            self._let_through, self._limited_times = let_through, 0
        self._limited_times += 1
        return self._limited_times


@dataclass
class Pace:
    """
    When the next request of a send may begin, whichever of its threads makes it.

    After a 429 nobody goes but the part that got it, until it is let through. Several that got one go one after
    another, in that order: all at once they would only get the next.

    :param max_requests_per_second: None: whenever it is ready.
    """

    max_requests_per_second: float | None
    _last_began: float | None = field(default=None, init=False)
    _let_through: int = field(default=0, init=False)
    _limited: list[Ticket] = field(default_factory=list, init=False)
    _counting: threading.Lock = field(default_factory=threading.Lock, init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False)

    @contextmanager
    def ticket(self) -> Iterator[Ticket]:
        """Give what a part is known by here; when the block ends it holds nobody back."""
        ticket = Ticket(self._let_through)
        try:
            yield ticket
        finally:
            self.leave(ticket)

    @contextmanager
    def turn(
        self, ticket: Ticket, nap: Callable[[float], None], clock: Callable[[], float]
    ) -> Iterator[Callable[[], None]]:
        """
        Wait until a request may begin.

        :param nap: sleeps so long, or raises where the send is to stop.
        :return: what is to be called when the request begins. With a rate, no other one's turn comes before that: the
            claim in between may take long, and the account's rate is one of requests.
        """
        if self.max_requests_per_second is None:
            self._wait_for_limited(ticket, nap)
            yield lambda: None
            return
        self._take_turn(ticket, nap, clock)
        mine = threading.Lock()

        def give_up_turn() -> None:
            if mine.acquire(blocking=False):
                self._turn.release()

        def begin() -> None:
            self._last_began = clock()
            give_up_turn()

        try:
            yield begin
        finally:
            give_up_turn()

    def limited(self, ticket: Ticket) -> int:
        """
        Hold back all others after a 429, until this part is let through or given up.

        :return: how many 429s the part got since any request of the send was let through; the others' success shows
            that this one only has to wait.
        """
        with self._counting:
            if ticket not in self._limited:
                self._limited.append(ticket)
            return ticket.count(self._let_through)

    def let_through(self, ticket: Ticket) -> None:
        """Note that a request was no 429, and let the others go on."""
        with self._counting:
            self._let_through += 1
        self.leave(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Hold nobody back for this part."""
        with self._counting:
            if ticket in self._limited:
                self._limited.remove(ticket)

    def _may_go(self, ticket: Ticket) -> bool:
        with self._counting:
            return not self._limited or self._limited[0] is ticket

    def _wait_for_limited(self, ticket: Ticket, nap: Callable[[float], None]) -> None:
        while not self._may_go(ticket):
            nap(_HELD_NAP_SECONDS)

    def _take_turn(self, ticket: Ticket, nap: Callable[[float], None], clock: Callable[[], float]) -> None:
        while True:
            self._wait_for_limited(ticket, nap)
            while not self._turn.acquire(timeout=LONGEST_NAP_SECONDS):
                nap(0.0)
            try:
                # Asked again with the turn in hand, which goes back to who is limited meanwhile.
                while self._may_go(ticket):
                    delay_seconds = pace_delay_seconds(self._last_began, clock(), self.max_requests_per_second)
                    if not delay_seconds:
                        return
                    # In short naps: a task that is told to stop does not sit out a slow rate.
                    nap(min(delay_seconds, LONGEST_NAP_SECONDS))
            except BaseException:
                self._turn.release()
                raise
            self._turn.release()
