"""
Notices: who changes messages tells those who wait for them.

On PostgreSQL by NOTIFY, in the transaction that changed them, so that it is heard once that is committed, and never
where it is not. At its commit such a transaction takes a lock that there is once in a database, and holds it until it
is on disk: so there is one notice for a transaction (another one for what changes after a write that took the first
along), and none where nobody's outcome can have changed.

On SQLite nothing is sent: see :mod:`~airflow_provider_ninebits.ledger.listening`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.driver import run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

CHANNEL = "ninebits"
LISTEN = f"LISTEN {CHANNEL}"
_NAME_LENGTH = 8
# A payload has to be shorter than 8000 bytes.
_MOST_NAMES = 7999 // _NAME_LENGTH
_CHANGED = "ninebits_changed"
TELL = "SELECT pg_notify(%s, %s)"


def name_of(message_id: str) -> str:
    """Return what a notice calls a message: the beginning of its id. Who is woken for another's looks in vain, once."""
    return message_id[:_NAME_LENGTH].ljust(_NAME_LENGTH)


def payload_of(message_ids: Iterable[str]) -> str:
    """Return the notice of some messages; an empty one, where they are too many, is about all there are."""
    names = sorted({name_of(message_id) for message_id in message_ids})
    return "".join(names) if len(names) <= _MOST_NAMES else ""


def names_in(payload: str) -> frozenset[str] | None:
    """Return the names in a notice; None: it is about all messages."""
    if not payload or len(payload) % _NAME_LENGTH:
        return None
    return frozenset(payload[start : start + _NAME_LENGTH] for start in range(0, len(payload), _NAME_LENGTH))


def changed(connection: Connection, message_ids: Iterable[str]) -> None:
    """
    Note that a transaction changes the outcomes of some messages; it tells so when it is committed.

    :param connection: one in a transaction of ``Database.writing``.
    """
    if connection.dialect.name == "postgresql":
        connection.info.setdefault(_CHANGED, set()).update(message_ids)


def tell(connection: Connection) -> None:
    """Send the notice of a transaction that is about to be committed, if it has any."""
    if notice := taken(connection):
        run(connection, TELL, notice)


def taken(connection: Connection) -> tuple[str, str] | None:
    """Return what :data:`TELL` is to be given so far, for who sends it along with another statement."""
    message_ids = connection.info.pop(_CHANGED, None)
    return (CHANNEL, payload_of(message_ids)) if message_ids else None


def forget(connection: Connection) -> None:
    """Drop what a transaction would have told, since it is rolled back."""
    # Of a connection that was lost it is gone, and to ask for it would be to connect anew.
    if not connection.invalidated:
        connection.info.pop(_CHANGED, None)
