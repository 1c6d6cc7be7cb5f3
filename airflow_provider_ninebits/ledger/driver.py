"""
Statements that go to the database's driver as they are.

What is asked for each group of callbacks, or for each request, is small, and SQLAlchemy's execution of a statement
takes longer than the database's own. So these are compiled once for each kind of database; their values and rows are
translated here.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from airflow_provider_ninebits.ledger.arrays import array
from airflow_provider_ninebits.ledger.list_parameters import TextList
from airflow_provider_ninebits.ledger.pipeline import ask_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Executable
    from sqlalchemy.engine import Connection

_CURSOR = "ninebits_cursor"


def run(connection: Connection, sql: str, values: Any = ()) -> Any:
    """
    Execute a statement, and return the driver's cursor.

    :param sql: in the driver's own style.
    :raises Exception: the driver's error, which :class:`~.database.Database` translates.
    """
    cursor = cursor_of(connection)
    cursor.execute(sql, values)
    return cursor


def run_for_each(connection: Connection, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Execute a statement for each row of values, where the driver does that without asking a server each time."""
    cursor_of(connection).executemany(sql, rows)


def cursor_of(connection: Connection) -> Any:
    """Return a cursor of the driver's, whose rows are read before the next is asked for."""
    if connection.dialect.name == "sqlite":
        # With another one's rows unread, a transaction would not end there.
        return connection.connection.cursor()
    cursor = connection.info.get(_CURSOR)
    if cursor is None:
        cursor = connection.info[_CURSOR] = connection.connection.cursor()
    return cursor


class BoundStatement(NamedTuple):
    """
    A statement that is about to be executed.

    :param sql: in the driver's own style, its values in their order.
    """

    sql: str
    values: Sequence[Any]


COMMIT = BoundStatement("COMMIT", ())
"""For PostgreSQL: ends a transaction in the message in which its last statement is, where nothing follows that."""


def ask(connection: Connection, *asked: BoundStatement) -> list[list[tuple[Any, ...]]]:
    """Execute statements, in their order; return the rows of each. On PostgreSQL they are sent all at once."""
    if connection.dialect.name == "postgresql":
        return ask_at_once(connection, asked)
    return [run(connection, sql, values).fetchall() for sql, values in asked]


class Query:
    """
    A statement that is compiled once, for each kind of database.

    :param statement: without parts that are written anew for each execution, such as ``IN`` with a list.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement

    def rows(self, connection: Connection, **given: Any) -> list[tuple[Any, ...]]:
        """Return its rows, as the driver gives them: moments and amounts are read by :mod:`.columns`."""
        (found,) = ask(connection, self.asked(connection, **given))
        return found

    def change(self, connection: Connection, **given: Any) -> int:
        """Return how many rows it has changed."""
        changed: int = run(connection, *self.asked(connection, **given)).rowcount
        return changed

    def asked(self, connection: Connection, **given: Any) -> BoundStatement:
        """Return it with its values, for :func:`ask`."""
        sql, names, processors, fixed = _compiled(self._statement, connection.dialect.name)
        values = fixed | {
            name: value if (process := processors.get(name)) is None else process(value)
            for name, value in given.items()
        }
        return BoundStatement(sql, [values[name] for name in names])


@cache
def _compiled(
    statement: Executable, database: str
) -> tuple[str, list[str], dict[str, Callable[[Any], Any]], dict[str, Any]]:
    """Return the text, the names of its values in order, and how values are bound."""
    # One of its own: each engine has another, and they would all be kept here.
    kind: Any = partial(psycopg.dialect, paramstyle="format") if database == "postgresql" else sqlite.dialect
    dialect = kind()
    compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    processors = {
        name: process for bind, name in compiled.bind_names.items() if (process := _processor(bind.type, dialect))
    }
    fixed = {
        name: processors[name](value) if name in processors else value
        for name, value in compiled.params.items()
        if value is not None
    }
    return str(compiled), compiled.positiontup, processors, fixed


def _processor(kind: Any, dialect: Any) -> Callable[[Any], Any] | None:
    if isinstance(kind, TextList) and dialect.name == "postgresql":
        return array
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found
