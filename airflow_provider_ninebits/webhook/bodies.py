"""Reading bodies up to a cap: each of them, and all that are held at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.types import Receive

LARGEST_BODY_BYTES = 1024 * 1024
MOST_HELD_BYTES = 64 * 1024 * 1024
LARGEST_DRAIN_BYTES = 4 * 1024 * 1024
DRAIN_SECONDS = 2.0
BODY_SECONDS = 30.0


class BodyTooLarge(Exception):
    """More than 1 MiB came."""


class TooManyBodies(Exception):
    """All bodies that are held now are as much as may be."""


class BodyReader:
    """
    Reads bodies, and knows how much of them is held.

    A thousand senders may be in the middle of a large body at once, and each of them may take its time.
    """

    def __init__(self) -> None:
        self._held_bytes = 0

    async def read(self, receive: Receive) -> bytes:
        """
        Return a request's body, counted while it comes: what a header says about its length proves nothing.

        It counts as held until :meth:`let_go` is told.

        :raises BodyTooLarge: after some of the rest was read too, so that the sender sees the status and no reset.
        :raises TooManyBodies: when all together would be too much; nothing more of it is read.
        :raises TimeoutError: when the sender is too slow.
        :raises ClientDisconnect: when the sender has gone.
        """
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                more = True
                while more and size <= LARGEST_BODY_BYTES:
                    chunk, more = await _next_chunk(receive)
                    size += len(chunk)
                    self._held_bytes += len(chunk)
                    if self._held_bytes > MOST_HELD_BYTES and size <= LARGEST_BODY_BYTES:
                        raise TooManyBodies
                    chunks.append(chunk)
            if size > LARGEST_BODY_BYTES:
                chunks.clear()
                if more:
                    await _drain(receive)
                raise BodyTooLarge
        except BaseException:
            self.let_go(size)
            raise
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def let_go(self, size: int) -> None:
        """Count so many bytes as no longer held."""
        self._held_bytes -= size


async def _next_chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


async def _drain(receive: Receive) -> None:
    drained, more = 0, True
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while more and drained <= LARGEST_DRAIN_BYTES:
                chunk, more = await _next_chunk(receive)
                drained += len(chunk)
    except TimeoutError:
        return
