"""What a purge does to sends and messages, each in one transaction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import String, and_, case, cast, delete, exists, func, insert, literal, or_, select, update

from airflow_provider_ninebits.ledger import event_queue, notices, schema
from airflow_provider_ninebits.ledger.database import lock_numbers
from airflow_provider_ninebits.ledger.purgeable import messages_of
from airflow_provider_ninebits.ledger.states import MessageState, PurgeState, RequestState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

MASK_PREFIX = "masked:"
"""What stands for a number that was masked, with the recipient's id: no callback's number begins like this."""

_UNPLACED = (MessageState.PLANNED, MessageState.REFUSED, MessageState.SENDING, MessageState.UNCERTAIN)


@dataclass(frozen=True)
class Erased:
    """What one transaction has taken, in rows."""

    messages: int
    recipients: int
    callbacks: int


def close(connection: Connection, send_id: str, state: PurgeState, *, forget: bool) -> None:
    """
    Close a send: nothing of it is planned, claimed or sent from here on.

    :param forget: whether its key is free again: nobody was rung.
    """
    send, message = schema.send.c, schema.message.c
    values: dict[str, object] = {"purge_state": state}
    if forget:
        values["idempotency_key"] = None
    connection.execute(update(schema.send).where(send.id == send_id).values(values))
    connection.execute(
        update(schema.message)
        .where(message.send_id == send_id, message.state.in_(_UNPLACED))
        .values(state=MessageState.PURGED, lease_expires_at=None, revision=message.revision + 1)
    )


def remove(connection: Connection, message_ids: Sequence[str], repeats_before: datetime) -> Erased:
    """
    Take messages out, with their requests, recipients and callbacks. Receipts stay where somebody may ask for one.

    :param repeats_before: when a callback must have come not to be repeated by 9bits any more. Of a later one stays
        what makes repeats equal, so that its repeat is not taken for another call.
    """
    callback, recipient, request = schema.callback, schema.recipient, schema.request
    _lock(connection, message_ids)
    _write_receipts(connection, message_ids)
    callbacks = 0
    for theirs in _callbacks_of(message_ids):
        callbacks += connection.execute(
            delete(callback).where(theirs, callback.c.received_at < repeats_before)
        ).rowcount
        callbacks += connection.execute(
            update(callback).where(theirs).values(raw=b"", number=None, detail=None, recipient_id=None, request_id=None)
        ).rowcount
    event_queue.drop_all(connection, message_ids)
    recipients = connection.execute(delete(recipient).where(recipient.c.message_id.in_(message_ids))).rowcount
    connection.execute(delete(request).where(request.c.message_id.in_(message_ids)))
    messages = connection.execute(delete(schema.message).where(schema.message.c.id.in_(message_ids))).rowcount
    notices.changed(connection, message_ids)
    return Erased(messages, recipients, callbacks)


def mask(connection: Connection, message_ids: Sequence[str], repeats_before: datetime) -> Erased:
    """
    Drop the numbers of messages, and everything that may hold one.

    That is raw bodies and 9bits' words, and the hashes by which repeats are known too: there are few enough numbers to
    try them all.

    :param repeats_before: as for :func:`remove`: a later callback keeps its hash until the next purge.
    """
    callback, recipient, request, message = schema.callback, schema.recipient, schema.request, schema.message
    _lock(connection, message_ids)
    callbacks = 0
    for theirs in _callbacks_of(message_ids):
        masked = or_(callback.c.raw != b"", and_(callback.c.identity.is_not(None), _old(repeats_before)))
        callbacks += connection.execute(
            update(callback)
            .where(theirs, masked)
            .values(
                raw=b"",
                number=None,
                detail=None,
                identity=case((_old(repeats_before), None), else_=callback.c.identity),
            )
        ).rowcount
    event_queue.drop_all(connection, message_ids)
    recipients = connection.execute(
        update(recipient)
        .where(recipient.c.message_id.in_(message_ids), ~recipient.c.number.startswith(MASK_PREFIX))
        .values(number=literal(MASK_PREFIX) + cast(recipient.c.id, String))
    ).rowcount
    connection.execute(update(request).where(request.c.message_id.in_(message_ids)).values(detail=None))
    connection.execute(update(message).where(message.c.id.in_(message_ids)).values(from_number=None))
    return Erased(len(message_ids) if recipients else 0, recipients, callbacks)


def finish(connection: Connection, state: PurgeState, send_ids: Sequence[str]) -> int:
    """
    Mark closed sends as done, those that are; a purged one of which nobody may ask for a receipt goes itself.

    :return: how many are done.
    """
    send, message, receipt = schema.send, schema.message, schema.receipt
    theirs = send.c.id.in_(send_ids) & (send.c.purge_state == state)
    if state is PurgeState.MASKING:
        done = connection.execute(update(send).where(theirs, ~_has_hashes()).values(purge_state=PurgeState.MASKED))
        return done.rowcount
    empty = theirs & ~exists().where(message.c.send_id == send.c.id)
    gone = connection.execute(delete(send).where(empty, ~exists().where(receipt.c.send_id == send.c.id))).rowcount
    return gone + connection.execute(update(send).where(empty).values(purge_state=PurgeState.PURGED)).rowcount


def counts(connection: Connection, send_ids: Sequence[str]) -> Erased:
    """Return how many rows some sends have, for a dry run."""
    ids = [message_id for message_id, _ in messages_of(connection, None, send_ids)]
    recipient = schema.recipient.c
    recipients = callbacks = 0
    for some in (ids[start : start + 500] for start in range(0, len(ids), 500)):
        recipients += connection.execute(select(func.count()).where(recipient.message_id.in_(some))).scalar_one()
        for theirs in _callbacks_of(some):
            callbacks += connection.execute(
                select(func.count()).select_from(schema.callback).where(theirs)
            ).scalar_one()
    return Erased(len(ids), recipients, callbacks)


def _lock(connection: Connection, message_ids: Sequence[str]) -> None:
    # Nobody matches or counts a callback meanwhile: in whichever order those lock, ours would be another one.
    lock_numbers(connection, None)
    message = schema.message.c
    connection.execute(
        select(message.id).where(message.id.in_(message_ids)).order_by(message.id).with_for_update()
    ).all()


def _write_receipts(connection: Connection, message_ids: Sequence[str]) -> None:
    send, message, request = schema.send, schema.message, schema.request
    refs: dict[str, list[str | None]] = defaultdict(list)
    placed: set[str] = set()
    for row in connection.execute(
        select(request.c.message_id, request.c.ref_id)
        .where(request.c.message_id.in_(message_ids), request.c.state != RequestState.REFUSED)
        .order_by(request.c.id)
    ):
        placed.add(row.message_id)
        if row.ref_id is not None:
            refs[row.message_id].append(row.ref_id)
    rows = connection.execute(
        select(message.c.id, message.c.send_id, message.c.part, message.c.state, message.c.recipients)
        .join(send, send.c.id == message.c.send_id)
        .where(message.c.id.in_(message_ids), or_(send.c.idempotency_key.is_not(None), message.c.id.in_(placed)))
        .order_by(message.c.id)
    )
    receipts = [
        {
            "send_id": row.send_id,
            "message_id": row.id,
            "part": row.part,
            "state": row.state,
            "recipients": row.recipients,
            "ref_id": ref_id,
        }
        for row in rows
        for ref_id in refs[row.id] or [None]
    ]
    if receipts:
        connection.execute(insert(schema.receipt), receipts)


def _callbacks_of(message_ids: Sequence[str]) -> Iterable[ColumnElement[bool]]:
    """Give the two ways in which a callback is a message's, apart: together they would use neither index."""
    callback, recipient, request = schema.callback.c, schema.recipient.c, schema.request.c
    yield callback.recipient_id.in_(select(recipient.id).where(recipient.message_id.in_(message_ids)))
    # A call that showed a request to have been placed has both, and is among the first.
    of_a_request = callback.request_id.in_(select(request.id).where(request.message_id.in_(message_ids)))
    yield callback.recipient_id.is_(None) & of_a_request


def _old(repeats_before: datetime) -> ColumnElement[bool]:
    return schema.callback.c.received_at < repeats_before


def _has_hashes() -> ColumnElement[bool]:
    callback, recipient, request, message = schema.callback.c, schema.recipient.c, schema.request.c, schema.message.c
    of_a_recipient = (
        exists()
        .where(callback.recipient_id == recipient.id, callback.identity.is_not(None))
        .where(recipient.send_id == schema.send.c.id)
    )
    of_a_request = (
        exists()
        .where(callback.request_id == request.id, callback.recipient_id.is_(None), callback.identity.is_not(None))
        .where(request.message_id == message.id, message.send_id == schema.send.c.id)
    )
    return or_(of_a_recipient, of_a_request)
