"""The real receiver, served on a loopback port while a block lasts."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import httpx
import uvicorn

from airflow_provider_ninebits.simulator.running import address_of, listening_socket
from airflow_provider_ninebits.webhook.app import receiver_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ninebits.webhook.settings import ReceiverSettings


@contextlib.contextmanager
def served(settings: ReceiverSettings) -> Iterator[str]:
    """Serve a receiver, and give its base URL."""
    with listening_socket("127.0.0.1", 0) as listener:
        base_url = address_of(listener)
        config = uvicorn.Config(
            receiver_app(settings),
            lifespan="on",
            ws="none",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            # Two of the 401s that are compared may lie in two seconds.
            date_header=False,
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="receiver", daemon=True)
        thread.start()
        try:
            # The socket listens already: this waits until somebody answers.
            httpx.get(f"{base_url}/nowhere", trust_env=False, timeout=30)
            yield base_url
        finally:
            server.should_exit = True
            thread.join()
