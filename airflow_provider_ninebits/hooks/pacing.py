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


@dataclass
class Pace:
    """
    When the next request of a send may begin, whichever of its threads makes it.

    :param max_requests_per_second: None: whenever it is ready.
    """

    max_requests_per_second: float | None
    _last_began: float | None = field(default=None, init=False)
    _holds: int = field(default=0, init=False)
    _counting: threading.Lock = field(default_factory=threading.Lock, init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False)

    @contextmanager
    def turn(self, nap: Callable[[float], None], clock: Callable[[], float]) -> Iterator[Callable[[], None]]:
        """
        Wait until a request may begin.

        :param nap: sleeps so long, or raises where the send is to stop.
        :return: what is to be called when the request begins. With a rate, no other one's turn comes before that: the
            claim in between may take long, and the account's rate is one of requests.
        """
        while self._holds:
            nap(_HELD_NAP_SECONDS)
        if self.max_requests_per_second is None:
            yield lambda: None
            return
        while not self._turn.acquire(timeout=LONGEST_NAP_SECONDS):
            nap(0.0)
        mine = threading.Lock()

        def give_up_turn() -> None:
            if mine.acquire(blocking=False):
                self._turn.release()

        def begin() -> None:
            self._last_began = clock()
            give_up_turn()

        try:
            while delay_seconds := pace_delay_seconds(self._last_began, clock(), self.max_requests_per_second):
                # In short naps: a task that is told to stop does not sit out a slow rate.
                nap(min(delay_seconds, LONGEST_NAP_SECONDS))
            yield begin
        finally:
            give_up_turn()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody's turn come while the block lasts: 9bits has limited the rate."""
        with self._counting:
            self._holds += 1
        try:
            yield
        finally:
            with self._counting:
                self._holds -= 1
