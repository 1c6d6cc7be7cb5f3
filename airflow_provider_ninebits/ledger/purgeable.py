"""Which sends a purge looks at, and what it has to know of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.retention import PartFacts
from airflow_provider_ninebits.ledger.states import MessageState, PurgeState, RequestState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.engine import Connection


@dataclass(frozen=True)
class SendFacts:
    """A send, as far as its keeping goes."""

    id: str
    created_at: datetime
    parts: tuple[PartFacts, ...]


def old_sends(
    connection: Connection,
    state: PurgeState | None,
    before: datetime,
    *,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[SendFacts]:
    """
    Return the sends in one purge state that were planned before a moment, the oldest first.

    :param after: the last one of the page before.
    """
    send = schema.send.c
    statement = (
        select(send.id, send.created_at)
        .where(send.purge_state.is_(None) if state is None else send.purge_state == state, send.created_at < before)
        .order_by(send.created_at, send.id)
        .limit(limit)
    )
    if after is not None:
        created_at, send_id = after
        statement = statement.where(
            or_(send.created_at > created_at, and_(send.created_at == created_at, send.id > send_id))
        )
    return _with_parts(connection, statement)


def locked_sends(connection: Connection, send_ids: Sequence[str]) -> list[SendFacts]:
    """Return sends that nobody plans, claims or answers until this transaction ends."""
    send, message = schema.send.c, schema.message.c
    # Sends before messages, each in a fixed order, as everybody does.
    rows = select(send.id, send.created_at).where(send.id.in_(send_ids)).order_by(send.id)
    connection.execute(rows.with_for_update())
    connection.execute(
        select(message.id).where(message.send_id.in_(send_ids)).order_by(message.id).with_for_update()
    ).all()
    return _with_parts(connection, rows)


def closed_sends(connection: Connection, state: PurgeState, *, after: str, limit: int) -> list[str]:
    """Return the sends that are closed and not done, page by page in the order of their ids."""
    send = schema.send.c
    return list(
        connection.execute(
            select(send.id).where(send.purge_state == state, send.id > after).order_by(send.id).limit(limit)
        ).scalars()
    )


def messages_of(connection: Connection, state: PurgeState | None, send_ids: Sequence[str]) -> list[tuple[str, int]]:
    """
    Return the messages of some sends that are still there, each with how many recipients it has.

    :param state: only of those sends that are in this purge state; None: of all.
    """
    message, send = schema.message.c, schema.send.c
    statement = select(message.id, message.recipients).where(message.send_id.in_(send_ids)).order_by(message.id)
    if state is not None:
        statement = statement.join(schema.send, send.id == message.send_id).where(send.purge_state == state)
    rows = connection.execute(statement)
    return [(row.id, row.recipients) for row in rows]


def _with_parts(connection: Connection, sends: Select[Any]) -> list[SendFacts]:
    rows = connection.execute(sends).all()
    message, request = schema.message, schema.request
    send_ids = [row.id for row in rows]
    last_events: dict[str, datetime] = {}
    maybe_placed: set[str] = set()
    for row in connection.execute(
        select(request.c.message_id, request.c.started_at, request.c.finished_at, request.c.state)
        .join(message, message.c.id == request.c.message_id)
        .where(message.c.send_id.in_(send_ids))
    ):
        event = row.finished_at or row.started_at
        last_events[row.message_id] = max(event, last_events.get(row.message_id, event))
        if row.state != RequestState.REFUSED:
            maybe_placed.add(row.message_id)
    parts: dict[str, list[PartFacts]] = defaultdict(list)
    for row in connection.execute(select(message).where(message.c.send_id.in_(send_ids))):
        events = [row.created_at, last_events.get(row.id), row.last_callback_at]
        parts[row.send_id].append(
            PartFacts(
                state=MessageState(row.state),
                last_event_at=max(event for event in events if event is not None),
                pending=row.recipients - row.answered - row.unanswered - row.failed,
                unanswered=row.unanswered,
                maybe_placed=row.id in maybe_placed,
            )
        )
    return [SendFacts(row.id, row.created_at, tuple(parts[row.id])) for row in rows]
