"""
A 9bits that costs next to nothing: ``python -m benchmarks.tools.nine_bits --delay-ms 50``.

It takes every POST and answers it with a ``ref_id`` of its own, after so long, whatever stands in it; nobody is called
back. It prints its URL.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Answers(asyncio.Protocol):
    """One connection that is kept alive; its requests come one after the other."""

    places = count()

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_ends_at = self._buffer.find(b"\r\n\r\n")
        if head_ends_at < 0 or len(self._buffer) - head_ends_at - 4 < _content_length(self._buffer[:head_ends_at]):
            return
        self._buffer.clear()
        if self._delay_seconds:
            asyncio.get_running_loop().call_later(self._delay_seconds, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        body = b'{"status_code": 200, "ref_id": "bench%020d", "message": "queued"}' % next(self.places)
        self._transport.write(  # type: ignore[attr-defined]
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )


@contextmanager
def nine_bits(delay_ms: float = 0.0) -> Iterator[str]:
    """One in a process of its own; gives its URL."""
    command = [sys.executable, "-m", "benchmarks.tools.nine_bits", "--delay-ms", str(delay_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("it has no standard output")
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _content_length(head: bytearray) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or b"0")


async def _serve(delay_seconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Answers(delay_seconds), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--delay-ms", type=float, default=0.0)
    asyncio.run(_serve(options.parse_args().delay_ms / 1000))
