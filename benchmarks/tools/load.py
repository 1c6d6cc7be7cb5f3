"""
A sender of callbacks that costs little: ``python -m benchmarks.tools.load URL BODIES --connections 32 --seconds 5``.

It runs in a process of its own, beside what it measures, on the same cores: each connection writes the next request
when its answer has come, and with ``--per-second`` when it is time. BODIES is a file with one JSON body a line; it ends
early when all are sent. What comes in the first second does not count. With ``--watch NAME=PID`` (``NAME=PID+``: and
its children) it tells the processor's time of that process, as it does its own and the machine's, for as long as it
counts.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import json
import os
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.tools import cpu

_WARM_UP_SECONDS = 1.0
"""In which whoever is asked makes its connections and compiles its statements; nothing of it counts."""


class _Sender(asyncio.Protocol):
    """One connection that is kept alive."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._begun_at = 0.0
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found or len(rest) < _content_length(head):
            return
        self._buffer = b""
        self._load.note(int(head[9:12]), time.perf_counter() - self._begun_at)
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        self._load.lost()

    def _next(self) -> None:
        rest_seconds = self._load.rest_seconds()
        if rest_seconds > 0:
            asyncio.get_running_loop().call_later(rest_seconds, self._write_next)
        else:
            self._write_next()

    def _write_next(self) -> None:
        request = self._load.next_request()
        if request is None:
            self._transport.close()
            return
        self._begun_at = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]


class Load:
    """So many connections at one URL, for some time."""

    def __init__(
        self,
        url: str,
        bodies: list[bytes],
        *,
        connections: int,
        seconds: float,
        per_second: float | None = None,
        watched: dict[str, str] | None = None,
    ) -> None:
        at = urlsplit(url)
        credentials = base64.b64encode(f"{at.username}:{at.password}".encode()).decode()
        head = (
            f"POST {at.path} HTTP/1.1\r\nHost: {at.hostname}\r\nAuthorization: Basic {credentials}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._at = at
        self._requests = iter([head + b"%d\r\n\r\n" % len(body) + body for body in bodies])
        self._connections = connections
        self._seconds = seconds
        self._open = connections
        self._pace_seconds = None if per_second is None else 1 / per_second
        self._next_at = 0.0
        self._done = asyncio.Event()
        self._watched = {"the sender": str(os.getpid()), **(watched or {})}
        self._used_before: dict[str, float] = {}
        self.statuses: Counter[int] = Counter()
        self.latencies: list[float] = []

    async def run(self) -> dict[str, object]:
        """Send, and return what was measured."""
        loop = asyncio.get_running_loop()
        self._counts_from = time.perf_counter() + _WARM_UP_SECONDS
        self._ends_at = self._counts_from + self._seconds
        loop.call_later(_WARM_UP_SECONDS, self._note_used)
        for _ in range(self._connections):
            await loop.create_connection(lambda: _Sender(self), self._at.hostname, self._at.port)
        await self._done.wait()
        took = time.perf_counter() - self._counts_from
        used = {name: seconds - self._used_before.get(name, seconds) for name, seconds in self._used().items()}
        ordered = sorted(self.latencies)
        return {
            "statuses": self.statuses,
            "seconds": took,
            "per_second": len(ordered) / took,
            "p50_ms": 1000 * ordered[len(ordered) // 2],
            "p99_ms": 1000 * ordered[len(ordered) * 99 // 100],
            "p999_ms": 1000 * ordered[len(ordered) * 999 // 1000],
            "cpu_seconds": used,
        }

    def _note_used(self) -> None:
        self._used_before = self._used()

    def _used(self) -> dict[str, float]:
        watched = {
            name: cpu.of_process(int(pid.rstrip("+")), with_children=pid.endswith("+"))
            for name, pid in self._watched.items()
        }
        return watched | {f"machine: {name}": seconds for name, seconds in cpu.of_machine().items()}

    def rest_seconds(self) -> float:
        """Return how long to wait before the next request, so that so many are sent a second."""
        if self._pace_seconds is None:
            return 0.0
        now = time.perf_counter()
        self._next_at = max(self._next_at + self._pace_seconds, now)
        return self._next_at - now

    def next_request(self) -> bytes | None:
        """Return the next request; None: it is over."""
        return next(self._requests, None) if time.perf_counter() < self._ends_at else None

    def note(self, status: int, seconds: float) -> None:
        """Note an answer."""
        self.statuses[status] += 1
        if time.perf_counter() >= self._counts_from:
            self.latencies.append(seconds)

    def lost(self) -> None:
        """Note that a connection has ended."""
        self._open -= 1
        if not self._open:
            self._done.set()


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or b"0")


def main() -> None:
    """Send, and print what was measured as one line of JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("url")
    options.add_argument("bodies", type=Path)
    options.add_argument("--connections", type=int, default=32)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--per-second", type=float, help="no more than that; else as fast as they are answered")
    options.add_argument("--watch", action="append", default=[], help="NAME=PID, or NAME=PID+ with its children")
    given = options.parse_args()
    bodies = given.bodies.read_bytes().splitlines()
    load = Load(
        given.url,
        bodies,
        connections=given.connections,
        seconds=given.seconds,
        per_second=given.per_second,
        watched=dict(each.split("=", 1) for each in given.watch),
    )
    gc.disable()
    print(json.dumps(asyncio.run(load.run())))


if __name__ == "__main__":
    main()
