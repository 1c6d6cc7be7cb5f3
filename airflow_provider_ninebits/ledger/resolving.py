"""A person's word on an uncertain message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callbacks import rematch
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import NoSuchMessage, SendBusy
from airflow_provider_ninebits.ledger.recording import lock_message, refresh_message_state
from airflow_provider_ninebits.ledger.states import MessageState, RequestState
from airflow_provider_ninebits.ledger.undoing import undo_refused

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow_provider_ninebits.ledger.database import Database


def resolve(
    database: Database, message_id: str, *, placed: bool, ref_id: str | None = None, window: timedelta
) -> MessageState:
    """
    Say of an uncertain message whether its calls were placed; its task goes on from there at its next try.

    :param placed: False: the message is sent at the next try.
    :param ref_id: 9bits' id of it, where somebody found it out; without it ``ledger:<id>`` stands for the message.
    :return: the message's state now.
    :raises NoSuchMessage: when the ledger has no such message.
    :raises SendBusy: when its sender is still at work.
    :raises ValueError: for a ``ref_id`` of a message that was not placed.
    """
    if ref_id is not None and not placed:
        raise ValueError("a message that was not placed has no ref_id")
    message, request = schema.message.c, schema.request.c
    with database.writing() as connection:
        lock_message(connection, message_id)
        row = connection.execute(
            select(message.state, message.lease_expires_at).where(message.id == message_id)
        ).one_or_none()
        if row is None:
            raise NoSuchMessage(f"the ledger has no message {message_id}; `ninebits messages list` shows those it has")
        now = ledger_now(connection)
        if row.state == MessageState.SENDING and row.lease_expires_at is not None and row.lease_expires_at > now:
            raise SendBusy(
                f"message {message_id} is being sent until {row.lease_expires_at.isoformat()}; resolve it after that"
            )
        open_requests = (
            connection.execute(
                select(request.id)
                .where(
                    request.message_id == message_id,
                    request.state.in_((RequestState.SENDING, RequestState.UNCERTAIN)),
                )
                .order_by(request.id)
            )
            .scalars()
            .all()
        )
        for request_id in open_requests:
            newest = request_id == open_requests[-1]
            state = RequestState.ACCEPTED if placed and newest else RequestState.REFUSED
            values: dict[str, object] = {"state": state, "known_by": "person", "finished_at": now}
            if ref_id is not None and newest:
                values["ref_id"] = ref_id
            if placed and not newest:
                # Which of several requests placed the calls is not known: the newest speaks for all.
                values = {"state": RequestState.UNCERTAIN, "finished_at": now}
            connection.execute(update(schema.request).where(request.id == request_id).values(**values))
        state_now = refresh_message_state(connection, message_id)
    undo_refused(database, message_id, window=window)
    rematch(database, window=window, ref_ids=[ref_id] if ref_id else (), message_ids=[message_id])
    return state_now
