"""Messages as people look for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import case, literal, not_, or_, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import NoSuchMessage
from airflow_provider_ninebits.ledger.list_parameters import among
from airflow_provider_ninebits.ledger.receipts import LEDGER_REF_PREFIX, receipts
from airflow_provider_ninebits.ledger.states import MessageState, RequestState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal
    from typing import Any

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection, Row

    from airflow_provider_ninebits.ledger.database import Database


@dataclass(frozen=True)
class MessageSummary:
    """
    One message, in numbers, and who asked for it.

    :param state: uncertain too where its sender did not come back within its lease, whether somebody has noticed that
        or not.
    """

    message_id: str
    created_at: datetime
    state: MessageState
    deployment: str
    conn_id: str
    dag_id: str | None
    run_id: str | None
    task_id: str | None
    map_index: int | None
    part: int
    media_url: str
    recipients: int
    answered: int
    unanswered: int
    failed: int


@dataclass(frozen=True)
class RequestSummary:
    """One POST for a message."""

    request_id: int
    state: RequestState
    ref_id: str | None
    known_by: str | None
    started_at: datetime
    finished_at: datetime | None
    status: int | None
    detail: str | None


def list_messages(
    database: Database,
    *,
    state: MessageState | None = None,
    dag_id: str | None = None,
    ref_id: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[MessageSummary]:
    """
    Return the newest messages, newest first; of several conditions all hold.

    :param ref_id: only the message behind it.
    :param before: a message's id: only those that come after it in this order.
    :raises NoSuchMessage: where the ledger has no message ``before``.
    """
    message = schema.message.c
    with database.reading() as connection:
        statement = _summaries(connection).order_by(message.created_at.desc(), message.id.desc()).limit(limit)
        if dag_id is not None:
            statement = statement.where(schema.send.c.dag_id == dag_id)
        if ref_id is not None:
            statement = statement.where(_is_behind(ref_id))
        if before is not None:
            last = _created_at(connection, before)
            statement = statement.where(
                or_(message.created_at < last, (message.created_at == last) & (message.id < before))
            )
        without_sender = lapsed(connection)
        if state is MessageState.UNCERTAIN:
            statement = statement.where(or_(message.state == state, without_sender))
        elif state is MessageState.SENDING:
            statement = statement.where(message.state == state, not_(without_sender))
        elif state is not None:
            statement = statement.where(message.state == state)
        return [_summary(row) for row in connection.execute(statement)]


def lapsed(connection: Connection) -> ColumnElement[bool]:
    """Return the condition that a message's sender did not come back within its lease."""
    message = schema.message.c
    return (message.state == MessageState.SENDING) & (message.lease_expires_at <= ledger_now(connection))


def show_message(database: Database, message_id: str) -> tuple[MessageSummary, list[RequestSummary]]:
    """
    Return a message and its requests, oldest first.

    :raises NoSuchMessage: when the ledger has none of this id.
    """
    with database.reading() as connection:
        return read_message(connection, message_id)


def read_message(connection: Connection, message_id: str) -> tuple[MessageSummary, list[RequestSummary]]:
    """
    Return what :func:`show_message` does, over a connection that is there.

    :raises NoSuchMessage: when the ledger has none of this id.
    """
    request = schema.request
    row = connection.execute(_summaries(connection).where(schema.message.c.id == message_id)).one_or_none()
    if row is None:
        if receipts(connection, message_id=message_id):
            raise NoSuchMessage(f"message {message_id} was purged; only its ref_id and its count are kept")
        raise NoSuchMessage(f"the ledger has no message {message_id}; `ninebits messages list` shows those it has")
    requests = connection.execute(
        select(request).where(request.c.message_id == message_id).order_by(request.c.id)
    ).all()
    summary = _summary(row)
    return summary, [_request_summary(request, summary) for request in requests]


def _request_summary(row: Row[Any], message: MessageSummary) -> RequestSummary:
    state = RequestState(row.state)
    if state is RequestState.SENDING and message.state is MessageState.UNCERTAIN:
        # Its sender is gone, as its message says.
        state = RequestState.UNCERTAIN
    return RequestSummary(
        row.id, state, row.ref_id, row.known_by, row.started_at, row.finished_at, row.status, row.detail
    )


def _is_behind(ref_id: str) -> ColumnElement[bool]:
    if ref_id.startswith(LEDGER_REF_PREFIX):
        return schema.message.c.id == ref_id.removeprefix(LEDGER_REF_PREFIX)
    request = schema.request.c
    return schema.message.c.id.in_(select(request.message_id).where(request.ref_id == ref_id))


def _created_at(connection: Connection, message_id: str) -> datetime:
    message = schema.message.c
    found: datetime | None = connection.execute(
        select(message.created_at).where(message.id == message_id)
    ).scalar_one_or_none()
    if found is None:
        raise NoSuchMessage(f"the ledger has no message {message_id}, so none comes before it; begin again without it")
    return found


def amounts_of(connection: Connection, message_ids: Iterable[str]) -> dict[str, Decimal]:
    """Return what the calls of some messages have cost, as far as it was reported."""
    message = schema.message.c
    statement = select(message.id, message.total_amount).where(among(message.id, "message_ids"))
    rows = connection.execute(statement, {"message_ids": list(message_ids)})
    return {row.id: row.total_amount for row in rows}


def asked_by_deployment(deployment: str) -> ColumnElement[bool]:
    """
    Return the condition that a message was asked for by an Airflow.

    It looks up each message's send by itself: joined, a database might read all sends for a page of messages.
    """
    send = schema.send.c
    of_message = select(send.deployment).where(send.id == schema.message.c.send_id)
    return of_message.correlate(schema.message).scalar_subquery() == deployment


def read_summaries(connection: Connection, message_ids: Iterable[str]) -> dict[str, MessageSummary]:
    """Return some messages by their ids; those that the ledger does not have are left out."""
    statement = _summaries(connection).where(among(schema.message.c.id, "message_ids"))
    found = map(_summary, connection.execute(statement, {"message_ids": list(message_ids)}))
    return {summary.message_id: summary for summary in found}


def _summaries(connection: Connection) -> Select[Any]:
    message, send = schema.message.c, schema.send.c
    return select(
        message.id.label("message_id"),
        case((lapsed(connection), literal(MessageState.UNCERTAIN.value)), else_=message.state).label("state"),
        *(message[name] for name in ("created_at", "conn_id", "part", "media_url", "recipients")),
        *(message[name] for name in ("answered", "unanswered", "failed")),
        *(send[name] for name in ("deployment", "dag_id", "run_id", "task_id", "map_index")),
    ).join(schema.send, send.id == message.send_id)


def _summary(row: Row[Any]) -> MessageSummary:
    values = {name: getattr(row, name) for name in MessageSummary.__dataclass_fields__}
    return MessageSummary(**{**values, "state": MessageState(values["state"])})


def stirred_since(connection: Connection, message_ids: Iterable[str], since: datetime) -> bool:
    """Return whether one of these messages has a request, or was called back, at a time or later."""
    message, request = schema.message.c, schema.request.c
    given = {"message_ids": list(message_ids)}
    called_back = select(message.id).where(among(message.id, "message_ids"), message.last_callback_at >= since)
    requested = select(request.id).where(among(request.message_id, "message_ids"), request.started_at >= since)
    return any(connection.execute(each.limit(1), given).first() is not None for each in (called_back, requested))
