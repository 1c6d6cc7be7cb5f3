"""The parts of a send as they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import KeyInUse, NoSuchMessage
from airflow_provider_ninebits.ledger.receipts import LEDGER_REF_PREFIX, receipts
from airflow_provider_ninebits.ledger.states import MessageState, RequestState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database


@dataclass(frozen=True)
class AskedBy:
    """Who asked for a send: shown to people, never compared."""

    deployment: str
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int | None = None


@dataclass(frozen=True)
class SendPlan:
    """
    A send, before anything is recorded of it.

    :param idempotency_key: a hash of ``ledger.keys``; None: nobody can resume it.
    :param media: the media URL without its query string.
    :param numbers: canonical; read once for each planning, as a stream. Repeats are harmless.
    :param excluded: canonical; numbers that are never rung, whoever gives them. Likewise a stream.
    :param max_recipients: how many may be rung at most; None: any number.
    :param zones_of: the time zones of a number, with commas; parts are made of numbers with the same. None: of any.
    """

    idempotency_key: str | None
    conn_id: str
    media: str
    from_number: str | None
    numbers: Iterable[str]
    asked_by: AskedBy
    excluded: Iterable[str] = ()
    max_recipients: int | None = None
    zones_of: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Part:
    """
    A message of a send, as just read.

    :param ref_ids: those of its requests that are known, newest last.
    :param revision: raised by each claim, answer and callback.
    :param zones: the time zones of all of its numbers, with commas; None: it was planned without.
    """

    message_id: str
    part: int
    state: MessageState
    recipients: int
    lease_expires_at: datetime | None
    ref_ids: tuple[str, ...]
    revision: int = 0
    zones: str | None = None

    @property
    def ref(self) -> str:
        """What stands for the message wherever a ``ref_id`` is taken."""
        return self.ref_ids[-1] if self.ref_ids else f"{LEDGER_REF_PREFIX}{self.message_id}"


def last_detail(database: Database, message_id: str) -> str | None:
    """Return what 9bits or the network said to the last request of a message; None: nothing is known."""
    request = schema.request.c
    with database.reading() as connection:
        row = connection.execute(
            select(request.detail, request.status)
            .where(request.message_id == message_id, request.state != RequestState.REFUSED)
            .order_by(request.id.desc())
            .limit(1)
        ).one_or_none()
    if row is None or row.detail is None:
        return None
    return str(row.detail) if row.status is None else f"{row.detail}; HTTP status {row.status}"


def find_send(connection: Connection, idempotency_key: str) -> str | None:
    """Return the id of the send with this key."""
    return connection.execute(
        select(schema.send.c.id).where(schema.send.c.idempotency_key == idempotency_key)
    ).scalar_one_or_none()


def is_unplaced(database: Database, idempotency_key: str) -> bool:
    """
    Return whether it is known that no call of a send was placed: none was begun, or 9bits has refused them all.

    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        send_id = find_send(connection, idempotency_key)
        parts = [] if send_id is None else read_parts(connection, send_id)
    return all(part.state in (MessageState.PLANNED, MessageState.REFUSED) for part in parts)


def read_parts(connection: Connection, send_id: str) -> list[Part]:
    """Return the parts of a send, in order, without those that were replaced."""
    message = schema.message.c
    rows = connection.execute(
        select(
            *(message.id, message.part, message.state, message.recipients, message.lease_expires_at),
            *(message.revision, message.zones),
        )
        .where(message.send_id == send_id, message.state != MessageState.REPLACED)
        .order_by(message.part)
    ).all()
    refs = _known_refs(connection, schema.message.c.send_id == send_id)
    parts = [
        Part(
            *(r.id, r.part, MessageState(r.state), r.recipients, r.lease_expires_at, tuple(refs.get(r.id, ()))),
            *(r.revision, r.zones),
        )
        for r in rows
    ]
    purged = [part for part in _purged_parts(connection, send_id=send_id) if part.state is not MessageState.REPLACED]
    return sorted(parts + purged, key=lambda part: part.part)


def placed_refs(database: Database, idempotency_key: str | None) -> list[str]:
    """Return what is known of the parts that were placed, for a send that did not come to its end."""
    if idempotency_key is None:
        return []
    with database.reading() as connection:
        send_id = find_send(connection, idempotency_key)
        parts = [] if send_id is None else read_parts(connection, send_id)
    return [part.ref for part in parts if part.state is MessageState.ACCEPTED]


def read_closed_parts(connection: Connection, send_id: str) -> list[Part]:
    """
    Return the parts of a send whose numbers were purged.

    :raises KeyInUse: when parts of it are not known to be placed: whom to ring is not known any more.
    """
    parts = read_parts(connection, send_id)
    unplaced = [part for part in parts if part.state is not MessageState.ACCEPTED]
    if unplaced:
        raise KeyInUse(
            f"the idempotency key belongs to a send that was purged, with {len(unplaced)} of its {len(parts)} parts "
            f"({sum(part.recipients for part in unplaced)} recipients) not known to be placed. Nothing was sent: whom "
            "it has rung is not known any more. To ring now, use another key (for a task: another run)"
        )
    return parts


def read_part(database: Database, message_id: str) -> tuple[Part, datetime]:
    """Return a message as it stands, and the time on the ledger's clock."""
    with database.reading() as connection:
        part = part_of(connection, message_id)
        if part is None:
            raise NoSuchMessage(f"the ledger has no message {message_id}")
        return part, ledger_now(connection)


def numbers_of(database: Database, message_id: str) -> list[str]:
    """Return the numbers of a message, in the order in which they were given."""
    recipient = schema.recipient.c
    with database.reading() as connection:
        found = connection.execute(
            select(recipient.number).where(recipient.message_id == message_id).order_by(recipient.id)
        )
        return list(found.scalars())


def part_of(connection: Connection, message_id: str) -> Part | None:
    """Return a message as it stands; None: there never was one with this id."""
    message = schema.message.c
    row = connection.execute(
        select(
            *(message.part, message.state, message.recipients, message.lease_expires_at),
            *(message.revision, message.zones),
        ).where(message.id == message_id)
    ).one_or_none()
    if row is None:
        return next(iter(_purged_parts(connection, message_id=message_id)), None)
    refs = _known_refs(connection, message.id == message_id)
    return Part(
        message_id,
        row.part,
        MessageState(row.state),
        row.recipients,
        row.lease_expires_at,
        tuple(refs.get(message_id, ())),
        row.revision,
        row.zones,
    )


def _purged_parts(connection: Connection, *, send_id: str | None = None, message_id: str | None = None) -> list[Part]:
    parts: dict[str, Part] = {}
    for row in receipts(connection, send_id=send_id, message_id=message_id):
        before = parts.get(row.message_id)
        ref_ids = (*(before.ref_ids if before else ()), *((row.ref_id,) if row.ref_id is not None else ()))
        parts[row.message_id] = Part(row.message_id, row.part, MessageState(row.state), row.recipients, None, ref_ids)
    return list(parts.values())


def _known_refs(connection: Connection, which_messages: object) -> dict[str, list[str]]:
    request = schema.request.c
    rows = connection.execute(
        select(request.message_id, request.ref_id)
        .join(schema.message, schema.message.c.id == request.message_id)
        .where(which_messages, request.ref_id.is_not(None), request.state != RequestState.REFUSED)  # type: ignore[arg-type]
        .order_by(request.id)
    )
    refs: dict[str, list[str]] = {}
    for row in rows:
        refs.setdefault(row.message_id, []).append(row.ref_id)
    return refs
