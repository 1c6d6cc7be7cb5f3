"""
The one route that counts: a callback is checked, read, committed and answered.

It speaks ASGI itself. What a framework does for each request takes as long as all of this does.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from airflow_provider_ninebits.webhook.arrivals import read_arrivals
from airflow_provider_ninebits.webhook.authentication import is_authorized
from airflow_provider_ninebits.webhook.bodies import BodyReader, BodyTooLarge, TooManyBodies
from airflow_provider_ninebits.webhook.shown import reason

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from airflow_provider_ninebits.ledger.callbacks import Arrival
    from airflow_provider_ninebits.webhook.settings import ReceiverSettings
    from airflow_provider_ninebits.webhook.throttle import ThrottledLog
    from airflow_provider_ninebits.webhook.upkeep import Upkeep
    from airflow_provider_ninebits.webhook.writer import GroupWriter

COMMIT_SECONDS = 2.0
# A list is committed as one. The time for a single callback is not enough for 20,000, nor at any redelivery.
COMMIT_SECONDS_FOR_EACH_IN_LIST = 0.001
RETRY_AFTER_SECONDS = 30
# What takes longer to read would hold up everybody else, the time limits of connections included.
LARGEST_READ_AT_ONCE = 16 * 1024

_BODY = {"type": "http.response.body", "body": b"{}"}


def _answer(status: int, **headers: str) -> dict[str, Any]:
    named = [(b"content-length", b"2"), (b"content-type", b"application/json")]
    named += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": named}


TAKEN = _answer(200)
UNAUTHORIZED = _answer(401, www_authenticate='Basic realm="ninebits"')
TOO_LARGE = _answer(413, connection="close")
UNAVAILABLE = _answer(503, retry_after=str(RETRY_AFTER_SECONDS))


class CallbackEndpoint:
    """
    Takes callbacks, as an ASGI app: 2xx says that one is on disk.

    :param throttled: where it says what it turns away.
    """

    def __init__(
        self, settings: ReceiverSettings, writer: GroupWriter, upkeep: Upkeep, throttled: ThrottledLog
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._upkeep = upkeep
        self._throttled = throttled
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
            answer = self._unavailable("A callback could not be taken", reason(error))
        # Anew for each: what is below may add to the headers.
        await send({**answer, "headers": list(answer["headers"])})
        await send(dict(_BODY))

    async def _take(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        if not self._settings.takes_callbacks:
            return self._unavailable("No password is configured", "Set [ninebits] webhook_password.")
        shown = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        if not is_authorized(shown, self._settings):
            self._upkeep.turn_away(unauthorized=1)
            self._throttled.note(
                logging.ERROR,
                "A callback was answered 401",
                "9bits does not send it again: compare its callback URL with [ninebits] webhook_password.",
            )
            return UNAUTHORIZED
        conn_id = _conn_id(scope)
        try:
            body = await self._bodies.read(receive)
        except BodyTooLarge:
            self._upkeep.turn_away(oversized=1)
            self._throttled.note(logging.ERROR, "A callback was answered 413", "It was larger than 1 MiB.")
            return TOO_LARGE
        except TooManyBodies:
            return self._unavailable("Too many large bodies came at once", "Look who sends them.")
        except (TimeoutError, ClientDisconnect):
            return self._unavailable("A callback's body did not come in time", "Its sender was too slow, or gave up.")
        try:
            return await self._commit(body, conn_id)
        finally:
            self._bodies.let_go(len(body))

    async def _commit(self, body: bytes, conn_id: str | None) -> dict[str, Any]:
        arrivals = await self._read(body, conn_id)
        try:
            await self._writer.commit(arrivals, COMMIT_SECONDS + COMMIT_SECONDS_FOR_EACH_IN_LIST * (len(arrivals) - 1))
        except Exception as error:  # never a 5xx but this one: 9bits sends it again
            return self._unavailable("A callback could not be stored", reason(error))
        return TAKEN

    async def _read(self, body: bytes, conn_id: str | None) -> list[Arrival]:
        zone = self._settings.callback_timezone
        if len(body) <= LARGEST_READ_AT_ONCE:
            return read_arrivals(body, conn_id, zone)
        async with self._one_large:
            return await run_in_threadpool(read_arrivals, body, conn_id, zone)

    def _unavailable(self, kind: str, advice: str) -> dict[str, Any]:
        self._upkeep.turn_away(unavailable=1)
        self._throttled.note(logging.ERROR, kind, f"9bits sends it again. {advice}")
        return UNAVAILABLE


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
