"""Reading what the ledger holds about a message in doubt: its receivers, and the callbacks that came meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.book import Book
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.entries import read_entries
from airflow_provider_ninebits.ledger.evidence import Evidence, Witness
from airflow_provider_ninebits.ledger.matching import CallFacts, possible_messages
from airflow_provider_ninebits.ledger.states import CallbackKind, MatchState, RequestState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database


def read_evidence(database: Database, message_id: str, *, window: timedelta) -> Evidence:
    """
    Return what the ledger holds about a message of which nobody knows whether it was placed.

    :param message_id: it has a request that was not refused.
    :param window: ``[ninebits] match_window``.
    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    request = schema.request.c
    with database.reading() as connection:
        requests = connection.execute(
            select(request.conn_id, request.started_at)
            .where(request.message_id == message_id, request.state != RequestState.REFUSED)
            .order_by(request.id)
        ).all()
        last = requests[-1]
        return Evidence(
            requested_at=last.started_at,
            witnesses=_witnesses(connection, last.conn_id, last.started_at),
            possible_callbacks=_possible_callbacks(connection, message_id, requests, window),
            purged=_purged_since(connection, requests[0].started_at),
        )


def _witnesses(connection: Connection, conn_id: str, requested_at: datetime) -> list[Witness]:
    receiver = schema.receiver.c
    found = connection.execute(select(schema.receiver).order_by(receiver.started_at)).all()
    return [
        Witness(
            host=row.host,
            up_since=row.up_since,
            heartbeat_at=row.heartbeat_at,
            stopped=row.stopped,
            reached_at=_reached_at(connection, row, conn_id, requested_at) if row.up_since <= requested_at else None,
            turned_away_at=max(
                (at for at in (row.last_unauthorized_at, row.last_oversized_at, row.last_unavailable_at) if at),
                default=None,
            ),
        )
        for row in found
    ]


def _purged_since(connection: Connection, moment: datetime) -> bool:
    later = select(schema.purge.c.id).where(schema.purge.c.purged_until > moment).limit(1)
    return connection.execute(later).first() is not None


def _reached_at(connection: Connection, receiver: Any, conn_id: str, before: datetime) -> datetime | None:
    callback, message, request = schema.callback, schema.message, schema.request
    recipients = (
        select(schema.recipient.c.id)
        .join(message, message.c.id == schema.recipient.c.message_id)
        .where(schema.recipient.c.id == callback.c.recipient_id, message.c.conn_id == conn_id)
    )
    requests = select(request.c.id).where(request.c.id == callback.c.request_id, request.c.conn_id == conn_id)
    # Backwards along the index of arrivals: a receiver that is reached is found at its newest callback.
    found: datetime | None = connection.execute(
        select(callback.c.received_at)
        .where(
            callback.c.received_at.between(receiver.started_at, before),
            callback.c.receiver_id == receiver.id,
            or_(callback.c.conn_path == conn_id, recipients.exists(), requests.exists()),
        )
        .order_by(callback.c.received_at.desc())
        .limit(1)
    ).scalar_one_or_none()
    return found


def _possible_callbacks(connection: Connection, message_id: str, requests: Sequence[Any], window: timedelta) -> int:
    """Count what came since the first request that this message's calls could have caused, wherever it was matched."""
    callback, recipient = schema.callback.c, schema.recipient.c
    numbers = select(recipient.number).where(recipient.message_id == message_id)
    unknown: ColumnElement[bool] = (
        (callback.kind == CallbackKind.UNREADABLE)
        | ((callback.kind == CallbackKind.CALL) & callback.number.is_(None) & ~callback.inbound)
        | ((callback.kind == CallbackKind.ANSWER) & (callback.match_state == MatchState.UNMATCHED))
    )
    ours = (callback.kind == CallbackKind.CALL) & callback.number.in_(numbers) & ~callback.inbound
    conn_ids = {request.conn_id for request in requests}
    rows = (
        connection.execute(
            select(schema.callback).where(
                callback.received_at >= requests[0].started_at,
                or_(callback.conn_path.is_(None), callback.conn_path.in_(conn_ids)),
                or_(unknown, ours),
            )
        )
        .mappings()
        .all()
    )
    calls = [row for row in rows if row["kind"] == CallbackKind.CALL and row["number"] is not None]
    entries = read_entries(
        connection,
        {row["number"] for row in calls},
        {row["ref_id"] for row in calls if row["ref_id"]},
        requests[0].started_at,
        locking=False,
    )
    book = Book(connection, entries, ledger_now(connection))
    possible = sum(message_id in _possible_for(book, row, window) for row in calls)
    return len(rows) - len(calls) + possible


def _possible_for(book: Book, row: Any, window: timedelta) -> set[str]:
    bearers, elsewhere = book.bearers(row["ref_id"], row["conn_path"])
    return possible_messages(
        CallFacts(row["ref_id"], row["started_at"], row["received_at"]),
        book.candidates(row["number"], row["conn_path"]),
        bearers,
        window=window,
        bearers_elsewhere=elsewhere,
    )
