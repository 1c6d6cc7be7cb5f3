"""The page's routes, and what each answer has in its headers."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import Depends, FastAPI, HTTPException, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from airflow_provider_ninebits import __version__
from airflow_provider_ninebits.configuration import InvalidOption
from airflow_provider_ninebits.ledger.errors import LedgerError, NoSuchMessage
from airflow_provider_ninebits.page import alerts as alerts_page
from airflow_provider_ninebits.page import pictures, shown, views
from airflow_provider_ninebits.page.desk import Busy, Desk
from airflow_provider_ninebits.page.filters import Given, NotUnderstood, airflow_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow_provider_ninebits.page.access import Reader

RETRY_AFTER_SECONDS = 10
# Nothing but what the page brings itself: no script, style, picture or frame of anybody else's, and it asks nobody.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    # A filter in the URL may be a phone number.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_STATIC = {"page.css": "text/css", "page.js": "text/javascript"}

_log = logging.getLogger(__name__)


def page_app(ledger_url: Callable[[], str], deployment: Callable[[], str], reader: Callable[..., Any]) -> FastAPI:
    """
    Return the page's app, without a prefix.

    :param ledger_url: gives the ledger's URL, when it is first asked for; what it raises for an option that cannot be
        used becomes a page.
    :param deployment: gives what this Airflow is called in the ledger, likewise: only its own messages are shown.
    :param reader: a dependency of FastAPI's that gives the :class:`~airflow_provider_ninebits.page.access.Reader` of a
        request, or raises an HTTPException with 401.
    """
    desk, render = Desk(ledger_url, deployment), _Templates()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    # Airflow mounts a plugin's app without authentication: nothing but the pages is shown.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    _add_pages(app, desk, render, Depends(reader))
    _add_static(app, render)
    _say_what_went_wrong(app, render)
    return app


def _add_pages(app: FastAPI, desk: Desk, render: _Templates, logged_in: Any) -> None:
    async def answered(request: Request, template: str, view: Callable[..., Any], *given: Any) -> Response:
        asked = Given.of(request.query_params.multi_items())
        answer: Response = await desk.run(_answered, render, request, template, asked, view, desk, *given)
        return answer

    @app.get("/")
    async def messages(request: Request, who: Any = logged_in) -> Response:
        return await answered(request, "messages.html", views.messages, who)

    @app.get("/messages/{message_id}")
    async def message(request: Request, message_id: str, who: Any = logged_in) -> Response:
        return await answered(request, "message.html", views.message, who, message_id)

    @app.get("/alerts")
    async def alerts(request: Request, who: Any = logged_in) -> Response:
        return await answered(request, "alerts.html", alerts_page.alerts, who)

    @app.get("/callbacks")
    async def callbacks(request: Request, who: Any = logged_in) -> Response:
        return await answered(request, "callbacks.html", views.callbacks, who)

    @app.get("/statistics")
    async def statistics(request: Request, who: Any = logged_in) -> Response:
        return await answered(request, "statistics.html", views.statistics, who)


def _add_static(app: FastAPI, render: _Templates) -> None:
    @app.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in _STATIC:
            raise HTTPException(404)
        # The version stands in the link.
        headers = {**_HEADERS, "Cache-Control": "public, max-age=86400"}
        return Response(render.static[name], media_type=_STATIC[name], headers=headers)


class _Templates:
    """The page's templates, and what all of them are given."""

    def __init__(self) -> None:
        self.static = {name: files(__package__).joinpath("static", name).read_bytes() for name in _STATIC}
        self._environment = Environment(
            loader=PackageLoader("airflow_provider_ninebits.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {"pictures": pictures, "shown": shown, "version": __version__}

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> Response:
        """Return a page, with the paths that it links to."""
        scope = request.scope
        root = scope.get("app_root_path", "")
        text = self._environment.get_template(template).render(
            base=scope.get("root_path", ""),
            airflow=root,
            airflow_path=lambda place: airflow_path(root, place),
            **{"given": Given(), "refresh_seconds": None, "turned_away": None, **context},
        )
        return HTMLResponse(text, status, _HEADERS)


def _answered(
    render: _Templates,
    request: Request,
    template: str,
    given: Given,
    view: Callable[..., dict[str, Any]],
    desk: Desk,
    who: Reader,
    *more: Any,
) -> Response:
    return render.page(request, template, given=given, **view(desk, who, given, *more))


def _say_what_went_wrong(app: FastAPI, render: _Templates) -> None:
    """Have every refusal and outage be a page in words."""

    def page(request: Request, status: int, title: str, words: str) -> Response:
        answer = render.page(request, "refusal.html", status, title=title, words=words)
        if status == 503:
            answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer

    _tell_refusals(app, page)
    _tell_outages(app, page)


def _tell_refusals(app: FastAPI, page: Callable[..., Response]) -> None:
    @app.exception_handler(NotUnderstood)
    async def not_understood(request: Request, error: NotUnderstood) -> Response:
        return page(request, 400, "This filter says nothing that can be looked for", str(error))

    @app.exception_handler(views.Forbidden)
    async def forbidden(request: Request, error: views.Forbidden) -> Response:
        return page(request, 403, "Not for you to see", str(error))

    @app.exception_handler(NoSuchMessage)
    async def no_such_message(request: Request, _: NoSuchMessage) -> Response:
        words = "The ledger has no such message, or it was purged, or it goes over a connection that you may not read."
        return page(request, 404, "No such message", words)

    @app.exception_handler(StarletteHTTPException)
    async def other(request: Request, error: StarletteHTTPException) -> Response:
        if error.status_code in (401, 403):
            return _not_logged_in(request, page)
        return page(request, error.status_code, "There is nothing here", "The tabs above lead to what there is.")


def _tell_outages(app: FastAPI, page: Callable[..., Response]) -> None:
    @app.exception_handler(Busy)
    async def busy(request: Request, _: Busy) -> Response:
        words = "More people look at this page than it can serve at once. Load it again in a moment."
        return page(request, 503, "Busy", words)

    async def unreachable(request: Request, error: Exception) -> Response:
        # Its text names hosts, which is not for everybody who is logged in.
        _log.error("the page 'Voice calls' cannot read the ledger: %s", error)
        words = (
            "The ledger, where calls are recorded, cannot be read now. Calls and callbacks may go on all the same. "
            "The log of the API server says why."
        )
        return page(request, 503, "The ledger cannot be read", words)

    app.add_exception_handler(LedgerError, unreachable)
    app.add_exception_handler(InvalidOption, unreachable)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        _log.error("the page 'Voice calls' failed at %s", request.url.path, exc_info=error)
        words = (
            "This is a mistake of the page's, and not yours. The log of the API server says which. No call is touched."
        )
        return page(request, 500, "The page failed", words)


def _not_logged_in(request: Request, page: Callable[..., Response]) -> Response:
    """Lead to Airflow's login, and back. In Airflow's frame, where it may not be shown, it is said instead."""
    if request.headers.get("Sec-Fetch-Dest") == "iframe":
        words = "Your session has ended, or there was none. Load Airflow's page again to log in."
        return page(request, 401, "Not logged in", words)
    root = request.scope.get("app_root_path", "")
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    answer = RedirectResponse(f"{root}/api/v2/auth/login?next={quote(here, safe='')}", 302)
    answer.headers.update(_HEADERS)
    return answer
