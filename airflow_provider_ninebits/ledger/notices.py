"""
Notices: who changes messages tells those who wait for them.

On PostgreSQL by NOTIFY, in the transaction that changed them, so that it is heard once that is committed, and never
where it is not. At its commit such a transaction takes a lock that there is once in a database, and holds it until it
is on disk: so there is one notice for a transaction (another one for what changes after a write that took the first
along), and none where nobody's outcome can have changed.

Callbacks are most of what changes, and the statement that writes what they changed tells how far their messages are, so
that who waits need not ask. Whatever else changes messages tells their names, and who waits for one of them looks.

On SQLite nothing is sent: see :mod:`~airflow_provider_ninebits.ledger.listening`.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_ninebits.ledger.counts import MessageCounts
from airflow_provider_ninebits.ledger.driver import run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.engine import Connection

CHANNEL = "ninebits"
LISTEN = f"LISTEN {CHANNEL}"
_NAME_LENGTH = 8
# A payload has to be shorter than 8000 bytes.
_MOST_NAMES = 7999 // _NAME_LENGTH
MOST_COUNTED = 80
"""How many messages' counts are in a notice: with the largest numbers they take 99 bytes each, and 60 around them."""
_CHANGED = "ninebits_changed"
TELL = "SELECT pg_notify(%s, %s)"
_TOLD = ("revision", "recipients", "answered", "unanswered", "failed")
RETURNED = ", ".join(f"ninebits_message.{name}" for name in ("id", *_TOLD))
"""What the statement that changes messages has to return for :func:`tell_of_changed`."""


class Notice(NamedTuple):
    """
    What was heard.

    :param names: of messages that have to be looked at.
    :param counts: of messages that need not.
    """

    names: frozenset[str] = frozenset()
    counts: tuple[MessageCounts, ...] = ()


def name_of(message_id: str) -> str:
    """Return what a notice calls a message: the end of its id. Who is woken for another's looks in vain, once."""
    # The beginning is the time, and the same for what was planned together.
    return message_id[-_NAME_LENGTH:].ljust(_NAME_LENGTH)


def payload_of(message_ids: Iterable[str]) -> str:
    """Return the notice of some messages; an empty one, where they are too many, is about all there are."""
    names = sorted({name_of(message_id) for message_id in message_ids})
    return "".join(names) if len(names) <= _MOST_NAMES else ""


def tell_of_changed(changed: str) -> str:
    """
    Return the part of a statement of PostgreSQL's that tells how far the messages are which another part changes.

    It takes two values: the channel, and when the callbacks came that changed them, as :meth:`datetime.isoformat`.

    :param changed: the name of that part, which returns :data:`RETURNED`.
    """
    # One notice for so many of them as fit.
    paged = f"SELECT *, (row_number() OVER () - 1) / {MOST_COUNTED} AS page FROM {changed}"  # noqa: S608 (names of the schema's)
    counts = f"json_object_agg(id, json_build_array({', '.join(_TOLD)}))"
    told = f"json_build_object('at', %s::text, 'counts', {counts})::text"
    return f"SELECT pg_notify(%s, {told}) FROM ({paged}) AS paged GROUP BY page"  # noqa: S608 (as above)


def read(payload: str) -> Notice | None:
    """Return what a notice says; None: that all messages have to be looked at."""
    if payload.startswith("{"):
        return _read_counts(payload)
    if not payload or len(payload) % _NAME_LENGTH:
        return None
    return Notice(frozenset(payload[start : start + _NAME_LENGTH] for start in range(0, len(payload), _NAME_LENGTH)))


def _read_counts(payload: str) -> Notice | None:
    try:
        told = json.loads(payload)
        at = datetime.fromisoformat(told["at"])
        return Notice(
            counts=tuple(
                MessageCounts(message_id, int(revision), at, *map(int, counts))
                for message_id, (revision, *counts) in told["counts"].items()
            )
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        # Another version's, or no notice of ours.
        return None


def changed(connection: Connection, message_ids: Iterable[str]) -> None:
    """
    Note that a transaction changes the outcomes of some messages; it tells so when it is committed.

    :param connection: one in a transaction of ``Database.writing``.
    """
    if connection.dialect.name == "postgresql":
        connection.info.setdefault(_CHANGED, set()).update(message_ids)


def tell(connection: Connection) -> None:
    """Send the notice of a transaction that is about to be committed, if it has any."""
    if message_ids := taken(connection):
        run(connection, TELL, (CHANNEL, payload_of(message_ids)))


def taken(connection: Connection) -> Collection[str]:
    """Return the messages of a transaction's notice so far, for who sends it along with another statement."""
    message_ids: Collection[str] = connection.info.pop(_CHANGED, ())
    return message_ids


def forget(connection: Connection) -> None:
    """Drop what a transaction would have told, since it is rolled back."""
    # Of a connection that was lost it is gone, and to ask for it would be to connect anew.
    if not connection.invalidated:
        connection.info.pop(_CHANGED, None)
