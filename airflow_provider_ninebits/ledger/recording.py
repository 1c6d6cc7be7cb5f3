"""Recording what came of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from airflow_provider_ninebits.ledger import notices, schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import NoSuchMessage
from airflow_provider_ninebits.ledger.standing import lock_messages, refresh_message_state
from airflow_provider_ninebits.ledger.states import MessageState, RequestState
from airflow_provider_ninebits.ledger.undoing import let_go_of_name, let_go_of_other_names, let_go_of_refused

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


@dataclass(frozen=True)
class Recorded:
    """
    What the recording of an answer brought.

    :param state: the state of the request's message now.
    :param message_ids: the messages whose callbacks are to be tried again, by ``callbacks.rematch``.
    :param ref_ids: those whose callbacks are: what is known now, and what is nobody's any more.
    """

    state: MessageState
    message_ids: frozenset[str]
    ref_ids: frozenset[str]


def settled_state(current: RequestState, reported: RequestState) -> RequestState:
    """
    Return a request's state after its answer.

    What is definite wins: an answer over a callback's evidence; evidence, or a person's word, over an uncertain answer.
    """
    if reported is RequestState.UNCERTAIN and current in (RequestState.ACCEPTED, RequestState.REFUSED):
        return current
    return reported


def record_answer(database: Database, request_id: int, answer: Answer) -> Recorded:
    """
    Record what came of a request. Recording the same answer again changes nothing.

    Callbacks that had shown something else are let go in the same transaction: a process that dies here leaves nothing
    behind that is not so. They, and those that waited for the answer, are matched by ``callbacks.rematch``.

    :raises NoSuchMessage: where a purge of unsettled messages took it meanwhile.
    """
    while True:
        with database.writing() as connection:
            request = schema.request.c
            message_id = connection.execute(
                select(request.message_id).where(request.id == request_id)
            ).scalar_one_or_none()
            if message_id is None:
                raise NoSuchMessage(
                    "the message is not in the ledger any more: a purge took it while its request was under way. "
                    "What 9bits answered is in this log only"
                )
            adopters = _adopters(connection, request_id, answer.ref_id)
            lock_messages(connection, {message_id, *adopters.values()}, answer.ref_id)
            if adopters != _adopters(connection, request_id, answer.ref_id):
                # A callback brought the ref_id to another request meanwhile, whose message is not locked: once more.
                continue
            ref_id_before = _write_answer(connection, request_id, answer)
            for adopter_id, adopters_message_id in adopters.items():
                let_go_of_name(connection, adopters_message_id, adopter_id)
            if answer.state is RequestState.REFUSED:
                let_go_of_refused(connection, message_id, [request_id])
            elif answer.ref_id is not None:
                let_go_of_other_names(connection, message_id, request_id, answer.ref_id)
            if adopters or answer.state is RequestState.REFUSED or ref_id_before not in (None, answer.ref_id):
                # A ref_id means something else now, or callbacks are let go. Acceptance alone changes no outcome.
                notices.changed(connection, {message_id, *adopters.values()})
            state = refresh_message_state(connection, message_id, plan_again=answer.plan_again)
            ref_ids = frozenset(ref_id for ref_id in (ref_id_before, answer.ref_id) if ref_id is not None)
            return Recorded(state, frozenset({message_id, *adopters.values()}), ref_ids)


def _write_answer(connection: Connection, request_id: int, answer: Answer) -> str | None:
    """Write what came of a request, and return the ``ref_id`` that it had before."""
    request = schema.request.c
    before = connection.execute(select(request.state, request.ref_id).where(request.id == request_id)).one()
    changes: dict[str, object] = {
        "state": settled_state(RequestState(before.state), answer.state),
        "finished_at": ledger_now(connection),
        "status": answer.status,
        "detail": answer.detail,
    }
    if answer.state is not RequestState.UNCERTAIN:
        changes |= {"ref_id": answer.ref_id, "known_by": "answer"}
    connection.execute(update(schema.request).where(request.id == request_id).values(**changes))
    ref_id: str | None = before.ref_id
    return ref_id


def _adopters(connection: Connection, request_id: int, ref_id: str | None) -> dict[int, str]:
    """Return the other requests that have this ``ref_id`` by another word than 9bits' answer, and their messages."""
    if ref_id is None:
        return {}
    request = schema.request.c
    found = connection.execute(
        select(request.id, request.message_id).where(
            request.ref_id == ref_id,
            request.id != request_id,
            or_(request.known_by.is_(None), request.known_by != "answer"),
        )
    )
    return {row.id: row.message_id for row in found}
