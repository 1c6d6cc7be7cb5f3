"""Where a message stands: its locks, and the state that its requests make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import lock_numbers
from airflow_provider_ninebits.ledger.states import MessageState, RequestState, message_state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection


def lock_messages(connection: Connection, message_ids: Iterable[str], ref_id: str | None = None) -> None:
    """
    Make this transaction the only one that changes these messages' requests, or matches callbacks of their numbers.

    Without the numbers, a callback that is matched at this moment would look at what the requests were, and overwrite
    what they become.

    :param ref_id: one that is about to be given to a request: until then no callback may bring it to another.
    """
    which = sorted(set(message_ids))
    recipient = schema.recipient.c
    numbers = connection.execute(select(recipient.number).where(recipient.message_id.in_(which))).scalars()
    lock_numbers(connection, {*numbers, *([] if ref_id is None else [ref_id])})
    lock_message_rows(connection, which)


def lock_message_rows(connection: Connection, message_ids: Iterable[str]) -> None:
    """
    Lock the rows of messages, in the one order in which everybody does, and before their requests.

    Whoever changes the requests of a message, or reads them to decide on a change, holds its row: two answers for one
    message would else miss each other, and two callbacks could bring one request two names.
    """
    message = schema.message.c
    connection.execute(
        select(message.id).where(message.id.in_(sorted(set(message_ids)))).order_by(message.id).with_for_update()
    ).all()


def refresh_message_state(connection: Connection, message_id: str, *, plan_again: bool = False) -> MessageState:
    """Set a message's state to what its requests make of it, and return it."""
    states = connection.execute(
        select(schema.request.c.state).where(schema.request.c.message_id == message_id)
    ).scalars()
    state = message_state(RequestState(s) for s in states)
    if plan_again and state is MessageState.REFUSED:
        state = MessageState.PLANNED
    message = schema.message.c
    values: dict[str, object] = {"state": state, "revision": message.revision + 1}
    if state not in (MessageState.SENDING, MessageState.ACCEPTED):
        # Accepted by evidence it keeps its lease: should the evidence turn out another's, its sender is at work still.
        values["lease_expires_at"] = None
    current = connection.execute(select(message.state).where(message.id == message_id)).scalar_one()
    if current in (MessageState.REPLACED, MessageState.PURGED):
        # Its numbers are in another part, or gone: sent again from here, they would ring twice, or nobody knows whom.
        return MessageState(current)
    connection.execute(update(schema.message).where(message.id == message_id).values(**values))
    return state
