"""
Looks of many waits at once: as many statements as one takes.

A look is numbers alone; :mod:`~airflow_provider_ninebits.ledger.outcomes` has what became of each recipient.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, func, select, text

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.counts import MessageCounts, look_of
from airflow_provider_ninebits.ledger.list_parameters import among
from airflow_provider_ninebits.ledger.receipts import LEDGER_REF_PREFIX, purged_refs
from airflow_provider_ninebits.ledger.states import RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Select
    from sqlalchemy.engine import Connection, Row

    from airflow_provider_ninebits.ledger.counts import Asked, Look
    from airflow_provider_ninebits.ledger.database import Database

_COMPARED_TOGETHER = 10_000

_message, _request, _recipient = schema.message.c, schema.request.c, schema.recipient.c
_COUNTS = (
    *(_message.id, _message.revision, _message.last_callback_at),
    *(_message.recipients, _message.answered, _message.unanswered, _message.failed),
)
# Brought along with the rows, since to ask for it would be every second statement of a busy watcher.
_CLOCK = func.clock_timestamp(type_=DateTime(timezone=True)).label("now")


def _with_clock(statement: Select[Any]) -> dict[str, Select[Any]]:
    # All who use a SQLite file share the machine's clock.
    return {"postgresql": statement.add_columns(_CLOCK), "sqlite": statement}


# Sorted below: told to sort, SQLite would read all requests in their order rather than look for these.
_BY_REF_ID = _with_clock(
    select(_request.ref_id, _request.id.label("request_id"), *_COUNTS)
    .join(schema.message, _message.id == _request.message_id)
    .where(among(_request.ref_id, "ref_ids"), _request.state != RequestState.REFUSED)
)
_BY_ID = _with_clock(select(*_COUNTS).where(among(_message.id, "message_ids")))
_LAST_CALLBACKS = (
    select(_recipient.message_id, func.max(_recipient.last_callback_at).label("last"))
    .where(among(_recipient.message_id, "message_ids"), _recipient.state == RecipientState.UNANSWERED)
    .group_by(_recipient.message_id)
)
# What a watcher knows goes as one text and is compared there, so that only what differs comes back.
_DIFFERENT = {
    "postgresql": text(
        "SELECT known.key AS id, message.revision FROM json_each_text(CAST(:known AS json)) AS known"
        " LEFT JOIN ninebits_message AS message ON message.id = known.key"
        " WHERE message.revision IS DISTINCT FROM CAST(known.value AS integer)"
    ),
    "sqlite": text(
        "SELECT known.key AS id, message.revision FROM json_each(:known) AS known"
        " LEFT JOIN ninebits_message AS message ON message.id = known.key"
        " WHERE message.revision IS NOT known.value"
    ),
}


def look_for(database: Database, asked: Sequence[Asked]) -> list[Look]:
    """
    Return how far the messages are that each wait asks for, in the waits' order.

    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        return looks(connection, asked)


def differing(database: Database, known: Mapping[str, int]) -> dict[str, int | None]:
    """
    Return which messages have another revision than the one that is known, and which one; None: they are gone.

    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    pairs = list(known.items())
    found: dict[str, int | None] = {}
    if not pairs:
        return found
    with database.reading() as connection:
        statement = _DIFFERENT[connection.dialect.name]
        for start in range(0, len(pairs), _COMPARED_TOGETHER):
            some = dict(pairs[start : start + _COMPARED_TOGETHER])
            found.update((row.id, row.revision) for row in connection.execute(statement, {"known": json.dumps(some)}))
    return found


def looks(connection: Connection, asked: Sequence[Asked]) -> list[Look]:
    """Do as :func:`look_for` does, over an open connection."""
    messages = _messages_of(connection, {ref_id for each in asked for ref_id in each.ref_ids})
    unknown = {ref_id for each in asked for ref_id in each.ref_ids if not messages.get(ref_id)}
    purged = purged_refs(connection, _storable(unknown)) if unknown else set()
    found = [_found(each, messages) for each in asked]
    open_windows = {
        row.id
        for each, rows in zip(asked, found, strict=True)
        if each.attempt_window > timedelta()
        for row in rows
        if row.unanswered
    }
    last = _last_callbacks(connection, open_windows)
    now = _clock(connection, messages)
    return [
        look_of(each, [_counts(row) for row in rows], now, last_calls=last, unknown=unknown, purged=purged)
        for each, rows in zip(asked, found, strict=True)
    ]


def _found(asked: Asked, messages: Mapping[str, Sequence[Row[Any]]]) -> list[Row[Any]]:
    """Return the rows of the messages behind some ``ref_id``, each once."""
    return list({row.id: row for ref_id in asked.ref_ids for row in messages.get(ref_id, ())}.values())


def _counts(row: Row[Any]) -> MessageCounts:
    return MessageCounts(*[getattr(row, name) for name in MessageCounts._fields])


def _clock(connection: Connection, messages: Mapping[str, Sequence[Row[Any]]]) -> datetime:
    """Return the ledger's clock, as it was brought with the messages; where there are none, nothing depends on it."""
    if connection.dialect.name == "sqlite" or not messages:
        return datetime.now(UTC)
    moment: datetime = max(row.now for rows in messages.values() for row in rows)
    return moment.astimezone(UTC)


def _messages_of(connection: Connection, refs: Iterable[str]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    storable = _storable(refs)
    by_ref_id = [ref for ref in storable if not ref.startswith(LEDGER_REF_PREFIX)]
    by_id = [ref.removeprefix(LEDGER_REF_PREFIX) for ref in storable if ref.startswith(LEDGER_REF_PREFIX)]
    rows: Iterable[Row[Any]]
    kind = connection.dialect.name
    rows = connection.execute(_BY_REF_ID[kind], {"ref_ids": by_ref_id}) if by_ref_id else ()
    for row in sorted(rows, key=lambda row: row.request_id):
        found[row.ref_id].append(row)
    rows = connection.execute(_BY_ID[kind], {"message_ids": by_id}) if by_id else ()
    for row in rows:
        found[f"{LEDGER_REF_PREFIX}{row.id}"].append(row)
    return found


def _storable(refs: Iterable[str]) -> list[str]:
    """Leave out what no database can hold: it is nobody's, and would fail the looks of all others with it."""
    return [ref for ref in refs if "\0" not in ref and not any("\ud800" <= each <= "\udfff" for each in ref)]


def _last_callbacks(connection: Connection, message_ids: Collection[str]) -> dict[str, datetime]:
    if not message_ids:
        return {}
    rows = connection.execute(_LAST_CALLBACKS, {"message_ids": message_ids})
    return {row.message_id: row.last.astimezone(UTC) for row in rows if row.last is not None}
