"""
What a request of 1000 numbers costs at least: ``http.client``, kept alive, between two durable commits.

The same rows as the ledger's, written by the driver itself: before the request the message is claimed and the request
noted, after it both have their answer. Nothing else is checked, read or locked.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
from sqlalchemy.engine import make_url

from benchmarks.tools.ledgers import PART

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLES = (
    "CREATE TABLE IF NOT EXISTS bare_message (id TEXT PRIMARY KEY, state TEXT NOT NULL, owner TEXT, expires_at TEXT)",
    "CREATE TABLE IF NOT EXISTS bare_recipient (message_id TEXT NOT NULL, number TEXT NOT NULL, state TEXT NOT NULL,"
    " UNIQUE (message_id, number))",
    "CREATE TABLE IF NOT EXISTS bare_request (id TEXT PRIMARY KEY, message_id TEXT NOT NULL, state TEXT NOT NULL,"
    " ref_id TEXT, status INTEGER)",
)


class BareSender:
    """One connection to the database, one to the server."""

    def __init__(self, ledger_url: str, server_url: str) -> None:
        self._database, self._mark, self._numbers = _opened(ledger_url)
        self._server = http.client.HTTPConnection(urlsplit(server_url).netloc)
        for table in _TABLES:
            self._execute(table)
        self._commit()

    def plan(self, message_id: str, numbers: Sequence[str]) -> float:
        """Record a message with its recipients, in two statements and one commit; return the seconds that it took."""
        began = time.perf_counter()
        self._begin()
        self._execute("INSERT INTO bare_message (id, state) VALUES (?, 'planned')", message_id)
        self._execute(
            f"INSERT INTO bare_recipient SELECT ?, listed.value, 'pending' FROM {self._numbers} AS listed",  # noqa: S608
            message_id,
            json.dumps(numbers),
        )
        self._commit()
        return time.perf_counter() - began

    def send(self, message_id: str, numbers: Sequence[str]) -> float:
        """Claim, send, record; return the seconds that it took."""
        began = time.perf_counter()
        self._begin()
        self._execute(
            "UPDATE bare_message SET state = 'sending', owner = ?, expires_at = ? WHERE id = ? AND state = 'planned'",
            *("bench", str(began), message_id),
        )
        self._execute("INSERT INTO bare_request (id, message_id, state) VALUES (?, ?, 'sending')", *[message_id] * 2)
        self._commit()
        status, ref_id = _post(self._server, numbers)
        self._begin()
        self._execute(
            "UPDATE bare_request SET state = 'accepted', ref_id = ?, status = ? WHERE id = ?",
            *(ref_id, status, message_id),
        )
        self._execute("UPDATE bare_message SET state = 'accepted' WHERE id = ?", message_id)
        self._commit()
        return time.perf_counter() - began

    def close(self) -> None:
        """Close both connections."""
        self._server.close()
        self._database.close()

    def _begin(self) -> None:
        if self._mark == "?":
            self._execute("BEGIN IMMEDIATE")

    def _execute(self, statement: str, *values: object) -> None:
        self._database.execute(statement.replace("?", self._mark), values)

    def _commit(self) -> None:
        if self._database.in_transaction if self._mark == "?" else True:
            self._database.commit()


def posted(server_url: str, parts: int, parallel: int) -> float:
    """Post so many parts in so many threads, each over a connection of its own, and record nothing; return seconds."""
    numbers = [str(2348020000000 + place) for place in range(PART)]

    def lane(times: int) -> None:
        with closing(http.client.HTTPConnection(urlsplit(server_url).netloc)) as server:
            for _ in range(times):
                _post(server, numbers)

    with ThreadPoolExecutor(parallel) as lanes:
        began = time.perf_counter()
        list(lanes.map(lane, [parts // parallel] * parallel))
        return time.perf_counter() - began


def _post(server: http.client.HTTPConnection, numbers: Sequence[str]) -> tuple[int, str]:
    body = json.dumps({"to": list(numbers), "media_url": "https://media.test/reminder.mp3"})
    server.request("POST", "/v1/sendvoice", body, {"Authorization": "Bearer bench"})
    response = server.getresponse()
    return response.status, json.loads(response.read())["ref_id"]


def _opened(ledger_url: str) -> tuple[Any, str, str]:
    url = make_url(ledger_url)
    if url.get_backend_name() == "sqlite":
        file = sqlite3.connect(str(url.database), isolation_level=None)
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=FULL")
        return file, "?", "json_each(?)"
    server = psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    return server, "%s", "jsonb_array_elements_text(CAST(? AS jsonb))"
