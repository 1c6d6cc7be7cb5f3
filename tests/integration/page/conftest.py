"""The page over real HTTP, with a stand-in for Airflow's auth manager."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, HTTPException

from airflow_provider_ninebits.page.app import page_app
from tests.integration.page.calls_made import make_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_ninebits.ledger.database import Database


@dataclass
class Somebody:
    """A reader with the rights that a test gives them."""

    reads: set[str] = field(default_factory=lambda: {"ninebits_default", "other"})
    edits: set[str] = field(default_factory=set)
    reads_dags: set[str] = field(default_factory=lambda: {"reminders", "secrets"})
    logged_in: bool = True

    def connections(self, conn_ids: Iterable[str], method: str) -> set[str]:
        return set(conn_ids) & (self.reads if method == "GET" else self.edits)

    def dags(self, dag_ids: Iterable[str]) -> set[str]:
        return set(dag_ids) & self.reads_dags


@pytest.fixture
def somebody() -> Somebody:
    """Who reads the page."""
    return Somebody()


@pytest.fixture
def messages(database: Database) -> list[str]:
    """The ids of the messages that the ledger holds."""
    return make_calls(database)


@pytest.fixture
def serve(somebody: Somebody) -> Iterator[Callable[[str], httpx.Client]]:
    """What serves the page of a ledger under a prefix, as a proxy's path and Airflow's mount make it."""
    servers: list[uvicorn.Server] = []
    threads: list[threading.Thread] = []
    clients: list[httpx.Client] = []

    def reader() -> Somebody:
        if not somebody.logged_in:
            raise HTTPException(401)
        return somebody

    def served(url: str) -> httpx.Client:
        airflow = FastAPI(root_path="/prefix", openapi_url=None)
        app = page_app(lambda: url, lambda: "default", reader)
        airflow.router.lifespan_context = lambda _: app.router.lifespan_context(app)
        airflow.mount("/ninebits/calls", app)
        server = uvicorn.Server(uvicorn.Config(airflow, port=0, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        servers.append(server)
        threads.append(thread)
        clients.append(httpx.Client(base_url=f"http://127.0.0.1:{port}/prefix/ninebits/calls", trust_env=False))
        return clients[-1]

    yield served
    for client in clients:
        client.close()
    for server, thread in zip(servers, threads, strict=True):
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def page(serve: Callable[[str], httpx.Client], database_url: str, messages: list[str]) -> httpx.Client:
    """The page of a ledger that holds some messages."""
    return serve(database_url)
