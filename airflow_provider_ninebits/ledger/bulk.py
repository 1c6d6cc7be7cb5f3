"""
Many rows in one statement.

SQLite's driver runs a statement for each row faster than anything else would be. On PostgreSQL each of them would be a
message to the server, so there a column's values go as one array, and several tables are written by one statement.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import String
from sqlalchemy.dialects import postgresql

from airflow_provider_ninebits.ledger import event_queue, notices, schema
from airflow_provider_ninebits.ledger.arrays import array
from airflow_provider_ninebits.ledger.columns import Amount, UtcDateTime, amount_units, moment_text
from airflow_provider_ninebits.ledger.driver import COMMIT, BoundStatement, ask, run_for_each

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
_SQLITE_VALUES: dict[type, Callable[[Any], Any]] = {UtcDateTime: moment_text, Amount: amount_units}


class Change(NamedTuple):
    """
    What is to be written in many rows of one table.

    :param rows: all with the same columns.
    :param key: the column that says which row is updated; None: they are inserted.
    :param adding: columns whose value is added to what is there.
    """

    table: Table
    rows: Sequence[Mapping[str, Any]]
    key: str | None = None
    adding: tuple[str, ...] = ()


def write(
    connection: Connection, *changes: Change, asking: Sequence[BoundStatement] = (), last: bool = False
) -> list[list[tuple[Any, ...]]]:
    """
    Write some changes, no two of them to one row; on PostgreSQL in one statement.

    That has no order: who updates rows that others update too holds their locks already. Where recipients reach
    another state, events of it are queued for whoever has subscribed.

    :param asking: what is executed after it; PostgreSQL is told all at once.
    :param last: whether the transaction ends with that, so that PostgreSQL can be told this as well.
    :return: the rows of each of ``asking``.
    """
    changes = tuple(change for change in changes if change.rows)
    if connection.dialect.name == "postgresql":
        written = [_written(connection, changes)] if changes else []
        answers = ask(connection, *written, *asking, *[COMMIT] * last)
        return answers[len(written) : len(written) + len(asking)]
    for table, rows, key, adding in changes:
        names = (*(name for name in rows[0] if name != key), *([key] if key else []))
        values = _sqlite_values(table, names, rows)
        if _reaches_states(table, key):
            event_queue.queue_for_each(connection, names, values)
        run_for_each(connection, _for_one(table, names, key, adding), values)
    return ask(connection, *asking)


def _written(connection: Connection, changes: Sequence[Change]) -> BoundStatement:
    changed = notices.taken(connection)
    counted = next((change.rows for change in changes if _is_all_by_callbacks(change, changed)), None)
    telling: tuple[str, ...] = ()
    if counted is not None:
        telling = (notices.CHANNEL, counted[0]["last_callback_at"].isoformat())
    elif changed:
        telling = (notices.CHANNEL, notices.payload_of(changed))
    shapes = tuple((each.table, tuple(each.rows[0]), each.key, each.adding) for each in changes)
    arrays = [array([row[name] for row in each.rows]) for each in changes for name in each.rows[0]]
    sql = _at_once(shapes, telling=bool(telling), counted=counted is not None)
    return BoundStatement(sql, (*arrays, *telling))


def _is_all_by_callbacks(change: Change, changed: Collection[str]) -> bool:
    """Return whether a change is what callbacks change in messages, and these are all that are to be told of."""
    return (
        change.table is schema.message
        and "last_callback_at" in change.rows[0]
        and changed == {row["id"] for row in change.rows}
    )


@cache
def _for_one(table: Table, names: tuple[str, ...], key: str | None, adding: tuple[str, ...]) -> str:
    if key is None:
        return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 (names of the schema's)
    changes = ", ".join(f"{each} = {f'{each} + ' if each in adding else ''}?" for each in names if each != key)
    return f"UPDATE {table.name} SET {changes} WHERE {key} = ?"  # noqa: S608 (as above)


@cache
def _at_once(
    changes: tuple[tuple[Table, tuple[str, ...], str | None, tuple[str, ...]], ...], *, telling: bool, counted: bool
) -> str:
    parts = [_from_arrays(*change) for change in changes]
    events = []
    tell = notices.TELL
    for place, (table, _, key, _) in enumerate(changes):
        if _reaches_states(table, key):
            parts[place] += f" RETURNING {event_queue.RETURNED}"
            events.append(event_queue.of_changed(f"part_{place}"))
        if counted and table is schema.message:
            parts[place] += f" RETURNING {notices.RETURNED}"
            tell = notices.tell_of_changed(f"part_{place}")
    # One statement less than to tell of it by itself.
    *first, last = [*parts, *events, *[tell] * telling]
    before = ", ".join(f"part_{place} AS ({sql})" for place, sql in enumerate(first))
    return f"WITH {before} {last}" if before else last


def _reaches_states(table: Table, key: str | None) -> bool:
    """Return whether a change is one of recipients, which may reach other states by it."""
    return table is schema.recipient and key is not None


def _from_arrays(table: Table, names: tuple[str, ...], key: str | None, adding: tuple[str, ...]) -> str:
    # As one function of them all in FROM, PostgreSQL would write each array's rows into a store of their own first.
    arrays = ", ".join(f"unnest(%s::{_kind(table, name)}[]) AS {name}" for name in names)
    given = f"(SELECT {arrays}) AS given"
    if key is None:
        return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(names)} FROM {given}"  # noqa: S608 (as above)
    changes = ", ".join(
        f"{name} = {f'{table.name}.{name} + ' if name in adding else ''}given.{name}" for name in names if name != key
    )
    return f"UPDATE {table.name} SET {changes} FROM {given} WHERE {table.name}.{key} = given.{key}"  # noqa: S608 (as above)


def _kind(table: Table, name: str) -> str:
    kind = table.c[name].type
    # A cast to a length would cut off what is longer, where it has to be refused.
    return "TEXT" if isinstance(kind, String) else kind.compile(_POSTGRESQL)


def _sqlite_values(table: Table, names: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    columns = []
    for name, translate in _translated(table, names):
        column = [row[name] for row in rows]
        if translate is not None:
            column = [None if value is None else translate(value) for value in column]
        columns.append(column)
    return list(zip(*columns, strict=True))


@cache
def _translated(table: Table, names: tuple[str, ...]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Return how SQLite is given each column's values; None: as they are."""
    return [(name, _SQLITE_VALUES.get(type(table.c[name].type))) for name in names]
