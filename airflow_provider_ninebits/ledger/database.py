"""
Connections, write transactions, the ledger's clock and its locks.

SQLite has one writer: a write transaction takes the write lock when it begins (``BEGIN IMMEDIATE``), so what it reads
stays true until it commits. PostgreSQL runs under READ COMMITTED: whoever matches takes the locks of
:func:`lock_numbers` first.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from airflow_provider_ninebits.ledger import notices
from airflow_provider_ninebits.ledger.arrays import array
from airflow_provider_ninebits.ledger.driver import BoundStatement, ask, run
from airflow_provider_ninebits.ledger.engines import (
    LOCK_TIMEOUT_SECONDS,
    checked_folder,
    checked_url,
    masked,
    new_engine,
)
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable
from airflow_provider_ninebits.ledger.migrate import current_version, upgrade_if_needed
from airflow_provider_ninebits.ledger.outages import is_of_driver, ledger_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection, Engine

LOCKS = 256
"""How many locks the numbers share."""
_EVERY_LOCK = array(range(LOCKS))
_LOCK_CLASS = 0x39B175  # "9bits": keeps our advisory locks apart from other applications' in the same database

# What is matched under locks is some rows of large tables, found by their keys; a server that has not analyzed them yet
# takes them for small ones, and reads or joins them as a whole. With that ruled out a plan is good for every use, and
# to make it anew for each took half of the statements' time.
BY_KEYS = BoundStatement(
    """
    SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
           set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
    """,
    (),
)
"""What makes the rest of a transaction of PostgreSQL's do so."""
# Only a sorted subquery has an order that PostgreSQL keeps to; and it is not merged into the outer query. The clock is
# read after the aggregate, so when the last lock is had.
_LOCK = """
    WITH had AS MATERIALIZED (
        SELECT count(pg_advisory_xact_lock(%s, bucket)) AS locks
        FROM (SELECT bucket FROM unnest(%s::integer[]) AS bucket ORDER BY bucket) AS ordered
    )
    SELECT clock_timestamp() FROM had WHERE locks >= 0
"""
_SHARE = _LOCK.replace("pg_advisory_xact_lock", "pg_advisory_xact_lock_shared")


