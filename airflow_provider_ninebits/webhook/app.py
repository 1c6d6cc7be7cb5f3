"""The routes of the receiver."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.webhook.connections import COUNT_TURNED_AWAY
from airflow_provider_ninebits.webhook.counts import Counts
from airflow_provider_ninebits.webhook.direct import INTAKE
from airflow_provider_ninebits.webhook.endpoint import CallbackEndpoint
from airflow_provider_ninebits.webhook.health import HealthProbe
from airflow_provider_ninebits.webhook.intake import Intake
from airflow_provider_ninebits.webhook.reasons import reason
from airflow_provider_ninebits.webhook.relay import RelayWriter
from airflow_provider_ninebits.webhook.settings import RETRY_AFTER_SECONDS
from airflow_provider_ninebits.webhook.storing import StoreHere, StoringFailed
from airflow_provider_ninebits.webhook.throttle import ThrottledLog
from airflow_provider_ninebits.webhook.upkeep import Upkeep
from airflow_provider_ninebits.webhook.writer import GroupWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from airflow_provider_ninebits.metrics import Record
    from airflow_provider_ninebits.webhook.settings import ReceiverSettings
    from airflow_provider_ninebits.webhook.writer import Writer

log = logging.getLogger(__name__)


class Receiver:
    """Takes callbacks; one for each process that serves them."""

    def __init__(
        self, settings: ReceiverSettings, *, store_apart: bool, record: Record | None, ended: Callable[[], None] | None
    ) -> None:
        window = timedelta(seconds=settings.match_window_seconds)
        self._settings = settings
        self._database = Database(settings.ledger_url)
        self._ended = ended
        counts = Counts(record)
        self._writer: Writer = (
            RelayWriter(settings.ledger_url, window=window, counts=counts)
            if store_apart
            else GroupWriter(StoreHere(self._database, window=window), counts)
        )
        self._upkeep = Upkeep(self._database, window=window, registered=self._registered, counts=counts)
        self._throttled = ThrottledLog(log)
        self._health = HealthProbe(self._database, self._writer)
        self.intake = Intake(settings, self._writer, self._upkeep, self._throttled)
        self.callback = CallbackEndpoint(self.intake)

    def start(self) -> None:
        """Tell the ledger that this receiver is up."""
        # Also where it takes nothing: what it turns away is counted.
        self._upkeep.start()
        try:
            self._writer.start()
        except StoringFailed as error:
            # It is tried again for each group.
            log.error("The receiver cannot store callbacks yet: %s", error)
        if not self._settings.takes_callbacks:
            log.error("The receiver answers 503 to every callback: set [ninebits] webhook_password")

    def stop(self) -> None:
        """Commit what is queued, and close the ledger."""
        self._writer.stop()
        self._upkeep.stop()
        self._database.close()
        if self._ended is not None:
            self._ended()

    def count_unavailable(self) -> None:
        """Count a callback that was told to come again."""
        self._upkeep.turn_away(unavailable=1)

    async def health(self, _: Request) -> Response:
        """Say whether the ledger can be written, and nothing else."""
        try:
            await self._health.check()
        except Exception as error:  # whatever it is: the question was whether it works
            self._throttled.note(logging.ERROR, "The ledger cannot be written", reason(error))
            return JSONResponse({}, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
        return JSONResponse({})

    def _registered(self, receiver_id: str) -> None:
        self._writer.receiver_id = receiver_id


class ReceiverApp(Starlette):
    """
    The receiver as an ASGI app.

    :param receiver: what takes callbacks.
    :param direct_path: the path whose callbacks go to it without a look at the other routes.
    """

    def __init__(self, receiver: Receiver, direct_path: str, **options: Any) -> None:
        super().__init__(**options)
        # A redirect would repeat the request's host and query.
        self.router.redirect_slashes = False
        self._callback = receiver.callback
        self._direct_path = direct_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        direct = scope["type"] == "http" and scope["path"] == self._direct_path and scope["method"] == "POST"
        await (self._callback(scope, receive, send) if direct else super().__call__(scope, receive, send))


def receiver_app(
    settings: ReceiverSettings,
    *,
    prefix: str = "/ninebits",
    store_apart: bool = False,
    record: Record | None = None,
    ended: Callable[[], None] | None = None,
) -> Starlette:
    """
    Return the receiver as an ASGI app.

    :param prefix: what its paths begin with: nothing, where it is mounted under a path of its own.
    :param store_apart: whether a process of its own stores what is taken.
    :param record: takes the values of its metrics; None: nobody does.
    :param ended: called when it has ended, and gives no more values.
    :raises LedgerUnusable: for a ledger URL that is none. Whether it answers shows at the first callback.
    """
    receiver = Receiver(settings, store_apart=store_apart, record=record, ended=ended)
    path = f"{prefix}/callback"

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        await run_in_threadpool(receiver.start)
        try:
            yield {COUNT_TURNED_AWAY: receiver.count_unavailable, INTAKE: (receiver.intake, path.encode())}
        finally:
            await run_in_threadpool(receiver.stop)

    routes = []
    for slash in ("", "/"):  # senders do not follow the redirect to the other one
        routes += [
            Route(f"{path}{slash}", receiver.callback, methods=["POST"]),
            Route(f"{path}/{{conn_id}}{slash}", receiver.callback, methods=["POST"]),
            Route(f"{prefix}/health{slash}", receiver.health, methods=["GET"]),
        ]
    # A conn_id with a slash in it.
    routes.append(Route(f"{path}/{{conn_id:path}}", receiver.callback, methods=["POST"]))
    return ReceiverApp(
        receiver,
        path,
        routes=routes,
        lifespan=lifespan,
        exception_handlers={404: _plain, 405: _plain, 500: _plain},
    )


def _plain(_: Request, error: Exception) -> Response:
    """Answer without an echo of the request."""
    if isinstance(error, HTTPException):
        return JSONResponse({}, error.status_code, error.headers)
    return JSONResponse({}, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
