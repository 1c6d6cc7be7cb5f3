"""Recording what came of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now, lock_numbers
from airflow_provider_ninebits.ledger.states import MessageState, RequestState, message_state

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database


@dataclass(frozen=True)
class Answer:
    """What came of a request; ``plan_again``: it was rate limited, and is to be made once more without asking."""

    state: RequestState
    ref_id: str | None = None
    status: int | None = None
    detail: str | None = None
    plan_again: bool = False


def settled_state(current: RequestState, reported: RequestState) -> RequestState:
    """
    Return a request's state after its answer.

    What is definite wins: an answer over a callback's evidence; evidence, or a person's word, over an uncertain answer.
    """
    if reported is RequestState.UNCERTAIN and current in (RequestState.ACCEPTED, RequestState.REFUSED):
        return current
    return reported


def record_answer(database: Database, request_id: int, answer: Answer) -> MessageState:
    """
    Record what came of a request. Recording the same answer again changes nothing.

    :return: the state of its message. Callbacks that waited for this are matched by ``callbacks.rematch``.
    """
    request = schema.request.c
    with database.writing() as connection:
        message_id = connection.execute(select(request.message_id).where(request.id == request_id)).scalar_one()
        lock_message(connection, message_id)
        row = connection.execute(select(request.state, request.ref_id).where(request.id == request_id)).one()
        state = settled_state(RequestState(row.state), answer.state)
        changes: dict[str, object] = {
            "state": state,
            "finished_at": ledger_now(connection),
            "status": answer.status,
            "detail": answer.detail,
        }
        if answer.state is not RequestState.UNCERTAIN:
            changes |= {"ref_id": answer.ref_id, "known_by": "answer"}
        connection.execute(update(schema.request).where(request.id == request_id).values(**changes))
        return refresh_message_state(connection, message_id, plan_again=answer.plan_again)


def lock_message(connection: Connection, message_id: str) -> None:
    """
    Make this transaction the only one that changes a message's requests, or matches callbacks of its numbers.

    Without the numbers, a callback that is matched at this moment would look at what the requests were, and overwrite
    what they become.
    """
    recipient = schema.recipient.c
    numbers = connection.execute(select(recipient.number).where(recipient.message_id == message_id)).scalars()
    lock_numbers(connection, numbers)
    # The message's row before its requests, as everybody does: two answers for one message would else miss each other.
    connection.execute(select(schema.message.c.id).where(schema.message.c.id == message_id).with_for_update())


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
    if state is not MessageState.SENDING:
        values["lease_expires_at"] = None
    current = connection.execute(select(message.state).where(message.id == message_id)).scalar_one()
    if current in (MessageState.REPLACED, MessageState.PURGED):
        # Its numbers are in another part, or gone: sent again from here, they would ring twice, or nobody knows whom.
        return MessageState(current)
    connection.execute(update(schema.message).where(message.id == message_id).values(**values))
    return state