class Database:
    """
    The database that holds a ledger. Nothing is opened before the first use, which also brings the schema up to date.

    :param url: a SQLAlchemy URL, SQLite or PostgreSQL.
    :param pool_timeout_seconds: how long a thread waits for a connection while others use them all; None: as long as
        for a new one.
    :raises LedgerUnusable: for a URL that is no such one.
    """

    def __init__(self, url: str, pool_timeout_seconds: float | None = None) -> None:
        self.url = checked_url(url)
        self._path = str(self.url.database)
        self._pool_timeout_seconds = pool_timeout_seconds
        self._engine: Engine | None = None
        self._file: tuple[int, int] | None = None
        # Threads share it (a receiver's writer and its heartbeat), and an engine too many would never be disposed of.
        self._opening = threading.Lock()
        self._turn = threading.Lock()

    @property
    def masked_url(self) -> str:
        """The URL without its password."""
        return masked(self.url)

    @property
    def is_sqlite(self) -> bool:
        """Whether the ledger is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """
        Give a connection for reading.

        :raises LedgerUnreachable: when the database cannot be reached, or does not answer.
        :raises LedgerUnusable: when its schema is newer than this code.
        """
        with self._translated(), self._connected() as connection, _given_up(connection):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """
        Give a connection in a write transaction, committed at the end, rolled back by an exception.

        :raises LedgerUnreachable: when the database cannot be reached, or cannot take the write; nothing was written
            then, unless the connection was lost during the commit.
        """
        with self.reading() as connection, self.writing_on(connection):
            yield connection

    @contextmanager
    def writing_on(self, connection: Connection) -> Iterator[None]:
        """
        Put a write transaction, as :meth:`writing` makes it, around what a connection does that is open already.

        For who keeps one connection over several transactions: temporary tables live in one.
        """
        with self._translated(), self._one_writer():
            if not connection.in_transaction():
                # What goes past SQLAlchemy (`driver`) begins none, and without one there is nothing to commit.
                connection.begin()
            try:
                with _given_up(connection):
                    if self.is_sqlite:
                        run(connection, "BEGIN IMMEDIATE")
                    yield
                    notices.tell(connection)
            except BaseException:
                notices.forget(connection)
                connection.rollback()
                raise
            connection.commit()

    def is_at(self, connection: Connection) -> bool:
        """Return whether a connection leads to where the ledger is now: a SQLite file may be another one since."""
        return connection.engine is self._ready_engine()

    def version(self) -> str | None:
        """
        Return the schema's version as it is; nothing is brought up to date, or made. None: there is no schema yet.

        :raises LedgerUnreachable: when the database cannot be reached, or does not answer.
        :raises LedgerUnusable: where not even the folder of a SQLite file is there.
        """
        if self.is_sqlite:
            checked_folder(self.url)
            if not self.has_file():
                return None
        engine = new_engine(self.url, self._pool_timeout_seconds)
        try:
            with self._translated(), engine.connect() as connection:
                return current_version(connection)
        finally:
            engine.dispose()

    def write_back(self) -> None:
        """
        Have SQLite write what is in its log into its file, which else who commits does when there is much of it.

        Whoever writes meanwhile goes on. It can wait, so what keeps it from being done is no error here.
        """
        if self.is_sqlite and self._engine is not None:
            with suppress(LedgerUnreachable, LedgerUnusable), self.reading() as connection:
                run(connection, "PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def has_file(self) -> bool:
        """Return whether the file of a SQLite ledger is there."""
        return self._current_file() is not None

    def close(self) -> None:
        """Close the pooled connections. The next use opens new ones."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        engine = self._ready_engine()
        pool = engine.pool
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            if engine.pool is not pool:
                # Closed by another thread meanwhile: what has just come back would stay open.
                pool.dispose()

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Let the threads of this process write to SQLite in turn: who waits for it asks again after longer naps."""
        had = self.is_sqlite and self._turn.acquire(timeout=LOCK_TIMEOUT_SECONDS)
        try:
            yield
        finally:
            if had:
                self._turn.release()

    def _ready_engine(self) -> Engine:
        with self._opening:
            if self._engine is not None and self._file != self._current_file():
                # The file was taken away or replaced: SQLite would go on writing into one that nobody finds again.
                self._engine.dispose()
                self._engine = None
            if self._engine is None:
                engine = new_engine(self.url, self._pool_timeout_seconds)
                try:
                    upgrade_if_needed(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
                self._file = self._current_file()
            return self._engine

    def _current_file(self) -> tuple[int, int] | None:
        if not self.is_sqlite:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, sqlite3.IntegrityError):
            # Not an outage: two processes did the same at once, and who asked knows what that means.
            raise
        except (DBAPIError, PoolTimeout, sqlite3.Error) as error:
            raise ledger_error(error, self.masked_url) from error
        except Exception as error:
            if is_of_driver(error):
                raise ledger_error(error, self.masked_url) from error
            raise


@contextmanager
def _given_up(connection: Connection) -> Iterator[None]:
    """
    Give a connection up after what goes past SQLAlchemy (`driver`) has failed, as SQLAlchemy does for its own.

    It may be lost. Or it is in the middle of a statement, interrupted by a time-out of Airflow's, say, which is no
    ``Exception``: then it takes no rollback, whose error would hide the time-out.
    """
    try:
        yield
    except BaseException as error:
        if is_of_driver(error) or not isinstance(error, (Exception, GeneratorExit)):
            connection.invalidate(error)
        raise


def ledger_now(connection: Connection) -> datetime:
    """Return the time on the ledger's clock, which all its users share."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    moment: datetime = run(connection, "SELECT clock_timestamp()").fetchone()[0]
    return moment.astimezone(UTC)


def lock_numbers(connection: Connection, names: Iterable[str] | None, *, shared: bool = False) -> datetime:
    """
    Make this transaction the only one that matches callbacks of these numbers (or ref_ids) until it ends.

    A lock for each of a thousand recipients would fill PostgreSQL's lock table, so they share a fixed set of buckets,
    taken in a fixed order, so that two transactions never wait for each other. SQLite's single writer needs none.

    :param names: the numbers; None: all there are, for an API answer, which may be about a thousand of them.
    :param shared: others who match nothing either may share them.
    :return: the time on the ledger's clock when they were all had.
    """
    if connection.dialect.name == "sqlite":
        return ledger_now(connection)
    *_, [(moment,)] = ask(connection, *locks_of(names, shared=shared))
    had_at: datetime = moment
    return had_at.astimezone(UTC)


def locks_of(names: Iterable[str] | None, *, shared: bool = False) -> tuple[BoundStatement, ...]:
    """Return what :func:`lock_numbers` asks of PostgreSQL; the last answer is the time."""
    buckets = _EVERY_LOCK
    if names is not None:
        buckets = array({zlib.crc32(name.encode()) % LOCKS for name in names})
    return (BY_KEYS, BoundStatement(_SHARE if shared else _LOCK, (_LOCK_CLASS, buckets)))
