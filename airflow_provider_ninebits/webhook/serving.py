"""The receiver alone: the server that it runs in, and the limits of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from airflow_provider_ninebits.webhook.direct import DirectConnection

if TYPE_CHECKING:
    from starlette.applications import Starlette

KEEP_ALIVE_SECONDS = 5
STOP_SECONDS = 5
# How many connections are taken at once, before any of them can be looked at.
_BACKLOG = 128


def receiver_server(app: Starlette, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Server:
    """
    Return a server for the receiver that is not started yet.

    :param app: what :func:`~airflow_provider_ninebits.webhook.application` returns.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=DirectConnection,
            ws="none",
            # Whose address it came from is neither logged nor looked at.
            proxy_headers=False,
            lifespan="on",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            # A sender of half a body would hold up the end. Who was not answered comes again.
            timeout_graceful_shutdown=STOP_SECONDS,
            backlog=_BACKLOG,
            access_log=False,
            server_header=False,
            # Airflow has configured logging; uvicorn's own set-up would take its lines out of that.
            log_config=None,
        )
    )
