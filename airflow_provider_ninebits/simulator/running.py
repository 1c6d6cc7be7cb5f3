"""Serves the simulator: in the foreground, or in a thread for a test."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn

from airflow_provider_ninebits.simulator.app import simulator_app
from airflow_provider_ninebits.simulator.connections import LosableConnection
from airflow_provider_ninebits.simulator.settings import SimulatorSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTS_WITHIN_SECONDS = 30.0
_POLL_SECONDS = 0.02


class RunningSimulator:
    """
    A simulator that runs, and what a test may ask of it.

    :param base_url: for the connection's host, without a slash at the end.
    """

    def __init__(self, base_url: str, client: httpx.Client) -> None:
        self.base_url = base_url
        self._client = client

    def rung(self) -> dict[str, int]:
        """Return how often each number was rung."""
        return dict(self._asked("rung"))

    def calls(self, **filters: str | int) -> list[dict[str, Any]]:
        """
        Return the calls in the order in which they started.

        :param filters: ``number`` and ``ref_id`` narrow them; ``limit`` and ``offset`` give a page.
        """
        return list(self._asked("calls", filters))

    def requests(self) -> list[dict[str, Any]]:
        """Return every send that came, in order, refused ones too."""
        return list(self._asked("requests"))

    def summary(self) -> dict[str, Any]:
        """Return counts, and ``idle``."""
        return dict(self._asked("summary"))

    def script(self, orders: dict[str, Any]) -> None:
        """
        Order faults of the coming sends, and how numbers behave.

        :raises ValueError: says which order is wrong; none of them was taken.
        """
        self._told("script", orders)

    def set_callback_url(self, url: str | None) -> None:
        """
        Point callbacks elsewhere, those that wait too; None stops them.

        :raises ValueError: it is no http(s) URL.
        """
        self._told("callback-url", {"url": url})

    def reset(self) -> None:
        """Stop and forget everything, scripts too, but the callback URL."""
        self._told("reset", {})

    def wait_idle(self, timeout_seconds: float = 30.0) -> None:
        """
        Wait until nothing is left to answer, play or deliver.

        :raises TimeoutError: something still is, redeliveries perhaps; it has the summary.
        """
        until = time.monotonic() + timeout_seconds
        while not (summary := self.summary())["idle"]:
            if time.monotonic() >= until:
                raise TimeoutError(f"the simulator is not idle after {timeout_seconds} s: {summary}")
            time.sleep(_POLL_SECONDS)

    def _asked(self, route: str, filters: dict[str, str | int] | None = None) -> Any:
        return self._client.get(f"/simulator/{route}", params=filters).raise_for_status().json()

    def _told(self, route: str, orders: dict[str, Any]) -> None:
        answer = self._client.post(f"/simulator/{route}", json=orders)
        if answer.status_code == 400:
            raise ValueError(answer.json()["message"])
        answer.raise_for_status()


@contextlib.contextmanager
def running_simulator(
    settings: SimulatorSettings | None = None, port: int = 0, host: str = "127.0.0.1"
) -> Iterator[RunningSimulator]:
    """
    Run a simulator in a thread while the block lasts.

    :param port: 0 for any free one.
    :raises OSError: the port is taken.
    :raises ValueError: the settings' script cannot be played.
    """
    with listening_socket(host, port) as listener:
        base_url = address_of(listener)
        server = simulator_server(settings or SimulatorSettings())
        thread = threading.Thread(target=server.run, args=([listener],), name="ninebits-simulator", daemon=True)
        thread.start()
        try:
            with httpx.Client(base_url=base_url, trust_env=False, timeout=_STARTS_WITHIN_SECONDS) as client:
                # The socket listens already: this waits until somebody answers.
                client.get("/simulator/health").raise_for_status()
                yield RunningSimulator(base_url, client)
        finally:
            server.should_exit = True
            thread.join()


def simulator_server(settings: SimulatorSettings) -> uvicorn.Server:
    """Return a server that is not started yet; ``run`` takes the listening socket."""
    return uvicorn.Server(
        uvicorn.Config(
            simulator_app(settings),
            http=LosableConnection,
            ws="none",
            lifespan="on",
            loop="asyncio",
            # The queries in an access log are whole numbers.
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
    )


def listening_socket(host: str, port: int) -> socket.socket:
    """
    Return a socket that queues connections from now on, even before a server takes them.

    :raises OSError: the address is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL under which a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
