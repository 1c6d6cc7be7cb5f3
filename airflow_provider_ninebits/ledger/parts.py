"""The rows of a plan: a send, and the parts that come into it or give way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, insert, select, update

from airflow_provider_ninebits.ledger import notices, schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import SendBusy
from airflow_provider_ninebits.ledger.ids import new_id
from airflow_provider_ninebits.ledger.replanning import KEPT
from airflow_provider_ninebits.ledger.staging import insert_numbers
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.sends import SendPlan


def create_send(connection: Connection, plan: SendPlan, send_id: str, planner: str, lease: timedelta) -> None:
    """Record a send without parts, held by who is going to write them."""
    now = ledger_now(connection)
    connection.execute(
        insert(schema.send).values(
            id=send_id,
            idempotency_key=plan.idempotency_key,
            deployment=plan.asked_by.deployment,
            dag_id=plan.asked_by.dag_id,
            run_id=plan.asked_by.run_id,
            task_id=plan.asked_by.task_id,
            map_index=plan.asked_by.map_index,
            created_at=now,
            planner=planner,
            planner_expires_at=now + lease,
        )
    )


def unsent_parts(connection: Connection, send_id: str) -> Sequence[str]:
    """Return the ids of the parts that were neither placed nor perhaps placed, in order."""
    message = schema.message.c
    return (
        connection.execute(
            select(message.id)
            .where(message.send_id == send_id, message.state.not_in((*KEPT, MessageState.REPLACED)))
            .order_by(message.part)
        )
        .scalars()
        .all()
    )


def give_way(connection: Connection, message_id: str) -> None:
    """
    Let a part that was not sent give way to a new plan: it loses its recipients and keeps its requests.

    :raises SendBusy: when another process has claimed it.
    """
    message = schema.message.c
    # Conditional: a zombie of this task may claim the part at this very moment.
    taken = connection.execute(
        update(schema.message)
        .where(message.id == message_id, message.state.not_in(KEPT))
        .values(state=MessageState.REPLACED, recipients=0, revision=message.revision + 1)
    )
    if taken.rowcount != 1:
        raise SendBusy(
            f"message {message_id} of this send was claimed by another process meanwhile; try again when that has ended"
        )
    callback, recipient = schema.callback.c, schema.recipient.c
    # Of a request that 9bits took back, some may have come. An id that was deleted may be given to another recipient.
    theirs = callback.recipient_id.in_(select(recipient.id).where(recipient.message_id == message_id))
    connection.execute(update(schema.callback).where(theirs).values(recipient_id=None))
    connection.execute(delete(schema.recipient).where(recipient.message_id == message_id))
    notices.changed(connection, [message_id])


def has_recipients(connection: Connection, send_id: str) -> bool:
    """Return whether a send has any; after all that was not sent gave way, these are those of the kept parts."""
    return bool(connection.execute(select(exists().where(schema.recipient.c.send_id == send_id))).scalar_one())


def was_planned_before(connection: Connection, send_id: str) -> bool:
    """Return whether a send had a plan that came to its end: a part of it was asked for, or gave way to this one."""
    message = schema.message.c
    left = exists().where(message.send_id == send_id, message.state != MessageState.PLANNED)
    return bool(connection.execute(select(left)).scalar_one())


def keeps_parts(connection: Connection, send_id: str) -> bool:
    """Return whether a part of a send was, or may have been, placed."""
    message = schema.message.c
    kept = exists().where(message.send_id == send_id, message.state.in_(KEPT))
    return bool(connection.execute(select(kept)).scalar_one())


def next_part(connection: Connection, send_id: str) -> int:
    """Return the place of the next part of a send; those that gave way keep theirs."""
    message = schema.message.c
    last: int = connection.execute(
        select(func.coalesce(func.max(message.part), -1)).where(message.send_id == send_id)
    ).scalar_one()
    return last + 1


def create_part(
    connection: Connection,
    plan: SendPlan,
    send_id: str,
    part: int,
    numbers: Sequence[str],
    now: datetime,
    zones: str | None,
) -> None:
    """Record one part of a send as ``planned``; ``zones``: those of all of its numbers, None: they do not matter."""
    message_id = new_id(now)
    connection.execute(
        insert(schema.message).values(
            id=message_id,
            send_id=send_id,
            part=part,
            conn_id=plan.conn_id,
            dag_id=plan.asked_by.dag_id,
            media_url=plan.media,
            from_number=plan.from_number,
            state=MessageState.PLANNED,
            recipients=len(numbers),
            zones=zones,
            created_at=now,
        )
    )
    fixed = {"send_id": send_id, "message_id": message_id, "state": RecipientState.PENDING.value}
    if insert_numbers(connection, schema.recipient.name, fixed, numbers) != len(numbers):
        raise SendBusy("another process plans this send; try again when that has ended")
