"""
The raw limit of group commit: ``python -m benchmarks.tools.bare LEDGER_URL --port 9011``.

The same server, driver and durability as the receiver, and nothing else: it looks into no body, knows no password,
matches nobody. One thread inserts what came in while it committed the last group, in one statement, and commits. It is
an app of Starlette's, as one writes them; with ``--asgi`` one without any framework.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import uvicorn
from sqlalchemy.engine import make_url
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

_ANSWER = [
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]},
    {"type": "http.response.body", "body": b"{}"},
]


class Bare:
    """The app."""

    def __init__(self, commit: Callable[[list[bytes]], None]) -> None:
        self._commit = commit
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._wanted = threading.Condition()

    async def by_starlette(self, request: Request) -> Response:
        """Answer when the body is on disk."""
        await self._on_disk(await request.body())
        return JSONResponse({})

    async def by_asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer when the body is on disk."""
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await self._on_disk(body)
        for message in _ANSWER:
            await send(message)

    async def _on_disk(self, body: bytes) -> None:
        done = asyncio.get_running_loop().create_future()
        with self._wanted:
            self._waiting.append((body, done))
            self._wanted.notify()
        await done

    def begun_with(self, app: Any) -> Any:
        """Return the app, whose first request starts the thread: the loop is the server's to make."""

        async def first(scope: Any, receive: Any, send: Any) -> None:
            nonlocal started
            if not started:
                started = True
                threading.Thread(target=self.work, args=(asyncio.get_running_loop(),), daemon=True).start()
            await app(scope, receive, send)

        started = False
        return first

    def work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit, group by group."""
        while True:
            with self._wanted:
                while not self._waiting:
                    self._wanted.wait()
                group, self._waiting = self._waiting, []
            self._commit([body for body, _ in group])
            loop.call_soon_threadsafe(_tell, [done for _, done in group])


def _tell(answered: list[asyncio.Future[None]]) -> None:
    for done in answered:
        if not done.done():
            done.set_result(None)


def _sqlite(file: str) -> Callable[[list[bytes]], None]:
    connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    # As the receiver's.
    connection.execute("PRAGMA wal_autocheckpoint=20000")
    connection.execute("CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, raw BLOB NOT NULL)")

    def commit(bodies: list[bytes]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO bare (raw) VALUES (?)", [(body,) for body in bodies])
        connection.execute("COMMIT")

    return commit


def _postgresql(url: str) -> Callable[[list[bytes]], None]:
    connection = psycopg.connect(url)
    connection.execute("CREATE TABLE IF NOT EXISTS bare (id BIGSERIAL PRIMARY KEY, raw BYTEA NOT NULL)")
    connection.commit()

    def commit(bodies: list[bytes]) -> None:
        connection.execute("INSERT INTO bare (raw) SELECT unnest(%s::bytea[])", [bodies])
        connection.commit()

    return commit


def serve(url: str, port: int, *, asgi: bool) -> None:
    """Serve until the process is ended."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        commit = _sqlite(str(parsed.database))
    else:
        commit = _postgresql(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
    bare = Bare(commit)
    app = bare.by_asgi if asgi else Starlette(routes=[Route("/", bare.by_starlette, methods=["POST"])])
    uvicorn.Server(
        uvicorn.Config(
            bare.begun_with(app),
            port=port,
            http="httptools",
            interface="asgi3",
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_level="warning",
        )
    ).run()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("url")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--asgi", action="store_true")
    given = options.parse_args()
    # As the receiver does.
    sys.setswitchinterval(0.00005)
    serve(given.url, given.port, asgi=given.asgi)
