"""What a resumed send keeps, and what it plans anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import KeyInUse, SendBusy
from airflow_provider_ninebits.ledger.sends import (
    create_part,
    create_send,
    find_send,
    read_closed_parts,
    read_parts,
)
from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import Part, SendPlan

_KEPT = frozenset({MessageState.ACCEPTED, MessageState.SENDING, MessageState.UNCERTAIN})


@dataclass(frozen=True)
class Planned:
    """
    A send in the ledger.

    :param resumed: whether it was there before.
    :param difference: what was given differs from what is stored, in words for the log; None: it does not.
    """

    send_id: str
    parts: tuple[Part, ...]
    resumed: bool
    difference: str | None = None


@dataclass(frozen=True)
class StoredPart:
    """A part that the ledger has, with its numbers."""

    message_id: str
    state: MessageState
    media: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Replan:
    """Which parts go, and which numbers are planned instead."""

    replaced: tuple[str, ...]
    numbers: tuple[str, ...]
    difference: str


def compare(stored: list[StoredPart], plan: SendPlan) -> Replan | None:
    """
    Return what has to be planned anew when a send is resumed, or None where what is given is what is stored. Pure.

    Parts that were, or may have been, placed stay as they are; what is given less their numbers takes the place of the
    rest.
    """
    given = [number for numbers in plan.parts for number in numbers]
    known = {number for part in stored for number in part.numbers}
    kept = {number for part in stored if part.state in _KEPT for number in part.numbers}
    open_parts = [part for part in stored if part.state not in _KEPT]
    media_differs = any(part.media != plan.media for part in stored)
    added, removed = set(given) - known, known - set(given)
    if not added and not removed and not media_differs:
        return None
    rest = tuple(number for number in given if number not in kept)
    planned_before = {number for part in open_parts for number in part.numbers}
    unsent_media_differs = any(part.media != plan.media for part in open_parts)
    words = [f"{len(added)} numbers were added", f"{len(removed)} are gone"]
    if media_differs:
        words.append("the media is another one")
    difference = ", ".join(words)
    if set(rest) == planned_before and not unsent_media_differs:
        return Replan((), (), difference)
    return Replan(tuple(part.message_id for part in open_parts), rest, difference)


def plan_send(database: Database, plan: SendPlan, *, replan: bool, part_size: int) -> Planned:
    """
    Record a send, or find the one that has its key.

    :param replan: what to do where the ledger's send has other numbers or other media: plan the unsent rest anew (the
        operator, whose key is its place in the DAG), or refuse.
    :raises KeyInUse: where they differ and ``replan`` is False.
    :raises SendBusy: where another process is sending what was to be planned anew.
    """
    try:
        return _plan(database, plan, replan, part_size)
    except IntegrityError:
        # Two processes came first with one key: the other's send is there now.
        return _plan(database, plan, replan, part_size)


def _plan(database: Database, plan: SendPlan, replan: bool, part_size: int) -> Planned:
    with database.writing() as connection:
        send_id = None if plan.idempotency_key is None else find_send(connection, plan.idempotency_key)
        if send_id is None:
            send_id = create_send(connection, plan)
            return Planned(send_id, tuple(read_parts(connection, send_id)), resumed=False)
        closed = read_closed_parts(connection, send_id)
        if closed is not None:
            return Planned(send_id, tuple(closed), resumed=True)
        change = compare(_stored_parts(connection, send_id), plan)
        if change is not None:
            if not replan:
                raise KeyInUse(
                    f"the idempotency key belongs to a send with other numbers or other media ({change.difference}); "
                    "give this send a key of its own"
                )
            _replace(connection, send_id, plan, change, part_size)
        parts = tuple(read_parts(connection, send_id))
        return Planned(send_id, parts, resumed=True, difference=None if change is None else change.difference)


def _stored_parts(connection: Connection, send_id: str) -> list[StoredPart]:
    message, recipient = schema.message.c, schema.recipient.c
    numbers: dict[str, list[str]] = {}
    for row in connection.execute(
        select(recipient.message_id, recipient.number).where(recipient.send_id == send_id).order_by(recipient.id)
    ):
        numbers.setdefault(row.message_id, []).append(row.number)
    rows = connection.execute(
        select(message.id, message.state, message.media_url)
        .where(message.send_id == send_id, message.state != MessageState.REPLACED)
        .order_by(message.part)
    )
    return [StoredPart(r.id, MessageState(r.state), r.media_url, tuple(numbers.get(r.id, ()))) for r in rows]


def _replace(connection: Connection, send_id: str, plan: SendPlan, change: Replan, part_size: int) -> None:
    message = schema.message.c
    still_open = ~message.state.in_(_KEPT)
    for message_id in change.replaced:
        # Conditional: a zombie of this task may claim the part at this very moment.
        taken = connection.execute(
            update(schema.message)
            .where(message.id == message_id, still_open)
            .values(state=MessageState.REPLACED, recipients=0, revision=message.revision + 1)
        )
        if taken.rowcount != 1:
            raise SendBusy(
                f"message {message_id} of this send was claimed by another process meanwhile; "
                "try again when that has ended"
            )
        connection.execute(delete(schema.recipient).where(schema.recipient.c.message_id == message_id))
    if not change.numbers:
        return
    last = connection.execute(
        select(message.part).where(message.send_id == send_id).order_by(message.part.desc()).limit(1)
    ).scalar_one()
    now = ledger_now(connection)
    for index, start in enumerate(range(0, len(change.numbers), part_size), start=last + 1):
        create_part(connection, plan, send_id, index, change.numbers[start : start + part_size], now)
