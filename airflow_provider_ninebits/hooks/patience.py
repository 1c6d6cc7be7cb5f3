"""
How an outage of the ledger is borne: for how long, and with which pauses.

A managed database's fail-over takes a minute or two, and comes over all waits at once.
"""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ninebits.exceptions import LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LONGEST_PAUSE_SECONDS = 15.0
_MOST_DOUBLINGS = 10

log = logging.getLogger(__name__)


class Outage:
    """
    An outage, from its first failure on. No I/O.

    :param tolerance_seconds: how long it may last; 0: the first failure is one too many.
    :param first_pause_seconds: before the second try; doubled from there on, up to 15 s.
    """

    def __init__(self, tolerance_seconds: float, first_pause_seconds: float = 1.0) -> None:
        self._tolerance_seconds = tolerance_seconds
        self._first_pause_seconds = first_pause_seconds
        self._since = 0.0
        self.failures = 0

    def failed(self, now: float) -> float | None:
        """
        Note a failure, and return how long to wait before the next try; None: it has lasted too long.

        The last try is made when the time is over. Some of each pause is left to chance, so that not all processes come
        back to the database in the same moment.

        :param now: on a clock that only goes forwards.
        """
        if not self.failures:
            self._since = now
        self.failures += 1
        left_seconds = self._since + self._tolerance_seconds - now
        if left_seconds <= 0:
            return None
        longest = self._first_pause_seconds * 2.0 ** min(self.failures - 1, _MOST_DOUBLINGS)
        return min(min(longest, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0), left_seconds)  # noqa: S311

    def ended(self) -> None:
        """Note that there was no failure: the next one is the first of another outage."""
        self.failures = 0


def patient(look: Callable[[], T], tolerance_seconds: float) -> T:
    """
    Look at the ledger, or write what may be written twice, bearing with an outage as a deferred wait does.

    :param tolerance_seconds: ``[ninebits] outage_tolerance``.
    :raises LedgerUnavailable: when it cannot be used for longer; at once where somebody has to mend it.
    """
    outage = Outage(tolerance_seconds)
    while True:
        try:
            return look()
        except LedgerUnavailable as error:
            pause_seconds = outage.failed(time.monotonic()) if passes(error) else None
            if pause_seconds is None:
                raise
            log.warning("The ledger could not be used (%d times in a row): %s", outage.failures, error)
        time.sleep(pause_seconds)


def passes(error: LedgerUnavailable) -> bool:
    """Return whether trying again may help."""
    from airflow_provider_ninebits.ledger.errors import LedgerUnusable

    return not isinstance(error.__cause__, LedgerUnusable)
