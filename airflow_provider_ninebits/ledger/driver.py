"""
Statements that go to the database's driver as they are.

What is asked for each group of callbacks, or for each request, is small, and SQLAlchemy's execution of a statement
takes longer than the database's own. So these are compiled once for each kind of database; their values and rows are
translated here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

from airflow_provider_ninebits.ledger.arrays import array
from airflow_provider_ninebits.ledger.lists import TextList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


class Query:
    """
    A statement that is compiled once, for each kind of database.

    :param statement: without parts that are written anew for each execution, such as ``IN`` with a list.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement

    def rows(self, connection: Connection, **given: Any) -> list[tuple[Any, ...]]:
        """Return its rows, as the driver gives them: moments and amounts are read by :mod:`.columns`."""
        found: list[tuple[Any, ...]] = self._run(connection, given).fetchall()
        return found

    def change(self, connection: Connection, **given: Any) -> int:
        """Return how many rows it has changed."""
        changed: int = self._run(connection, given).rowcount
        return changed

    def _run(self, connection: Connection, given: dict[str, Any]) -> Any:
        sql, names, processors, fixed = _compiled(self._statement, connection.dialect.name)
        values = fixed | {
            name: value if (process := processors.get(name)) is None else process(value)
            for name, value in given.items()
        }
        return run(connection, sql, values if names is None else [values[name] for name in names])


@cache
def _compiled(
    statement: Executable, database: str
) -> tuple[str, list[str] | None, dict[str, Callable[[Any], Any]], dict[str, Any]]:
    """Return the text, the names of its values in order (None: the driver takes names), and how values are bound."""
    # One of its own: each engine has another, and they would all be kept here.
    kind: Any = psycopg.dialect if database == "postgresql" else sqlite.dialect
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
