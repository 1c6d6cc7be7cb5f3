"""
The page "Voice calls" on a ledger of 1,000,000 calls, on both databases: how long each of its pages takes, over HTTP.

The calls are those of `growth`: a million people who are rung again and again over 300 days, in messages of 1000; and
once more with a message for each of them. They go over four connections in turn; one reader may read all of them,
another one of them. Beside them stand 2000 callbacks without a recipient. Airflow's own look-up of who asks is not in
it.
``NINEBITS_PAGE_RECIPIENTS`` is another size than a million.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.page.app import page_app
from benchmarks.tools import filling, filling_sqlite
from benchmarks.tools.ledgers import DATABASES, ledgers
from benchmarks.tools.results import Results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CALLS = int(os.environ.get("NINEBITS_PAGE_RECIPIENTS", "1000000"))
STRAYS = 2000
ROUNDS = 20
CONNECTIONS = 4
SHAPES = {
    "messages of 1000": filling.Shape(connections=CONNECTIONS),
    "messages of one": filling.Shape(part=1, messages=1, connections=CONNECTIONS),
}


class Admin:
    """Who may see everything."""

    def connections(self, conn_ids: Iterable[str], _: str) -> set[str]:
        """Return them all."""
        return set(conn_ids)

    def dags(self, dag_ids: Iterable[str]) -> set[str]:
        """Return them all."""
        return set(dag_ids)


class ReaderOfOne(Admin):
    """Who may see one of the connections."""

    def connections(self, conn_ids: Iterable[str], _: str) -> set[str]:
        """Return that one."""
        return {"ninebits_default"} & set(conn_ids)


READERS = {"reads all": Admin, "reads one": ReaderOfOne}


def measure() -> list[Results]:
    """Fill ledgers on each database, and look at each page of them."""
    return [_of_shape(name, shape, database) for name, shape in SHAPES.items() for database in DATABASES]


def _of_shape(name: str, shape: filling.Shape, database: str) -> Results:
    results = Results(
        f'"Voice calls" with {CALLS:,} calls in {name} over {CONNECTIONS} connections, {database}, milliseconds a page',
        ("page", *(f"{what}, {reader}" for reader in READERS for what in ("median", f"slowest of {ROUNDS}", "KiB"))),
    )
    looked = _of(database, shape)
    for page in looked[0]:
        cells: list[str] = []
        for took, size in (each[page] for each in looked):
            cells += [f"{median(took):.0f}", f"{max(took):.0f}", f"{size / 1024:.0f}"]
        results.add(page, *cells)
    return results


def _of(database: str, shape: filling.Shape) -> list[dict[str, tuple[list[float], int]]]:
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = stack.enter_context(ledgers(database, folder))("page")
        (filling.fill if database == "PostgreSQL" else filling_sqlite.fill)(url, CALLS, shape)
        _add_strays(url)
        looked = []
        for reader in READERS.values():
            with _served(url, reader) as page:
                looked.append({name: _look(page, path) for name, path in _paths(page, shape).items()})
        return looked


def _paths(page: httpx.Client, shape: filling.Shape) -> dict[str, str]:
    # One that both readers may see.
    middle, later = CALLS // shape.part // 2 // CONNECTIONS * CONNECTIONS, "/"
    for _ in range(10):
        later = _link(page.get(later).text, r'rel="next" href="([^"]*)"') or later
    message = _link(page.get("/").text, r'href="[^"]*(/messages/\w+)"') or ""
    oldest = f"{datetime.now(UTC) - timedelta(days=filling.DAYS):%Y-%m-%d}"
    return {
        "newest messages": "/",
        "ten pages further": f"/{later.removeprefix('/')}",
        "of a DAG": "/?dag_id=reminders",
        "of a task, which no index knows": "/?dag_id=reminders&task_id=ring",
        "with somebody pending: there is none": "/?state=pending",
        "of a number": f"/?number={filling.number_of(middle)}",
        "of a ref_id": f"/?ref_id={filling.ref_id_of(middle)}",
        "a message": message,
        "callbacks without a recipient": "/callbacks",
        "statistics of 30 days": "/statistics",
        "statistics of 300 days": f"/statistics?since={oldest}",
    }


def _look(page: httpx.Client, path: str) -> tuple[list[float], int]:
    took: list[float] = []
    size = 0
    # The first one connects, and compiles its statements.
    for turn in range(ROUNDS + 1):
        began = time.perf_counter()
        answer = page.get(path).raise_for_status()
        if turn:
            took.append((time.perf_counter() - began) * 1000)
        size = len(answer.content)
    return took, size


def _link(text: str, pattern: str) -> str | None:
    found = re.search(pattern, text)
    return None if found is None else unescape(found.group(1))


def _add_strays(url: str) -> None:
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = [
        {
            "received_at": now - timedelta(minutes=place),
            "kind": "call",
            "raw": b'{"to_number": "2349000000000"}',
            "identity": f"stray {place}",
            "number": "2349000000000",
            "match_state": "unmatched",
        }
        for place in range(STRAYS)
    ]
    with closing(Database(url)) as ledger, ledger.writing() as connection:
        write(connection, Change(schema.callback, rows))


@contextmanager
def _served(url: str, reader: type[Admin]) -> Iterator[httpx.Client]:
    server = uvicorn.Server(
        uvicorn.Config(page_app(lambda: url, lambda: "default", reader), port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(10)
