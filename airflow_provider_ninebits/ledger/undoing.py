"""
Taking back what a callback had shown, when an answer or a person says otherwise.

All of it happens in the transaction that records that word. What is let go is unmatched then, and tried again with all
that may have become possible.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, func, literal, or_, select, true, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.api_answers import fail_pending
from airflow_provider_ninebits.ledger.book import call_record
from airflow_provider_ninebits.ledger.event_queue import drop_failed, take_back
from airflow_provider_ninebits.ledger.folding import RecipientRecord, fold_call
from airflow_provider_ninebits.ledger.standing import refresh_message_state
from airflow_provider_ninebits.ledger.states import CallbackKind, MatchState, RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection


def let_go_of_refused(connection: Connection, message_id: str, request_ids: Sequence[int]) -> None:
    """
    Let go of the callbacks that had shown refused requests to be placed.

    Of a message of which nothing was placed it lets all go; where another request is left, that one may be what they
    show. What was reported as failed while these requests might have placed calls, counts now.

    :param connection: a transaction that holds the message's locks.
    """
    request = schema.request.c
    left = select(func.count()).where(request.message_id == message_id, request.state != RequestState.REFUSED)
    nothing_is_left = not connection.execute(left).scalar_one()
    _let_go(connection, message_id, true() if nothing_is_left else schema.callback.c.request_id.in_(request_ids))
    _fail_again(connection, message_id)


def let_go_of_other_names(connection: Connection, message_id: str, request_id: int, ref_id: str) -> None:
    """Let go of the callbacks by whose ``ref_id`` a request was called until its answer brought another."""
    callback = schema.callback.c
    _let_go(connection, message_id, (callback.request_id == request_id) & (callback.ref_id != ref_id))


def let_go_of_name(connection: Connection, message_id: str, request_id: int) -> None:
    """
    Take a ``ref_id`` from a request that had adopted it, since another one's answer brought it.

    The request is what it was without it: placed, if a person or another callback says so.
    """
    callback, request = schema.callback.c, schema.request.c
    _let_go(connection, message_id, (callback.request_id == request_id) & callback.ref_id.is_not(None))
    still_shown = bool(_callbacks_of(connection, message_id, callback.request_id == request_id))
    known_without = "callback" if still_shown else None
    connection.execute(
        update(schema.request)
        .where(request.id == request_id)
        .values(
            ref_id=None,
            known_by=case((request.known_by == "person", "person"), else_=known_without),
            state=case(
                (or_(request.known_by == "person", literal(still_shown)), RequestState.ACCEPTED),
                (request.finished_at.is_(None), RequestState.SENDING),
                else_=RequestState.UNCERTAIN,
            ),
        )
    )
    refresh_message_state(connection, message_id)


def _let_go(connection: Connection, message_id: str, which: ColumnElement[bool]) -> None:
    """Let go of a message's callbacks that are so."""
    rows = _callbacks_of(connection, message_id, which)
    if not rows:
        return
    connection.execute(
        update(schema.callback)
        .where(schema.callback.c.id == bindparam("row_id"))
        .values(match_state=MatchState.UNMATCHED, recipient_id=None, request_id=None, ambiguous=False),
        [{"row_id": row.id} for row in rows],
    )
    _fold_anew(connection, message_id, sorted({row.recipient_id for row in rows if row.recipient_id}))


def _callbacks_of(connection: Connection, message_id: str, which: ColumnElement[bool]) -> list[Any]:
    """Return those of a message's callbacks that are so: its recipients' calls, and what else its requests got."""
    callback, recipient, request = schema.callback.c, schema.recipient.c, schema.request.c
    recipients = select(recipient.id).where(recipient.message_id == message_id)
    requests = select(request.id).where(request.message_id == message_id)
    # Apart: together they would use neither index.
    theirs = (
        callback.recipient_id.in_(recipients),
        and_(callback.recipient_id.is_(None), callback.request_id.in_(requests)),
    )
    read = select(callback.id, callback.recipient_id)
    return [row for each in theirs for row in connection.execute(read.where(each, which))]


def _fold_anew(connection: Connection, message_id: str, recipient_ids: Sequence[int]) -> None:
    """Work out recipients from the callbacks that are left to them, and count their message anew."""
    recipient, message, callback = schema.recipient.c, schema.message.c, schema.callback.c
    for recipient_id in recipient_ids:
        left = connection.execute(select(schema.callback).where(callback.recipient_id == recipient_id)).mappings()
        record = RecipientRecord()
        for row in left:
            record = fold_call(record, call_record(row))
        connection.execute(update(schema.recipient).where(recipient.id == recipient_id).values(record._asdict()))
        take_back(connection, recipient_id, record.state)
    connection.execute(
        update(schema.recipient)
        .where(recipient.message_id == message_id, recipient.state == RecipientState.FAILED)
        .values(state=RecipientState.PENDING, last_callback_at=None)
    )
    # Those who are still failed, by what is left to their message, fail again below.
    drop_failed(connection, message_id)
    states = connection.execute(
        select(recipient.state, func.count(), func.sum(recipient.total_amount))
        .where(recipient.message_id == message_id)
        .group_by(recipient.state)
    ).all()
    counts: dict[str, int] = {state: count for state, count, _ in states}
    connection.execute(
        update(schema.message)
        .where(message.id == message_id)
        .values(
            answered=counts.get(RecipientState.ANSWERED, 0),
            unanswered=counts.get(RecipientState.UNANSWERED, 0),
            failed=counts.get(RecipientState.FAILED, 0),
            total_amount=sum((amount for _, _, amount in states if amount is not None), Decimal(0)),
            revision=message.revision + 1,
        )
    )
    _fail_again(connection, message_id)


def _fail_again(connection: Connection, message_id: str) -> None:
    """Do what the errors that are left to a message say."""
    callback, request = schema.callback.c, schema.request.c
    for answer in connection.execute(
        select(callback.request_id, callback.status, callback.received_at)
        .join(schema.request, request.id == callback.request_id)
        .where(callback.kind == CallbackKind.ANSWER, callback.recipient_id.is_(None), request.message_id == message_id)
    ).all():
        fail_pending(connection, message_id, answer.request_id, answer.status, answer.received_at)
