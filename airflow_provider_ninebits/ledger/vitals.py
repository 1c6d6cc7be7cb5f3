"""What tells whether a ledger, and all that writes to it, is well. Everything here only reads, and reads little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, literal_column, or_, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.escalations import TAKEN_WITHIN, WATCHED_WITHIN
from airflow_provider_ninebits.ledger.listing import lapsed
from airflow_provider_ninebits.ledger.states import CallbackKind, MessageState, RequestState

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

NEWEST_CALLBACKS = 1000
"""How many of the newest callbacks are looked at; the index on ``received_at`` finds them."""
_MOST_RECEIVERS = 1000
_CALLS_READ = 200
# A call takes some hundred bytes. A body without end is no sample of the zone that 9bits writes.
_LARGEST_CALL_BYTES = 4096


@dataclass(frozen=True)
class ReceiverRow:
    """One start of a receiver; see the columns of the same names."""

    host: str
    started_at: datetime
    heartbeat_at: datetime
    stopped: bool
    unauthorized: int = 0
    last_unauthorized_at: datetime | None = None
    oversized: int = 0
    last_oversized_at: datetime | None = None
    unavailable: int = 0
    last_unavailable_at: datetime | None = None


@dataclass(frozen=True)
class ReceiverRows:
    """
    The receivers that were up last.

    :param sent: whether the ledger has any message.
    :param stored_at: when the newest callback came that is kept; None: there is none.
    """

    now: datetime
    rows: tuple[ReceiverRow, ...]
    sent: bool
    stored_at: datetime | None = None


@dataclass(frozen=True)
class CallbackRow:
    """One of the newest callbacks, in what tells whether callbacks arrive well."""

    received_at: datetime
    kind: str
    match_state: str


@dataclass(frozen=True)
class CallbackRows:
    """
    The newest callbacks.

    :param calls: of the newest calls that have an end, when they came, and their bodies.
    :param uncertain: how many messages wait for a person's word, those included whose sender did not come back.
    :param accepted_meanwhile: whether 9bits accepted a message of this ledger from the first of them to the last.
    """

    now: datetime
    rows: tuple[CallbackRow, ...]
    calls: tuple[tuple[datetime, bytes], ...]
    uncertain: int
    accepted_meanwhile: bool = False


@dataclass(frozen=True)
class LadderRows:
    """
    The ladders of one deployment that alerts began lately.

    :param seen_at: when the watcher of their DAG looked last; None: never.
    :param begun: how many there are.
    :param left: how many of them nobody has taken in time.
    """

    now: datetime
    seen_at: datetime | None
    begun: int
    left: int

    @property
    def watched(self) -> bool:
        """Whether a watcher looks for them."""
        return self.seen_at is not None and self.now - self.seen_at <= WATCHED_WITHIN


def receivers(database: Database) -> ReceiverRows:
    """Return the receivers that were up last, the latest first."""
    receiver = schema.receiver.c
    columns = [receiver[name] for name in ReceiverRow.__dataclass_fields__]
    with database.reading() as connection:
        rows = connection.execute(select(*columns).order_by(receiver.heartbeat_at.desc()).limit(_MOST_RECEIVERS))
        return ReceiverRows(
            now=ledger_now(connection),
            rows=tuple(ReceiverRow(**row._mapping) for row in rows),
            sent=connection.execute(select(schema.message.c.id).limit(1)).first() is not None,
            stored_at=connection.execute(select(func.max(schema.callback.c.received_at))).scalar(),
        )


def callbacks(database: Database) -> CallbackRows:
    """Return the newest callbacks, and how many messages wait for a person."""
    callback = schema.callback.c
    newest = (
        select(callback.id, callback.received_at, callback.kind, callback.match_state)
        .order_by(callback.received_at.desc())
        .limit(NEWEST_CALLBACKS)
    ).subquery()
    calls = (
        select(callback.received_at, callback.raw)
        .where(callback.id.in_(select(newest.c.id)), callback.kind == CallbackKind.CALL, callback.ended_at.is_not(None))
        .where(func.length(callback.raw) <= _LARGEST_CALL_BYTES)
        .order_by(callback.received_at.desc())
        .limit(_CALLS_READ)
    )
    request = schema.request.c
    with database.reading() as connection:
        rows = tuple(
            CallbackRow(row.received_at, row.kind, row.match_state) for row in connection.execute(select(newest))
        )
        came = [row.received_at for row in rows]
        meanwhile = select(request.id).where(request.state == RequestState.ACCEPTED).limit(1)
        if came:
            meanwhile = meanwhile.where(request.started_at.between(min(came), max(came)))
        return CallbackRows(
            now=ledger_now(connection),
            rows=rows,
            calls=tuple((row.received_at, bytes(row.raw)) for row in connection.execute(calls)),
            uncertain=count_uncertain(connection),
            accepted_meanwhile=bool(came) and connection.execute(meanwhile).first() is not None,
        )


def count_uncertain(connection: Connection) -> int:
    """Return how many messages wait for a person's word, those included whose sender did not come back."""
    # Written out, not bound: only then the index of open messages serves it.
    is_open = schema.message.c.state.in_((literal_column("'sending'"), literal_column("'uncertain'")))
    waits = or_(schema.message.c.state == MessageState.UNCERTAIN, lapsed(connection))
    count = select(func.count()).select_from(schema.message).where(is_open, waits)
    return connection.execute(count).scalar_one()


def ladders(database: Database, deployment: str, *, within: timedelta) -> LadderRows:
    """
    Return how the ladders of a deployment are looked after.

    :param within: older ones are not counted.
    """
    escalation, watch = schema.escalation.c, schema.escalation_watch.c
    with database.reading() as connection:
        now = ledger_now(connection)
        lately = (escalation.deployment == deployment) & (escalation.created_at >= now - within)
        left = lately & escalation.taken_by.is_(None) & (escalation.created_at < now - TAKEN_WITHIN)
        count = select(func.count()).select_from(schema.escalation)
        return LadderRows(
            now=now,
            seen_at=connection.execute(select(watch.seen_at).where(watch.deployment == deployment)).scalar(),
            begun=connection.execute(count.where(lately)).scalar_one(),
            left=connection.execute(count.where(left)).scalar_one(),
        )
