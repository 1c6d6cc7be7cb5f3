"""
Queueing events: whoever changes the state of recipients leaves an event to each subscription that wants it.

That is part of the transaction which changes them, so an event is there if and only if the change is, and in the
statement that writes a group's recipients on PostgreSQL: where nobody has subscribed it costs next to nothing. What an
event says of the recipient is copied: it may have changed again before somebody asks.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, text

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.driver import run, run_for_each
from airflow_provider_ninebits.ledger.states import RecipientState, raised
from airflow_provider_ninebits.ledger.wanted import TOLD_STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

ABANDONED_AFTER_DAYS = 7
"""To a subscription of which nothing was heard for so long nothing is left any more."""

RECORD = (
    "state",
    "attempts",
    "started_at",
    "answered_at",
    "ended_at",
    "total_duration",
    "call_duration",
    "total_amount",
)
"""What an event copies of its recipient."""

RETURNED = ", ".join(f"{schema.recipient.name}.{name}" for name in ("id", "message_id", *RECORD))
"""What the statement that changes recipients has to return for :func:`of_changed`."""

_INTO = f"INSERT INTO ninebits_event (subscription_id, recipient_id, message_id, {', '.join(RECORD)})"
_LIVE = {
    "postgresql": f"subscription.seen_at > now() - interval '{ABANDONED_AFTER_DAYS} days'",
    "sqlite": f"subscription.seen_at > datetime('now', '-{ABANDONED_AFTER_DAYS} days')",
}


def _wanted(state: str, database: str) -> str:
    """Return the condition that a subscription wants a state and is not abandoned."""
    wants = " OR ".join(f"({state} = '{each}' AND subscription.{each})" for each in TOLD_STATES)
    return f"({wants}) AND {_LIVE[database]}"


def of_changed(changed: str) -> str:
    """
    Return the part of a statement of PostgreSQL's that queues the events of the recipients which another part changes.

    All parts of a statement see the tables as they were before it, so that the states can be compared.

    :param changed: the name of that part, which returns :data:`RETURNED`.
    """
    copied = ", ".join(f"changed.{name}" for name in RECORD)
    # Asked for first, and by itself: where nobody has subscribed, nothing else of this is executed.
    return (
        f"{_INTO} SELECT subscription.id, changed.id, changed.message_id, {copied}"  # noqa: S608 (names of the schema's)
        f" FROM {changed} AS changed JOIN ninebits_recipient AS before ON before.id = changed.id"
        " CROSS JOIN ninebits_subscription AS subscription"
        " WHERE EXISTS (SELECT FROM ninebits_subscription)"
        f" AND before.state <> changed.state AND {_wanted('changed.state', 'postgresql')}"
    )


def queue_for_each(connection: Connection, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """
    Queue, on SQLite, the events of recipients that are about to be changed.

    :param names: the columns of the rows, ``id`` as the last one.
    :param rows: what will be written, as the driver takes it.
    """
    if run(connection, "SELECT 1 FROM ninebits_subscription LIMIT 1").fetchone() is not None:
        run_for_each(connection, _for_one(tuple(names)), rows)


@cache
def _for_one(names: tuple[str, ...]) -> str:
    place = {name: f"?{number}" for number, name in enumerate(names, start=1)}
    copied = ", ".join(place[name] for name in RECORD)
    return (
        f"{_INTO} SELECT subscription.id, before.id, before.message_id, {copied}"  # noqa: S608 (as above)
        " FROM ninebits_recipient AS before CROSS JOIN ninebits_subscription AS subscription"
        f" WHERE before.id = {place['id']} AND before.state <> {place['state']}"
        f" AND {_wanted(place['state'], 'sqlite')}"
    )


_COPIED = ", ".join(":state" if name == "state" else f"recipient.{name}" for name in RECORD)
_FAILING = {
    database: text(
        f"{_INTO} SELECT subscription.id, recipient.id, recipient.message_id, {_COPIED}"  # noqa: S608 (as above)
        " FROM ninebits_recipient AS recipient CROSS JOIN ninebits_subscription AS subscription"
        " WHERE recipient.message_id = :message_id AND recipient.state = :pending"
        f" AND subscription.failed AND {live}"
    )
    for database, live in _LIVE.items()
}


def queue_failing(connection: Connection, message_id: str) -> None:
    """Queue the events of a message's pending recipients, all of which are about to fail."""
    states = {"state": RecipientState.FAILED, "pending": RecipientState.PENDING}
    connection.execute(_FAILING[connection.dialect.name], {"message_id": message_id, **states})


_event = schema.event.c
_DROP_STATES = delete(schema.event).where(
    _event.recipient_id == bindparam("of_recipient"), _event.state.in_(bindparam("states", expanding=True))
)


def take_back(connection: Connection, recipient_id: int, left: RecipientState) -> None:
    """Drop the events that say more of a recipient than is left, where nobody has been given them yet."""
    untrue = [state.value for state in RecipientState if raised(left, state) is not left]
    if untrue:
        connection.execute(_DROP_STATES, {"of_recipient": recipient_id, "states": untrue})


def drop_failed(connection: Connection, message_id: str) -> None:
    """Drop the events that say that pending recipients of a message have failed, where nobody was given them yet."""
    recipient = schema.recipient.c
    pending = select(recipient.id).where(recipient.message_id == message_id, recipient.state == RecipientState.PENDING)
    connection.execute(
        delete(schema.event).where(_event.recipient_id.in_(pending), _event.state == RecipientState.FAILED)
    )


def drop_all(connection: Connection, message_ids: Sequence[str]) -> None:
    """Drop the events of messages whose numbers go."""
    theirs = select(schema.recipient.c.id).where(schema.recipient.c.message_id.in_(message_ids))
    connection.execute(delete(schema.event).where(_event.recipient_id.in_(theirs)))
