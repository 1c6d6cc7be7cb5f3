"""
Many rows in one statement.

SQLite's driver runs a statement for each row faster than anything else would be. On PostgreSQL each of them would be a
message to the server, so there the rows go as one array for each column.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, text, update
from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.elements import TextClause

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """
    Insert rows.

    :param rows: all with the same columns.
    """
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    names = tuple(rows[0])
    connection.execute(_insert_from_arrays(table, names), _arrays(table, names, rows))


def update_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, key: str = "id") -> None:
    """
    Update rows by their key.

    :param rows: each with the key and all the columns that are to change, the same ones in each.
    """
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name != "postgresql":
        # Not under its own name, which stands for the column that is set.
        connection.execute(_update_one(table, names, key), [{**row, f"the_{key}": row[key]} for row in rows])
        return
    connection.execute(_update_from_arrays(table, names, key), _arrays(table, names, rows))


@cache
def _insert_from_arrays(table: Table, names: tuple[str, ...]) -> TextClause:
    columns = ", ".join(names)
    return text(
        f"INSERT INTO {table.name} ({columns}) "  # noqa: S608 (names of the schema's, values are bound)
        f"SELECT {columns} FROM {_given(table, names)}"
    )


@cache
def _update_from_arrays(table: Table, names: tuple[str, ...], key: str) -> TextClause:
    changes = ", ".join(f"{name} = given.{name}" for name in names if name != key)
    return text(
        f"UPDATE {table.name} SET {changes} "  # noqa: S608 (names of the schema's, values are bound)
        f"FROM {_given(table, names)} WHERE {table.name}.{key} = given.{key}"
    )


@cache
def _update_one(table: Table, names: tuple[str, ...], key: str) -> Any:
    changes: dict[str, Any] = {name: bindparam(name) for name in names if name != key}
    return update(table).where(table.c[key] == bindparam(f"the_{key}")).values(changes)


def _given(table: Table, names: tuple[str, ...]) -> str:
    arrays = ", ".join(f"CAST(:{name} AS {table.c[name].type.compile(_POSTGRESQL)}[])" for name in names)
    return f"unnest({arrays}) AS given({', '.join(names)})"


def _arrays(table: Table, names: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    found = {}
    for name, process in zip(names, _processors(table, names), strict=True):
        values = [row[name] for row in rows]
        found[name] = values if process is None else [None if each is None else process(each) for each in values]
    return found


@cache
def _processors(table: Table, names: tuple[str, ...]) -> tuple[Callable[[Any], Any] | None, ...]:
    return tuple(table.c[name].type.dialect_impl(_POSTGRESQL).bind_processor(_POSTGRESQL) for name in names)
