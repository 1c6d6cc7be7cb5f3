"""
Mounts the receiver in Airflow's API server, under ``/ninebits``.

Airflow imports a plugin in every process, each task's included, so this module is light: the receiver is
built when the API server asks for it.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_ninebits.configuration import InvalidOption

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

URL_PREFIX = "/ninebits"
# As 9bits retries: the first time after 30 s (9bits: SMS REST pages).
RETRY_AFTER_SECONDS = 30

_log = logging.getLogger(__name__)


class NineBitsPlugin(AirflowPlugin):
    """What the provider adds to Airflow itself: the receiver of 9bits' callbacks, and imports ahead of DAG files."""

    name = "ninebits"

    # In the class body it would load FastAPI in every process; Airflow reads it from the instance.
    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The apps that the API server mounts."""
        return [{"name": "ninebits", "app": mounted_app(), "url_prefix": URL_PREFIX}]

    @cached_property
    def listeners(self) -> list[object]:  # type: ignore[override]
        """What hears of the start of Airflow's processes."""
        from airflow_provider_ninebits.parsing import ImportsAhead

        return [ImportsAhead()]


def mounted_app() -> FastAPI:
    """
    Build the receiver for the API server.

    Whatever is wrong with the options or the receiver, the API server starts: callbacks are answered with
    503, which makes 9bits send them again, and the log says what to mend.

    :return: the receiver's routes, without prefix. A FastAPI app, since Airflow runs the lifespan of no other
    """
    from fastapi import FastAPI

    receiver = _receiver()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with receiver.router.lifespan_context(receiver):
            yield

    app = FastAPI(
        # Airflow mounts a plugin's app without authentication: nothing but the routes is shown.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.mount("", receiver)
    return app


def _receiver() -> Starlette:
    try:
        from airflow_provider_ninebits.stats import record
        from airflow_provider_ninebits.webhook import application

        return application(prefix="", record=record)
    except InvalidOption as problem:
        _log.error(
            "9bits callbacks are answered with 503 until this is mended and the API server restarted: %s",
            problem,
        )
    except Exception:
        # An exception here would keep the whole API server from starting.
        _log.exception("9bits callbacks are answered with 503: the receiver could not be built")
    return _unavailable_app()


def _unavailable_app() -> Starlette:
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def unavailable(_: Request) -> Response:
        return JSONResponse({}, status_code=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})

    return Starlette(routes=[Route("/{path:path}", unavailable, methods=["GET", "POST"])])
