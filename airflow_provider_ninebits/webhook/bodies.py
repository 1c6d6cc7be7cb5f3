"""Reading bodies up to a cap: each of them, and all that are held at once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

LARGEST_BODY = 1024 * 1024
MOST_HELD_BYTES = 64 * 1024 * 1024
LARGEST_DRAIN = 4 * 1024 * 1024
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

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """
        Give a request's body, counted while it comes: what a header says about its length proves nothing.

        It counts as held until the block ends.

        :raises BodyTooLarge: after some of the rest was read too, so that the sender sees the status and no reset.
        :raises TooManyBodies: when all together would be too much; nothing more of it is read.
        :raises TimeoutError: when the sender is too slow.
        """
        chunks: list[bytes] = []
        size = 0
        stream = request.stream()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in stream:
                    size += len(chunk)
                    self._held_bytes += len(chunk)
                    if size > LARGEST_BODY:
                        break
                    if self._held_bytes > MOST_HELD_BYTES:
                        raise TooManyBodies
                    chunks.append(chunk)
            if size > LARGEST_BODY:
                chunks.clear()
                await _drain(stream)
                raise BodyTooLarge
            yield b"".join(chunks)
        finally:
            self._held_bytes -= size


async def _drain(stream: AsyncIterator[bytes]) -> None:
    drained = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for chunk in stream:
                drained += len(chunk)
                if drained > LARGEST_DRAIN:
                    return
    except TimeoutError:
        return
