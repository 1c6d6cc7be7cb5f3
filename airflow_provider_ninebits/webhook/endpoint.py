"""
The one route that counts, as an ASGI app: whatever comes to it, in whatever pieces.

It speaks ASGI itself. What a framework does for each request takes as long as all of this does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from airflow_provider_ninebits.webhook.arrivals import read_arrivals
from airflow_provider_ninebits.webhook.bodies import BodyReader, BodyTooLarge, TooManyBodies
from airflow_provider_ninebits.webhook.intake import BODY, COMMIT_SECONDS, TAKEN

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from airflow_provider_ninebits.ledger.callbacks import Arrival
    from airflow_provider_ninebits.webhook.intake import Answer, Intake

# A list is committed as one. The time for a single callback is not enough for 20,000, nor at any redelivery.
COMMIT_SECONDS_FOR_EACH_IN_LIST = 0.001
# What takes longer to read would hold up everybody else, the time limits of connections included.
LARGEST_READ_AT_ONCE_BYTES = 16 * 1024

_BODY = {"type": "http.response.body", "body": BODY}


class CallbackEndpoint:
    """Takes callbacks, as an ASGI app."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._bodies = BodyReader()
        # One large body at a time is read: as objects it may take fifty times its size.
        self._one_large = asyncio.Semaphore(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a callback."""
        try:
            answer = await self._take(scope, receive)
        except HTTPException:
            raise
        except Exception as error:  # never a 5xx but this one: 9bits sends it again
            answer = self._intake.failed(error)
        await send(answer.start)
        await send(dict(_BODY))

    async def _take(self, scope: Scope, receive: Receive) -> Answer:
        intake = self._intake
        refused = intake.refusal([value for name, value in scope["headers"] if name == b"authorization"])
        if refused is not None:
            return refused
        conn_id = _conn_id(scope)
        try:
            body = await self._bodies.read(receive)
        except BodyTooLarge:
            return intake.too_large()
        except TooManyBodies:
            return intake.unavailable("Too many large bodies came at once", "Look who sends them.")
        except (TimeoutError, ClientDisconnect):
            return intake.unavailable("A callback's body did not come in time", "Its sender was too slow, or gave up.")
        try:
            return await self._commit(body, conn_id)
        finally:
            self._bodies.let_go(len(body))

    async def _commit(self, body: bytes, conn_id: str | None) -> Answer:
        arrivals = await self._read(body, conn_id)
        seconds = COMMIT_SECONDS + COMMIT_SECONDS_FOR_EACH_IN_LIST * (len(arrivals) - 1)
        try:
            await self._intake.writer.commit(arrivals, seconds)
        except Exception as error:  # never a 5xx but this one: 9bits sends it again
            return self._intake.not_stored(error)
        return TAKEN

    async def _read(self, body: bytes, conn_id: str | None) -> list[Arrival]:
        zone = self._intake.settings.callback_timezone
        if len(body) <= LARGEST_READ_AT_ONCE_BYTES:
            return read_arrivals(body, conn_id, zone)
        async with self._one_large:
            return await run_in_threadpool(read_arrivals, body, conn_id, zone)


def _conn_id(scope: Scope) -> str | None:
    """
    Return the connection named in the URL; None: none is.

    It is read from the path as it came: Airflow allows a slash in a conn_id, which is ``%2F`` there.

    :raises HTTPException: 404 for a path of more parts.
    """
    path = scope.get("path_params", {}).get("conn_id")
    if path is None:
        return None
    raw = scope.get("raw_path") or path.encode("utf-8", "surrogatepass")
    last = unquote_to_bytes(raw.removesuffix(b"/").rpartition(b"/")[2]).decode("utf-8", "replace")
    if not last or path not in (last, f"{last}/"):
        raise HTTPException(404)
    return last
