"""
A connection that is kept from one write transaction to the next, by the one thread that uses it.

To take one out of the pool and give it back took longer than some of the statements of a group of callbacks.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

IDLE_SECONDS = 0.1
"""How long who keeps one may do nothing with it: after that it belongs into the pool, which looks whether it lives."""


class KeptConnection:
    """Gives write transactions, as ``Database.writing`` does, over one connection while all goes well."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._taken = ExitStack()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """
        Give the connection in a write transaction. After any error it is given back.

        :raises LedgerUnreachable: as ``Database.writing``.
        """
        try:
            connection = self._kept()
            with self._database.writing_on(connection):
                yield connection
        except BaseException:
            self.give_back()
            raise

    def give_back(self) -> None:
        """Let the pool have it until the next use."""
        self._connection = None
        self._taken.close()

    def _kept(self) -> Connection:
        if self._connection is not None and not self._database.is_at(self._connection):
            self.give_back()
        if self._connection is None:
            self._connection = self._taken.enter_context(self._database.reading())
        return self._connection
