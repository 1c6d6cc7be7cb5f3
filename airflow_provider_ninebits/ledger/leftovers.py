"""What a purge takes that belongs to no send: callbacks that are nobody's, receivers that are gone, keys, alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, exists, func, or_, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import lock_numbers
from airflow_provider_ninebits.ledger.states import MatchState, MessageState, PurgeState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.engine import Connection

_OPEN = (MessageState.PLANNED, MessageState.SENDING, MessageState.UNCERTAIN)


@dataclass(frozen=True)
class Leftovers:
    """Rows of one table that go."""

    table: Table
    which: ColumnElement[bool]

    @property
    def _key(self) -> Any:
        return next(iter(self.table.primary_key.columns))

    def count(self, connection: Connection) -> int:
        """Return how many there are."""
        found: int = connection.execute(select(func.count()).select_from(self.table).where(self.which)).scalar_one()
        return found

    def ids(self, connection: Connection, limit: int) -> list[Any]:
        """Return the keys of some of them. Reading keeps nobody from writing, however long it looks."""
        return list(connection.execute(select(self._key).where(self.which).limit(limit)).scalars())

    def delete(self, connection: Connection, ids: Sequence[Any]) -> int:
        """Delete those of some that still go, and return how many did."""
        if self.table is schema.callback:
            # Whoever matches them now is done first.
            lock_numbers(connection, None)
        return connection.execute(delete(self.table).where(self._key.in_(ids), self.which)).rowcount


def loose_callbacks(old: datetime, loose: datetime, *, repeats_before: datetime) -> Leftovers:
    """
    Return the callbacks that are nobody's.

    :param old: when those must have come that can never be matched: unreadable ones and inbound calls.
    :param loose: when those must have come that could be. While a message with their number is unsettled they stay: a
        person's word on it may still match them.
    :param repeats_before: when those must have come whose message is gone, and that were kept for their repeats only.
    """
    callback, recipient, message = schema.callback.c, schema.recipient.c, schema.message.c
    of_an_open_message = (
        exists()
        .where(recipient.number == callback.number, message.id == recipient.message_id)
        .where(message.state.in_(_OPEN))
    )
    return Leftovers(
        schema.callback,
        or_(
            and_(
                callback.match_state.in_((MatchState.UNREADABLE, MatchState.INBOUND)),
                callback.received_at < old,
            ),
            and_(callback.match_state == MatchState.UNMATCHED, callback.received_at < loose, ~of_an_open_message),
            and_(
                callback.match_state == MatchState.MATCHED,
                callback.recipient_id.is_(None),
                callback.request_id.is_(None),
                callback.received_at < repeats_before,
            ),
        ),
    )


def silent_receivers(old: datetime) -> Leftovers:
    """Return the receivers that were last heard of before a moment."""
    return Leftovers(schema.receiver, schema.receiver.c.heartbeat_at < old)


def keys(old: datetime) -> Leftovers:
    """Return the sends planned before a moment of which only key and receipts are there; the receipts go with them."""
    send = schema.send.c
    return Leftovers(schema.send, and_(send.purge_state == PurgeState.PURGED, send.created_at < old))


def tasks(old: datetime) -> Leftovers:
    """Return the places of tasks that were last seen before a moment."""
    return Leftovers(schema.task, schema.task.c.seen_at < old)


def alerts(old: datetime) -> Leftovers:
    """Return the keys of alerts with which none came since a moment."""
    return Leftovers(schema.alert, schema.alert.c.seen_at < old)


def escalations(old: datetime) -> Leftovers:
    """Return the ladders that alerts began before a moment."""
    return Leftovers(schema.escalation, schema.escalation.c.created_at < old)
