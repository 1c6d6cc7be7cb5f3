"""Reading a body up to a cap."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

LARGEST_BODY = 1024 * 1024
LARGEST_DRAIN = 4 * 1024 * 1024
DRAIN_SECONDS = 2.0
BODY_SECONDS = 30.0


class BodyTooLarge(Exception):
    """More than 1 MiB came."""


async def read_body(request: Request) -> bytes:
    """
    Return a request's body, counted while it comes: what a header says about its length proves nothing.

    :raises BodyTooLarge: after some of the rest was read too, so that the sender sees the status instead of a reset.
    :raises TimeoutError: when the sender is too slow.
    """
    stream = request.stream()
    chunks: list[bytes] = []
    size = 0
    async with asyncio.timeout(BODY_SECONDS):
        async for chunk in stream:
            size += len(chunk)
            if size > LARGEST_BODY:
                break
            chunks.append(chunk)
        else:
            return b"".join(chunks)
    await _drain(stream)
    raise BodyTooLarge


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
