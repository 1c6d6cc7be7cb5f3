"""Taking back what a callback had shown, when an answer says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callbacks import MatchState, call_record, rematch_ids
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

    :return: how many callbacks there were; 0 as well where a request of the message may have placed a call.
    """
    return _let_go(database, message_id, window, only_request=None)


def undo_adoption(database: Database, message_id: str, request_id: int, *, window: timedelta) -> int:
    """
    Let go of the callbacks of a request that had adopted another ``ref_id`` than its answer turned out to give.

    :return: how many callbacks there were.
    """
    return _let_go(database, message_id, window, only_request=request_id)


def _let_go(database: Database, message_id: str, window: timedelta, only_request: int | None) -> int:
    recipient, callback, request = schema.recipient.c, schema.callback.c, schema.request.c
    matched = (
        select(schema.callback)
        .join(schema.recipient, recipient.id == callback.recipient_id)
        .where(recipient.message_id == message_id)
    )
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
        _fold_anew(connection, message_id, sorted({row["recipient_id"] for row in rows}))
    rematch_ids(database, ids, window=window)
    return len(ids)


def _fold_anew(connection: Connection, message_id: str, recipient_ids: Sequence[int]) -> None:
    """Work out recipients from the callbacks that are left to them, and count their message anew."""
    recipient, callback, message = schema.recipient.c, schema.callback.c, schema.message.c
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
    states = connection.execute(
        select(recipient.state, func.count()).where(recipient.message_id == message_id).group_by(recipient.state)
    )
    counts: dict[str, int] = dict(states.tuples().all())
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
