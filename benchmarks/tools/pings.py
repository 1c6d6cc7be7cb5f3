"""Somebody who asks a route now and then, over a connection of its own, while others are busy there."""

from __future__ import annotations

import http.client
import threading
import time
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

REST_SECONDS = 0.04


class Pings:
    """Asks while the block lasts, one request after the other."""

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="pings")
        self._took_ms: list[float] = []

    def quantile_ms(self, part: float) -> float:
        """Return how long an answer took: 0.5 is the median."""
        ordered = sorted(self._took_ms)
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._at.hostname or "", self._at.port, timeout=60)
        while not self._over.wait(REST_SECONDS):
            begun_at = time.perf_counter()
            connection.request("GET", self._at.path)
            connection.getresponse().read()
            self._took_ms.append(1000 * (time.perf_counter() - begun_at))
        connection.close()
