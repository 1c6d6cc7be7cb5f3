"""
Mounts the receiver in Airflow's API server, under ``/ninebits``, and the page "Voice calls" under ``/ninebits/calls``.

Airflow imports a plugin in every process, each task's included, so this module is light: both are built when the API
server asks for them.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_ninebits.configuration import InvalidOption
from airflow_provider_ninebits.mounts import PAGE_PREFIX, URL_PREFIX

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_NO_PAGE = (
    '<!doctype html><html lang="en"><meta name="color-scheme" content="light dark"><title>Voice calls</title>'
    "<p>The page &quot;Voice calls&quot; could not be built when the API server started, and its log says why: calls "
    "and their outcomes do not need this page, and go on.</p></html>"
)
_log = logging.getLogger(__name__)


class NineBitsPlugin(AirflowPlugin):
    """What the provider adds to Airflow itself: the receiver of callbacks, the page, and imports ahead of DAG files."""

    name = "ninebits"
    external_views: list[dict[str, Any]] = [  # noqa: RUF012 (as Airflow declares it)
        {
            "name": "Voice calls",
            # Without a slash before it: Airflow's own page has a base, which knows the prefix that it stands under.
            "href": f"{PAGE_PREFIX.removeprefix('/')}/",
            "url_route": "voice-calls",
            "destination": "nav",
            "category": "browse",
        }
    ]

    # In the class body it would load FastAPI in every process; Airflow reads it from the instance.
    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The apps that the API server mounts."""
        # They are mounted in this order, and the first whose prefix fits is asked: the receiver's fits the page too.
        return [
            {"name": "ninebits calls", "app": mounted_page(), "url_prefix": PAGE_PREFIX},
            {"name": "ninebits", "app": mounted_app(), "url_prefix": URL_PREFIX},
        ]

    @cached_property
    def listeners(self) -> list[object]:  # type: ignore[override]
        """What hears of the start of Airflow's processes."""
        from airflow_provider_ninebits.imports_ahead import ImportsAhead

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
    _lead_to_the_page(app)
    app.mount("", receiver)
    return app


def mounted_page() -> FastAPI:
    """
    Build the page "Voice calls" for the API server.

    :return: the page's routes, without prefix. Where it cannot be built, one that says so, and the API server starts.
    """
    try:
        from airflow_provider_ninebits.page.access import airflow_reader
        from airflow_provider_ninebits.page.app import page_app

        return page_app(_ledger_url, _deployment, airflow_reader())
    except Exception:
        # An exception here would keep the whole API server from starting.
        _log.exception("the page 'Voice calls' is not there: it could not be built")
    return _page_that_is_not_there()


def _page_that_is_not_there() -> FastAPI:
    from fastapi import FastAPI
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    def no_page(_: Request) -> Response:
        return HTMLResponse(_NO_PAGE, status_code=503, headers={"Cache-Control": "no-store"})

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.append(Route("/{path:path}", no_page))
    return app


def _ledger_url() -> str:
    from airflow_provider_ninebits.configuration import read_settings

    return read_settings().sql_alchemy_conn


def _deployment() -> str:
    from airflow_provider_ninebits.configuration import read_settings

    return read_settings().deployment


def _lead_to_the_page(app: FastAPI) -> None:
    """Have the page's address without its slash lead to it: it is the receiver that is asked for that one."""
    from starlette.responses import RedirectResponse
    from starlette.routing import Route

    name = PAGE_PREFIX.removeprefix(URL_PREFIX)

    def to_the_page(request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{request.scope.get('root_path', '')}{name}/{query}")

    app.router.routes.append(Route(name, to_the_page))


def _receiver() -> Starlette:
    try:
        from airflow_provider_ninebits.airflow_stats import record
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

    from airflow_provider_ninebits.webhook.settings import RETRY_AFTER_SECONDS

    def unavailable(_: Request) -> Response:
        return JSONResponse({}, status_code=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})

    return Starlette(routes=[Route("/{path:path}", unavailable, methods=["GET", "POST"])])
