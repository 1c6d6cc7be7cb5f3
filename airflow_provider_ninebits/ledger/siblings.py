"""
What other instances of a mapped task have rung.

An instance is known by its index. Where the list that it is expanded over comes in another order, an index that was not
done names somebody whom another index may have rung already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.replanning import KEPT
from airflow_provider_ninebits.ledger.sends import part_of
from airflow_provider_ninebits.ledger.staging import given_table
from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.sends import Part, SendPlan

NOT_MAPPED = -1


def parts_of_siblings(connection: Connection, plan: SendPlan) -> list[Part]:
    """
    Return the parts with which other instances of the same run have, or may have, rung some of the given numbers.

    Only with the same media: who is told two things is rung for each.

    :param connection: the one whose temporary table holds what is given.
    """
    asked_by, send, message, recipient = plan.asked_by, schema.send, schema.message, schema.recipient
    if asked_by.run_id is None or asked_by.map_index is None or asked_by.map_index == NOT_MAPPED:
        return []
    found = connection.execute(
        select(message.c.id)
        .distinct()
        .select_from(send)
        .join(message, message.c.send_id == send.c.id)
        .join(recipient, recipient.c.message_id == message.c.id)
        .join(given_table, given_table.c.number == recipient.c.number)
        .where(
            send.c.run_id == asked_by.run_id,
            send.c.dag_id == asked_by.dag_id,
            send.c.task_id == asked_by.task_id,
            send.c.deployment == asked_by.deployment,
            send.c.map_index != asked_by.map_index,
            message.c.media_url == plan.media,
            message.c.state.in_(KEPT),
        )
        .order_by(message.c.id)
    ).scalars()
    return [part for message_id in found.all() if (part := part_of(connection, message_id)) is not None]


def under_way(connection: Connection, parts: Iterable[Part]) -> bool:
    """Return whether one of some parts is in a request whose answer is still to come."""
    now = ledger_now(connection)
    return any(
        part.state is MessageState.SENDING and part.lease_expires_at is not None and part.lease_expires_at > now
        for part in parts
    )


def leave_out(connection: Connection, parts: Iterable[Part]) -> int:
    """Take the numbers of some parts out of what is given, and return how many of them were in it."""
    recipient = schema.recipient.c
    return sum(
        connection.execute(
            delete(given_table).where(
                given_table.c.number.in_(select(recipient.number).where(recipient.message_id == part.message_id))
            )
        ).rowcount
        for part in parts
    )
