"""A person's word on an uncertain message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from airflow_provider_ninebits.ledger import notices, schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import NoSuchMessage, SendBusy
from airflow_provider_ninebits.ledger.rematching import rematch
from airflow_provider_ninebits.ledger.standing import lock_messages, refresh_message_state
from airflow_provider_ninebits.ledger.states import MessageState, RequestState
from airflow_provider_ninebits.ledger.undoing import let_go_of_refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

_OPEN = (RequestState.SENDING, RequestState.UNCERTAIN)


def resolve(
    database: Database, message_id: str, *, placed: bool, ref_id: str | None = None, window: timedelta
) -> MessageState:
    """
    Say of an uncertain message whether its calls were placed; its task goes on from there at its next try.

    What is known of a message already stays: only a ``ref_id`` that was missing is added to one that was placed.

    :param placed: False: the message is sent at the next try.
    :param ref_id: 9bits' id of it, where somebody found it out; without it ``ledger:<id>`` stands for the message.
    :return: the message's state now.
    :raises NoSuchMessage: when the ledger has no such message.
    :raises SendBusy: when its sender is still at work.
    :raises ValueError: for a ``ref_id`` that cannot be this message's: it was not placed, it has another one, or this
        one is another message's. Nothing was changed then.
    """
    if ref_id is not None and not placed:
        raise ValueError("a message that was not placed has no ref_id")
    with database.writing() as connection:
        lock_messages(connection, [message_id], ref_id)
        state = _state_at_rest(connection, message_id)
        request = schema.request.c
        requests = connection.execute(
            select(request.id, request.state, request.ref_id)
            .where(request.message_id == message_id, request.state != RequestState.REFUSED)
            .order_by(request.id)
        ).all()
        if ref_id is not None:
            _check_ref_id(connection, message_id, ref_id, requests)
        if not requests:
            return state
        if placed:
            _take_for_placed(connection, state, requests, ref_id)
        elif state is not MessageState.ACCEPTED:
            refused = [row.id for row in requests]
            _write(connection, refused, RequestState.REFUSED, known_by="person", finished_at=ledger_now(connection))
            let_go_of_refused(connection, message_id, refused)
        state = refresh_message_state(connection, message_id)
        notices.changed(connection, [message_id])
    rematch(database, window=window, ref_ids=[ref_id] if ref_id else (), message_ids=[message_id])
    return state


def _state_at_rest(connection: Connection, message_id: str) -> MessageState:
    message = schema.message.c
    row = connection.execute(
        select(message.state, message.lease_expires_at).where(message.id == message_id)
    ).one_or_none()
    if row is None:
        raise NoSuchMessage(f"the ledger has no message {message_id}; `ninebits messages list` shows those it has")
    lease = row.lease_expires_at
    if row.state == MessageState.SENDING and lease is not None and lease > ledger_now(connection):
        raise SendBusy(f"message {message_id} is being sent until {lease.isoformat()}; resolve it after that")
    return MessageState(row.state)


def _check_ref_id(connection: Connection, message_id: str, ref_id: str, requests: Sequence[Any]) -> None:
    known = [row.ref_id for row in requests if row.ref_id is not None]
    request = schema.request.c
    others = connection.execute(
        select(request.message_id).where(request.ref_id == ref_id, request.message_id != message_id)
    ).scalars()
    if other := others.first():
        raise ValueError(f"the ref_id is that of message {other}, so it cannot be message {message_id}'s; check both")
    if not requests:
        raise ValueError(
            f"nothing of message {message_id} was placed, so it has no ref_id; `ninebits messages show {message_id}` "
            "says what came of its requests"
        )
    if ref_id not in known and len(known) == len(requests):
        raise ValueError(
            f"message {message_id} has the ref_id {', '.join(known)} already, which stays; give this one to the "
            "message that it is of"
        )


def _take_for_placed(
    connection: Connection,
    state: MessageState,
    requests: Sequence[Any],
    ref_id: str | None,
) -> None:
    """Take a message for placed: which of several requests it was is not known, so the newest speaks for all."""
    missing = ref_id is not None and ref_id not in {row.ref_id for row in requests}
    if state is MessageState.ACCEPTED and not missing:
        return
    nameless = [row.id for row in requests if row.ref_id is None]
    now = ledger_now(connection)
    if state is not MessageState.ACCEPTED:
        open_ones = [row.id for row in requests if row.state in _OPEN]
        _write(connection, open_ones, RequestState.UNCERTAIN, finished_at=now)
    _write(connection, nameless[-1:], RequestState.ACCEPTED, ref_id=ref_id, known_by="person", finished_at=now)


def _write(connection: Connection, request_ids: Sequence[int], state: RequestState, **values: object) -> None:
    connection.execute(update(schema.request).where(schema.request.c.id.in_(request_ids)).values(state=state, **values))
