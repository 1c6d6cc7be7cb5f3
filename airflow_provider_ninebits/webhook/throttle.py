"""What any request can cause is logged now and then only: a stranger must not fill the disk with our log."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

LOG_INTERVAL_SECONDS = 60.0


class ThrottledLog:
    """Logs a kind of event at once, then once a minute with how many there were."""

    def __init__(self, log: logging.Logger, interval_seconds: float = LOG_INTERVAL_SECONDS) -> None:
        self._log = log
        self._interval_seconds = interval_seconds
        self._lock = threading.Lock()
        self._held_back: Counter[str] = Counter()
        self._logged_at: dict[str, float] = {}

    def note(self, level: int, kind: str, advice: str) -> None:
        """
        Log an event, unless one of its kind was logged a moment ago.

        :param advice: what it means and what to do.
        """
        with self._lock:
            self._held_back[kind] += 1
            now = time.monotonic()
            if now - self._logged_at.get(kind, float("-inf")) < self._interval_seconds:
                return
            count = self._held_back.pop(kind)
            self._logged_at[kind] = now
        self._log.log(level, "%s (%d times). %s", kind, count, advice)
