"""The threads that read the ledger for the page, and the ledger that they read."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from airflow_provider_ninebits.ledger.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

THREADS = 4
WAITING = 32
"""How many readers wait for a thread at most: more are told to come back."""
STATEMENT_SECONDS = 10
"""How long PostgreSQL works on one question of the page."""


class Busy(Exception):
    """So many read already that another one would wait for long."""


class Desk:
    """
    What blocks is done here, in threads of its own: those of the API server are there for Airflow's pages.

    :param ledger_url: gives the ledger's URL, when it is asked for first.
    :param deployment: gives what this Airflow is called in the ledger, likewise.
    """

    def __init__(self, ledger_url: Callable[[], str], deployment: Callable[[], str]) -> None:
        self._ledger_url = ledger_url
        self._named = deployment
        self._deployment: str | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ninebits-page")
        self._opening = threading.Lock()
        self._database: Database | None = None
        self._asked = 0

    async def run(self, work: Callable[..., Any], *given: Any) -> Any:
        """
        Do something in a thread.

        :raises Busy: when too many wait already.
        """
        if self._asked >= THREADS + WAITING:
            raise Busy
        self._asked += 1
        # Counted until it has ended: a reader who leaves does not end it.
        done = asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        done.add_done_callback(self._ended)
        return await asyncio.shield(done)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """
        Give a connection for reading, which no question holds for long.

        :raises LedgerUnreachable: when the ledger cannot be reached, or does not answer.
        :raises LedgerUnusable: when somebody has to mend it first.
        """
        with self._opening:
            if self._database is None:
                self._database = Database(self._ledger_url())
        with self._database.reading() as connection:
            if connection.dialect.name == "postgresql":
                limit = text("SELECT set_config('statement_timeout', :limit, true)")
                connection.execute(limit, {"limit": f"{STATEMENT_SECONDS}s"})
            yield connection

    def deployment(self) -> str:
        """Return what this Airflow is called in the ledger: what others have asked for is theirs to show."""
        with self._opening:
            if self._deployment is None:
                self._deployment = self._named()
            return self._deployment

    def close(self) -> None:
        """Let the threads and the ledger's connections go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._database is not None:
            self._database.close()

    def _ended(self, done: asyncio.Future[Any]) -> None:
        self._asked -= 1
        if not done.cancelled():
            # Somebody who left asks for it no more; else asyncio would complain of it.
            done.exception()
