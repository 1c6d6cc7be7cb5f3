"""The receiver in the API server's process: what it waits for keeps nobody else waiting there."""

from __future__ import annotations

import base64
import http.client
import json
import select
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import create_engine

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.plugin import NineBitsPlugin
from tests.integration.ledger.scenes import ADA, rows
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.serving import served_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.ledger.database import Database

CALL = {"to_number": ADA, "start_at": "2023-10-24 22:54:06"}


@pytest.fixture
def api_server_url(database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An app with a route of its own, all in one event loop, that mounts what the plugin has, as Airflow does."""
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", database_url)
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD", "secret")
    (mount,) = [app for app in NineBitsPlugin().fastapi_apps if app["url_prefix"] == "/ninebits"]
    server = FastAPI(lifespan=lambda _: mount["app"].router.lifespan_context(mount["app"]))
    server.add_api_route("/others", _others)
    server.mount(mount["url_prefix"], mount["app"])
    with served_app(uvicorn.Server(uvicorn.Config(server, log_config=None))) as url:
        yield url


async def _others() -> dict[str, str]:
    return {"answered": "by the same loop"}


def test_while_a_callback_waits_for_the_ledger_others_are_answered(
    api_server_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It waits as long as the ledger is held: what is told is who is answered first, and no time.
    monkeypatch.setattr("airflow_provider_ninebits.webhook.endpoint.COMMIT_SECONDS", 600.0)
    with (
        httpx.Client(base_url=api_server_url, auth=CREDENTIALS, trust_env=False, timeout=60) as client,
        callback_under_way(api_server_url, database) as answered,
    ):
        # Answered more than once, they were asked after the callback had come.
        for _ in range(20):
            assert client.get("/others").json() == {"answered": "by the same loop"}
        # Counted for the ledger, and written there later.
        assert client.post("/ninebits/callback", json=CALL, auth=("ninebits", "wrong")).status_code == 401
        assert not answered()
    # The ledger was let go.
    assert kept(database) == [ADA]


@contextmanager
def callback_under_way(url: str, database: Database) -> Iterator[Callable[[], bool]]:
    """Hold the ledger, deliver a callback, and give what tells whether it was answered; it is, in the end."""
    at = urlsplit(url)
    credentials = base64.b64encode(":".join(CREDENTIALS).encode()).decode()
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)
    with closing(connection):
        with held(database):
            headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
            connection.request("POST", "/ninebits/callback", json.dumps(CALL), headers)
            yield lambda: bool(select.select([connection.sock], [], [], 0)[0])
        assert connection.getresponse().status == 200


def kept(database: Database) -> list[str]:
    return [row["number"] for row in rows(database, schema.callback)]


@contextmanager
def held(database: Database) -> Iterator[None]:
    """Keep everybody else from writing a callback."""
    engine = create_engine(database.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as holder:
        if database.url.get_backend_name() == "sqlite":
            holder.exec_driver_sql("BEGIN EXCLUSIVE")
        else:
            holder.exec_driver_sql("BEGIN")
            holder.exec_driver_sql("LOCK TABLE ninebits_callback IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            holder.exec_driver_sql("ROLLBACK")
    engine.dispose()
