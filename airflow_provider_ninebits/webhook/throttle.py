"""What any request can cause is logged now and then only: a stranger must not fill the disk with our log."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter

LOG_INTERVAL_SECONDS = 60.0


class ThrottledLog:
    """Logs a kind of event at once, then once a minute with how many there were."""

    def __init__(self, log: logging.Logger, interval_seconds: float = LOG_INTERVAL_SECONDS) -> None:
        self._log = log
        self._gate = _Gate(interval_seconds)

    def note(self, level: int, kind: str, advice: str) -> None:
        """
        Log an event, unless one of its kind was logged a moment ago.

        :param advice: what it means and what to do.
        """
        if count := self._gate.pass_on(kind):
            self._log.log(level, "%s (%d times). %s", kind, count, advice)


class ThrottledRecords(logging.Filter):
    """
    Does the same to warnings and errors that another's logger gives, such as those of the server about bad requests.

    What tells two kinds apart is the message before its arguments are put in.
    """

    def __init__(self, interval_seconds: float = LOG_INTERVAL_SECONDS) -> None:
        super().__init__()
        self._gate = _Gate(interval_seconds)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged; one that stands for several says so."""
        if record.levelno < logging.WARNING:
            return True
        count = self._gate.pass_on(str(record.msg))
        if count > 1:
            record.msg = f"{record.msg} (%d times)"
            record.args = (*(record.args if isinstance(record.args, tuple) else ()), count)
        return count > 0


class _Gate:
    def __init__(self, interval_seconds: float) -> None:
        self._interval_seconds = interval_seconds
        self._lock = threading.Lock()
        self._held_back: Counter[str] = Counter()
        self._passed_at: dict[str, float] = {}

    def pass_on(self, kind: str) -> int:
        """Return how many events this one stands for; 0: it is held back."""
        with self._lock:
            self._held_back[kind] += 1
            now = time.monotonic()
            if now - self._passed_at.get(kind, float("-inf")) < self._interval_seconds:
                return 0
            self._passed_at[kind] = now
            return self._held_back.pop(kind)
