"""Taking back what a callback had shown, when an answer says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.api_answers import fail_pending
from airflow_provider_ninebits.ledger.callbacks import Kind, MatchState, call_record, rematch, rematch_ids
from airflow_provider_ninebits.ledger.database import lock_numbers
from airflow_provider_ninebits.ledger.folding import RecipientRecord, fold_call
from airflow_provider_ninebits.ledger.states import RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database


def undo_refused(database: Database, message_id: str, *, window: timedelta) -> int:
    """
    Let go of the callbacks that were matched with a message of which nothing was placed, and match them anew.

    Those that waited for its answer, since they could have been another message's, are matched too.

    :return: how many callbacks there were; 0 as well where a request of the message may have placed a call.
    """
    let_go = _let_go(database, message_id, window, only_request=None)
    rematch(database, window=window, message_ids=[message_id])
    return let_go


def undo_adoption(database: Database, message_id: str, request_id: int, *, window: timedelta) -> int:
    """
    Let go of the callbacks of a request that had adopted another ``ref_id`` than its answer turned out to give.

    :return: how many callbacks there were.
    """
    return _let_go(database, message_id, window, only_request=request_id)


def _let_go(database: Database, message_id: str, window: timedelta, only_request: int | None) -> int:
    recipient, callback, request = schema.recipient.c, schema.callback.c, schema.request.c
    recipients = select(recipient.id).where(recipient.message_id == message_id)
    requests = select(request.id).where(request.message_id == message_id)
    answers = (callback.kind == Kind.ANSWER) & callback.request_id.in_(requests)
    matched = select(schema.callback).where(or_(callback.recipient_id.in_(recipients), answers))
    if only_request is not None:
        known = select(request.ref_id).where(request.id == only_request).scalar_subquery()
        matched = matched.where(callback.request_id == only_request, callback.ref_id != known)
    with database.writing() as connection:
        numbers = connection.execute(select(recipient.number).where(recipient.message_id == message_id)).scalars()
        lock_numbers(connection, numbers)
        placed = connection.execute(
            select(func.count()).where(request.message_id == message_id, request.state != RequestState.REFUSED)
        ).scalar_one()
        if only_request is None and placed:
            return 0
        rows = connection.execute(matched).mappings().all()
        ids = [row["id"] for row in rows]
        if not ids:
            return 0
        connection.execute(
            update(schema.callback)
            .where(callback.id.in_(ids))
            .values(match_state=MatchState.UNMATCHED, recipient_id=None, request_id=None, ambiguous=False)
        )
        _fold_anew(connection, message_id, sorted({row["recipient_id"] for row in rows if row["recipient_id"]}))
    news = rematch_ids(database, ids, window=window)
    rematch(database, window=window, ref_ids=news.ref_ids, message_ids=news.message_ids)
    return len(ids)


def _fold_anew(connection: Connection, message_id: str, recipient_ids: Sequence[int]) -> None:
    """Work out recipients from the callbacks that are left to them, and count their message anew."""
    recipient, message, callback, request = schema.recipient.c, schema.message.c, schema.callback.c, schema.request.c
    for recipient_id in recipient_ids:
        left = connection.execute(select(schema.callback).where(callback.recipient_id == recipient_id)).mappings()
        record = RecipientRecord()
        for row in left:
            record = fold_call(record, call_record(row))
        connection.execute(
            update(schema.recipient)
            .where(recipient.id == recipient_id)
            .values({name: getattr(record, name) for name in RecipientRecord.__dataclass_fields__})
        )
    connection.execute(
        update(schema.recipient)
        .where(recipient.message_id == message_id, recipient.state == RecipientState.FAILED)
        .values(state=RecipientState.PENDING, last_callback_at=None)
    )
    for answer in connection.execute(
        select(callback.request_id, callback.status, callback.received_at)
        .join(schema.request, request.id == callback.request_id)
        .where(callback.kind == Kind.ANSWER, request.message_id == message_id)
    ).all():
        fail_pending(connection, message_id, answer.request_id, answer.status, answer.received_at)
    states = connection.execute(
        select(recipient.state, func.count()).where(recipient.message_id == message_id).group_by(recipient.state)
    )
    counts: dict[str, int] = {state: count for state, count in states}  # noqa: C416 (dict() hides the types)
    connection.execute(
        update(schema.message)
        .where(message.id == message_id)
        .values(
            answered=counts.get(RecipientState.ANSWERED, 0),
            unanswered=counts.get(RecipientState.UNANSWERED, 0),
            failed=counts.get(RecipientState.FAILED, 0),
            revision=message.revision + 1,
        )
    )
