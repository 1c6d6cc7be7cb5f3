"""Where a message stands: its locks, and the state that its requests make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import LOCKS, lock_numbers
from airflow_provider_ninebits.ledger.lists import among
from airflow_provider_ninebits.ledger.states import MessageState, RequestState, message_state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection


_message, _request, _recipient = schema.message.c, schema.request.c, schema.recipient.c
# Made once: to build a statement takes longer than to run it.
_NUMBERS = select(_recipient.number).where(among(_recipient.message_id, "message_ids")).limit(LOCKS)
_LOCK_ROWS = select(_message.id).where(among(_message.id, "message_ids")).order_by(_message.id).with_for_update()
_STATES = (
    select(_message.state.label("message"), _request.state.label("request"))
    .outerjoin_from(schema.message, schema.request, _request.message_id == _message.id)
    .where(_message.id == bindparam("message_id"))
)
_CHANGE = (
    update(schema.message)
    .where(_message.id == bindparam("message_id"))
    .values(state=bindparam("new_state"), revision=_message.revision + 1)
)
_CHANGE_AND_LET_GO = _CHANGE.values(lease_expires_at=None)


def lock_messages(connection: Connection, message_ids: Iterable[str], ref_id: str | None = None) -> bool:
    """
    Make this transaction the only one that changes these messages' requests, or matches callbacks of their numbers.

    Without the numbers, a callback that is matched at this moment would look at what the requests were, and overwrite
    what they become.

    :param ref_id: one that is about to be given to a request: until then no callback may bring it to another.
    :return: whether what was read before may have changed meanwhile: not on SQLite, whose transaction had the one lock.
    """
    if connection.dialect.name == "sqlite":
        return False
    which = sorted(set(message_ids))
    numbers = connection.execute(_NUMBERS, {"message_ids": which}).scalars().all()
    # That many numbers have nearly all of the locks, and a whole part's need not be read for the rest.
    lock_numbers(connection, None if len(numbers) == LOCKS else {*numbers, *([] if ref_id is None else [ref_id])})
    lock_message_rows(connection, which)
    return True


def lock_message_rows(connection: Connection, message_ids: Iterable[str]) -> None:
    """
    Lock the rows of messages, in the one order in which everybody does, and before their requests.

    Whoever changes the requests of a message, or reads them to decide on a change, holds its row: two answers for one
    message would else miss each other, and two callbacks could bring one request two names.
    """
    connection.execute(_LOCK_ROWS, {"message_ids": sorted(set(message_ids))}).all()


def refresh_message_state(connection: Connection, message_id: str, *, plan_again: bool = False) -> MessageState:
    """Set a message's state to what its requests make of it, and return it."""
    rows = connection.execute(_STATES, {"message_id": message_id}).all()
    current = MessageState(rows[0].message)
    if current in (MessageState.REPLACED, MessageState.PURGED):
        # Its numbers are in another part, or gone: sent again from here, they would ring twice, or nobody knows whom.
        return current
    state = message_state(RequestState(row.request) for row in rows if row.request is not None)
    if plan_again and state is MessageState.REFUSED:
        state = MessageState.PLANNED
    # Accepted by evidence it keeps its lease: should the evidence turn out another's, its sender is at work still.
    held = state in (MessageState.SENDING, MessageState.ACCEPTED)
    connection.execute(_CHANGE if held else _CHANGE_AND_LET_GO, {"message_id": message_id, "new_state": state})
    return state
