"""Recording what came of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, or_, select, update

from airflow_provider_ninebits.ledger import notices, schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import NoSuchMessage
from airflow_provider_ninebits.ledger.standing import lock_messages, refresh_message_state
from airflow_provider_ninebits.ledger.states import MessageState, RequestState
from airflow_provider_ninebits.ledger.undoing import let_go_of_name, let_go_of_other_names, let_go_of_refused

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Row

    from airflow_provider_ninebits.ledger.database import Database

_request = schema.request.c
# Made once: to build a statement takes longer than to run it.
_ITSELF_AND_ADOPTERS = select(
    _request.id, _request.message_id, _request.state, _request.ref_id, _request.known_by
).where(
    or_(
        _request.id == bindparam("request_id"),
        (_request.ref_id == bindparam("name")) & _request.known_by.is_distinct_from("answer"),
    )
)
_WRITE = (
    update(schema.request)
    .where(_request.id == bindparam("row_id"))
    .values(
        state=bindparam("new_state"),
        finished_at=bindparam("now"),
        status=bindparam("new_status"),
        detail=bindparam("new_detail"),
        ref_id=bindparam("new_ref_id"),
        known_by=bindparam("new_known_by"),
    )
)


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
            before, adopters = _standing(connection, request_id, answer.ref_id)
            message_id = before.message_id
            if lock_messages(connection, {message_id, *adopters.values()}, answer.ref_id):
                adopters_seen = adopters
                before, adopters = _standing(connection, request_id, answer.ref_id)
                if adopters != adopters_seen:
                    # A callback brought the ref_id to another request meanwhile, whose message is not locked: again.
                    continue
            _write_answer(connection, before, answer)
            for adopter_id, adopters_message_id in adopters.items():
                let_go_of_name(connection, adopters_message_id, adopter_id)
            if answer.state is RequestState.REFUSED:
                let_go_of_refused(connection, message_id, [request_id])
            elif answer.ref_id is not None and before.ref_id not in (None, answer.ref_id):
                let_go_of_other_names(connection, message_id, request_id, answer.ref_id)
            if adopters or answer.state is RequestState.REFUSED or before.ref_id not in (None, answer.ref_id):
                # A ref_id means something else now, or callbacks are let go. Acceptance alone changes no outcome.
                notices.changed(connection, {message_id, *adopters.values()})
            state = refresh_message_state(connection, message_id, plan_again=answer.plan_again)
            ref_ids = frozenset(ref_id for ref_id in (before.ref_id, answer.ref_id) if ref_id is not None)
            return Recorded(state, frozenset({message_id, *adopters.values()}), ref_ids)


def _standing(
    connection: Connection, request_id: int, ref_id: str | None
) -> tuple[Row[Any, Any, Any, Any, Any], dict[int, str]]:
    """
    Return a request as it stands, and the messages of others that have this ``ref_id`` by another word than an answer.

    :raises NoSuchMessage: where the request is not there any more.
    """
    found = {
        row.id: row for row in connection.execute(_ITSELF_AND_ADOPTERS, {"request_id": request_id, "name": ref_id})
    }
    if request_id not in found:
        raise NoSuchMessage(
            "the message is not in the ledger any more: a purge took it while its request was under way. "
            "What 9bits answered is in this log only"
        )
    itself = found.pop(request_id)
    return itself, {row.id: row.message_id for row in found.values()}


def _write_answer(connection: Connection, before: Row[Any, Any, Any, Any, Any], answer: Answer) -> None:
    named = answer.state is not RequestState.UNCERTAIN
    connection.execute(
        _WRITE,
        {
            "row_id": before.id,
            "new_state": settled_state(RequestState(before.state), answer.state),
            "now": ledger_now(connection),
            "new_status": answer.status,
            "new_detail": answer.detail,
            "new_ref_id": answer.ref_id if named else before.ref_id,
            "new_known_by": "answer" if named else before.known_by,
        },
    )
