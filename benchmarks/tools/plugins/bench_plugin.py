"""What any plugin's app gets in the API server, at best: it reads the body, and answers. Airflow loads this file."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

REST_SECONDS = 0.005


class BenchPlugin(AirflowPlugin):
    """Mounts ``POST /bench`` and ``GET /bench/loop``."""

    name = "bench"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The app that the API server mounts."""
        return [{"name": "bench", "app": _app(), "url_prefix": "/bench"}]


def _app() -> FastAPI:
    from fastapi import FastAPI
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    late_ms: list[float] = []

    async def take(request: Request) -> Response:
        await request.body()
        return JSONResponse({})

    async def loop(_: Request) -> Response:
        """Tell how late the event loop was, each time somebody rested in it, since this was asked last."""
        told = sorted(late_ms)
        late_ms.clear()
        return JSONResponse({"late_ms": told})

    async def rest() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(REST_SECONDS)
            late_ms.append(1000 * (time.perf_counter() - before - REST_SECONDS))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        resting = asyncio.create_task(rest())
        yield
        resting.cancel()
        with suppress(asyncio.CancelledError):
            await resting

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.mount("", Starlette(routes=[Route("/", take, methods=["POST", "GET"]), Route("/loop", loop)]))
    return app
