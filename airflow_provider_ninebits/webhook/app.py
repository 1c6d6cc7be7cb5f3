"""The routes of the receiver."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Route

from airflow_provider_ninebits.api.shown import masked_numbers
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.webhook.arrivals import read_arrivals
from airflow_provider_ninebits.webhook.authentication import is_authorized
from airflow_provider_ninebits.webhook.bodies import BodyReader, BodyTooLarge, TooManyBodies
from airflow_provider_ninebits.webhook.connections import COUNT_TURNED_AWAY
from airflow_provider_ninebits.webhook.health import HealthProbe
from airflow_provider_ninebits.webhook.throttle import ThrottledLog
from airflow_provider_ninebits.webhook.upkeep import Upkeep
from airflow_provider_ninebits.webhook.writer import GroupWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_ninebits.ledger.callbacks import Arrival
    from airflow_provider_ninebits.webhook.settings import ReceiverSettings

COMMIT_SECONDS = 2.0
# A list is committed as one. The time for a single callback is not enough for 20,000, nor at any redelivery.
COMMIT_SECONDS_FOR_EACH_IN_LIST = 0.001
RETRY_AFTER_SECONDS = 30
# What takes longer to read would hold up everybody else, the time limits of connections included.
LARGEST_READ_AT_ONCE = 16 * 1024

log = logging.getLogger(__name__)


class Receiver:
    """Takes callbacks; one for each process that serves them."""

    def __init__(self, settings: ReceiverSettings) -> None:
        window = timedelta(seconds=settings.match_window_seconds)
        self._settings = settings
        self._database = Database(settings.ledger_url)
        self._writer = GroupWriter(self._database, window=window)
        self._upkeep = Upkeep(self._database, window=window, registered=self._registered)
        self._throttled = ThrottledLog(log)
        self._bodies = BodyReader()
        self._health = HealthProbe(self._database)
        # One large body at a time is read: as objects it may take fifty times its size.
        self._one_large = asyncio.Semaphore(1)

    def start(self) -> None:
        """Tell the ledger that this receiver is up."""
        # Also where it takes nothing: what it turns away is counted.
        self._upkeep.start()
        if not self._settings.takes_callbacks:
            log.error("The receiver answers 503 to every callback: set [ninebits] webhook_password")

    def stop(self) -> None:
        """Commit what is queued, and close the ledger."""
        self._writer.stop()
        self._upkeep.stop()
        self._database.close()

    def count_unavailable(self) -> None:
        """Count a callback that was told to come again."""
        self._upkeep.turn_away(unavailable=1)

    async def callback(self, request: Request) -> Response:
        """Take a callback: 2xx says that it is on disk."""
        if not self._settings.takes_callbacks:
            return self._unavailable("No password is configured", "Set [ninebits] webhook_password.")
        if not is_authorized(request.headers.getlist("authorization"), self._settings):
            self._upkeep.turn_away(unauthorized=1)
            self._throttled.note(
                logging.ERROR,
                "A callback was answered 401",
                "9bits does not send it again: compare its callback URL with [ninebits] webhook_password.",
            )
            return JSONResponse({}, 401, {"WWW-Authenticate": 'Basic realm="ninebits"'})
        conn_id = _conn_id(request)
        try:
            async with self._bodies.body(request) as body:
                return await self._take(body, conn_id)
        except BodyTooLarge:
            self._upkeep.turn_away(oversized=1)
            self._throttled.note(logging.ERROR, "A callback was answered 413", "It was larger than 1 MiB.")
            return JSONResponse({}, 413, {"Connection": "close"})
        except TooManyBodies:
            return self._unavailable("Too many large bodies came at once", "Look who sends them.")
        except (TimeoutError, ClientDisconnect):
            return self._unavailable("A callback's body did not come in time", "Its sender was too slow, or gave up.")

    async def health(self, _: Request) -> Response:
        """Say whether the ledger can be written, and nothing else."""
        try:
            await self._health.check()
        except Exception as error:  # whatever it is: the question was whether it works
            self._throttled.note(logging.ERROR, "The ledger cannot be written", _reason(error))
            return JSONResponse({}, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
        return JSONResponse({})

    async def _take(self, body: bytes, conn_id: str | None) -> Response:
        arrivals = await self._read(body, conn_id)
        try:
            await self._writer.commit(arrivals, COMMIT_SECONDS + COMMIT_SECONDS_FOR_EACH_IN_LIST * (len(arrivals) - 1))
        except Exception as error:  # never a 5xx but this one: 9bits sends it again
            return self._unavailable("A callback could not be stored", _reason(error))
        return JSONResponse({})

    async def _read(self, body: bytes, conn_id: str | None) -> list[Arrival]:
        zone = self._settings.callback_timezone
        if len(body) <= LARGEST_READ_AT_ONCE:
            return read_arrivals(body, conn_id, zone)
        async with self._one_large:
            return await run_in_threadpool(read_arrivals, body, conn_id, zone)

    def _unavailable(self, kind: str, advice: str) -> Response:
        self.count_unavailable()
        self._throttled.note(logging.ERROR, kind, f"9bits sends it again. {advice}")
        return JSONResponse({}, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})

    def _registered(self, receiver_id: str) -> None:
        self._writer.receiver_id = receiver_id


def receiver_app(settings: ReceiverSettings, *, prefix: str = "/ninebits") -> Starlette:
    """
    Return the receiver as an ASGI app.

    :param prefix: what its paths begin with: nothing, where it is mounted under a path of its own.
    :raises LedgerUnusable: for a ledger URL that is none. Whether it answers shows at the first callback.
    """
    receiver = Receiver(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Callable[[], None]]]:
        receiver.start()
        try:
            yield {COUNT_TURNED_AWAY: receiver.count_unavailable}
        finally:
            await run_in_threadpool(receiver.stop)

    routes = []
    for slash in ("", "/"):  # senders do not follow the redirect to the other one
        routes += [
            Route(f"{prefix}/callback{slash}", receiver.callback, methods=["POST"]),
            Route(f"{prefix}/callback/{{conn_id}}{slash}", receiver.callback, methods=["POST"]),
            Route(f"{prefix}/health{slash}", receiver.health, methods=["GET"]),
        ]
    # A conn_id with a slash in it.
    routes.append(Route(f"{prefix}/callback/{{conn_id:path}}", receiver.callback, methods=["POST"]))
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: _plain, 405: _plain, 500: _plain})
    # A redirect would repeat the request's host and query.
    app.router.redirect_slashes = False
    return app


def _conn_id(request: Request) -> str | None:
    """
    Return the connection named in the URL; None: none is.

    It is read from the path as it came: Airflow allows a slash in a conn_id, which is ``%2F`` there.

    :raises HTTPException: 404 for a path of more parts.
    """
    path = request.path_params.get("conn_id")
    if path is None:
        return None
    raw = request.scope.get("raw_path") or path.encode("utf-8", "surrogatepass")
    last = unquote_to_bytes(raw.removesuffix(b"/").rpartition(b"/")[2]).decode("utf-8", "replace")
    if not last or path not in (last, f"{last}/"):
        raise HTTPException(404)
    return last


def _plain(_: Request, error: Exception) -> Response:
    """Answer without an echo of the request."""
    if isinstance(error, HTTPException):
        return JSONResponse({}, error.status_code, error.headers)
    return JSONResponse({}, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def _reason(error: Exception) -> str:
    """Return why, on one line: a database may quote what it was given."""
    reason = masked_numbers(f"{type(error).__name__}: {error}")
    return "".join(mark if mark.isprintable() else " " for mark in reason)
