"""
Alerts that are about the same and ring once: who rings, who is held back, who waits for the one that is ringing.

One pure function decides; each decision is taken in one write transaction, on the ledger's clock. Who is to ring has a
claim with a lease: should it die, or be refused by 9bits, the next one goes on with the same ring, under the same
idempotency key, so that nobody is rung twice whose call was accepted.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now

if TYPE_CHECKING:
    from sqlalchemy import Update
    from sqlalchemy.engine import Connection, Row

    from airflow_provider_ninebits.ledger.database import Database

SET_BACK = timedelta(seconds=60)
"""A moment that is farther ahead was noted before the clock was set back, and keeps nobody from ringing."""
TAKEN_OVER_WITHIN = timedelta(hours=1)
"""How old a ring may be that another goes on with: what was placed long ago is no call for what fails now."""

_NO_CLAIM: dict[str, Any] = {"owner": None, "claimed_until": None}


class AlertVerdict(StrEnum):
    """What becomes of an alert."""

    RING = "ring"
    HELD_BACK = "held back"
    WAIT = "wait"


@dataclass(frozen=True)
class KeyStanding:
    """
    What the ledger knows of a key.

    :param rang_at: when it rang last; None: never.
    :param ring_id: the ring that was begun and has not rung; None: there is none, and no ``begun_at``.
    :param claimed_until: until when somebody is ringing; None: nobody is.
    """

    rang_at: datetime | None = None
    ring_id: str | None = None
    begun_at: datetime | None = None
    claimed_until: datetime | None = None


@dataclass(frozen=True)
class Alert:
    """
    An alert: what it is about, and who gives it, as far as that is known.

    :param key: of all that are about the same, see :func:`~airflow_provider_ninebits.ledger.keys.alert_key`.
    :param dedup_key: the same for people, without whole numbers.
    """

    key: str
    deployment: str
    dedup_key: str
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None


@dataclass(frozen=True)
class Ring:
    """
    A ring to make.

    :param ring_id: part of its idempotency key; it may have been begun by somebody else.
    :param claimed: whether all others wait for it.
    """

    ring_id: str
    claimed: bool = True


@dataclass(frozen=True)
class Ruling:
    """
    What was decided about an alert.

    :param ring: with RING: the one to make.
    :param rang_seconds_ago: with HELD_BACK: when it rang.
    :param held_back: with HELD_BACK: how many were since then, this one among them.
    """

    verdict: AlertVerdict
    ring: Ring | None = None
    rang_seconds_ago: float = 0.0
    held_back: int = 0


@dataclass(frozen=True)
class AlertSummary:
    """One key, as people look at it: what rang last, and what was held back."""

    dedup_key: str
    deployment: str
    rang_at: datetime | None
    rings: int
    held_back: int
    held_back_in_all: int
    held_back_at: datetime | None
    ringing: bool
    dag_id: str | None
    run_id: str | None
    task_id: str | None
    held_back_dag_id: str | None
    held_back_run_id: str | None
    held_back_task_id: str | None


def decide(standing: KeyStanding, now: datetime, cooldown: timedelta) -> AlertVerdict:
    """
    Return what becomes of an alert. Pure. The first rule that fits:

    1. no cooldown: it rings;
    2. it rang less than a cooldown ago: held back;
    3. somebody is ringing, and their claim is not over: wait for them;
    4. else it rings.
    """
    if not cooldown:
        return AlertVerdict.RING
    if standing.rang_at is not None and -SET_BACK <= now - standing.rang_at < cooldown:
        return AlertVerdict.HELD_BACK
    if standing.claimed_until is not None and now < standing.claimed_until and not _is_ahead(standing.begun_at, now):
        return AlertVerdict.WAIT
    return AlertVerdict.RING


def goes_on(standing: KeyStanding, now: datetime, cooldown: timedelta) -> bool:
    """Return whether who rings now goes on with the ring that was begun, whose call may have been accepted. Pure."""
    if not cooldown or standing.ring_id is None or standing.begun_at is None or _is_ahead(standing.begun_at, now):
        return False
    return now - standing.begun_at < min(cooldown, TAKEN_OVER_WITHIN)


def ask(database: Database, alert: Alert, *, cooldown: timedelta, owner: str, lease: timedelta) -> Ruling:
    """
    Decide about an alert. With RING it is claimed for ``owner``, with HELD_BACK it is counted.

    Without a cooldown nothing is claimed: each alert rings by itself.

    :param lease: how long the claim holds.
    :raises LedgerUnreachable: nothing was decided.
    """
    with database.reading() as connection:
        # Most who ask are told to wait, over and over: that must not cost a write.
        row = _row(connection, alert.key)
        if row is not None and decide(_standing(row), ledger_now(connection), cooldown) is AlertVerdict.WAIT:
            return Ruling(AlertVerdict.WAIT)
    try:
        return _ask(database, alert, cooldown, owner, lease)
    except IntegrityError:
        # Two came first at once; the other's row is there now.
        return _ask(database, alert, cooldown, owner, lease)


def note_rung(database: Database, alert: Alert, ring: Ring, *, before: bool = False) -> None:
    """
    Note that a ring has rung: from now on a cooldown counts. Noted by two who made it together, it counts once.

    :param before: whether its call was found accepted, so placed when the ring was begun, or soon after.
    :raises LedgerUnreachable: when it cannot be noted; whoever takes the claim over finds the call accepted.
    """
    table = schema.alert.c
    with database.writing() as connection:
        now = ledger_now(connection)
        rung = update(schema.alert).where(table.key == alert.key)
        values: dict[str, Any] = {"rings": table.rings + 1, "rang_at": now, "held_back": 0, **_place_of(alert)}
        if ring.claimed:
            rung = rung.where(table.ring_id == ring.ring_id)
            values |= _NO_CLAIM | {"ring_id": None, "begun_at": None}
            if before:
                values["rang_at"] = func.coalesce(table.begun_at, now)
        connection.execute(rung.values(**values))


def let_go(database: Database, alert: Alert, owner: str) -> None:
    """
    Let the next one ring: this one's call was not placed.

    :raises LedgerUnreachable: when it cannot be noted; the claim lapses by itself.
    """
    table = schema.alert.c
    with database.writing() as connection:
        connection.execute(update(schema.alert).where(table.key == alert.key, table.owner == owner).values(**_NO_CLAIM))


def hold_back(database: Database, alert: Alert) -> None:
    """
    Count an alert that rang nobody, since somebody else was ringing all the time that it had.

    :raises LedgerUnreachable: when it cannot be counted.
    """
    with database.writing() as connection:
        connection.execute(_held_back(alert, ledger_now(connection)))


def list_alerts(database: Database, *, limit: int = 50) -> list[AlertSummary]:
    """Return the keys with which alerts came last, the newest first."""
    table = schema.alert.c
    with database.reading() as connection:
        now = ledger_now(connection)
        rows = connection.execute(select(schema.alert).order_by(table.seen_at.desc(), table.key).limit(limit)).all()
    return [summary_of(row, now) for row in rows]


def summary_of(row: Row[Any], now: datetime) -> AlertSummary:
    """Return a key as people look at it."""
    ringing = row.claimed_until is not None and now < row.claimed_until
    return AlertSummary(
        **{name: getattr(row, name) for name in AlertSummary.__dataclass_fields__ if name != "ringing"}, ringing=ringing
    )


def _ask(database: Database, alert: Alert, cooldown: timedelta, owner: str, lease: timedelta) -> Ruling:
    with database.writing() as connection:
        row = _row(connection, alert.key, locked=True)
        now = ledger_now(connection)
        standing = KeyStanding() if row is None else _standing(row)
        verdict = decide(standing, now, cooldown)
        if row is None:
            new = insert(schema.alert).values(
                key=alert.key, deployment=alert.deployment, dedup_key=alert.dedup_key, seen_at=now
            )
            connection.execute(new)
        if verdict is AlertVerdict.RING:
            ring = _ring(standing, now, cooldown)
            values: dict[str, Any] = {"seen_at": now}
            if ring.claimed:
                begun_at = standing.begun_at if ring.ring_id == standing.ring_id else now
                values |= {
                    "ring_id": ring.ring_id,
                    "begun_at": begun_at,
                    "owner": owner,
                    "claimed_until": now + lease,
                }
            connection.execute(update(schema.alert).where(schema.alert.c.key == alert.key).values(**values))
            return Ruling(verdict, ring)
        if verdict is AlertVerdict.WAIT or row is None or standing.rang_at is None:
            return Ruling(verdict)
        connection.execute(_held_back(alert, now))
        return Ruling(verdict, None, (now - standing.rang_at).total_seconds(), row.held_back + 1)


def _ring(standing: KeyStanding, now: datetime, cooldown: timedelta) -> Ring:
    if goes_on(standing, now, cooldown) and standing.ring_id is not None:
        return Ring(standing.ring_id)
    return Ring(secrets.token_hex(16), claimed=bool(cooldown))


def _held_back(alert: Alert, now: datetime) -> Update:
    table = schema.alert.c
    return (
        update(schema.alert)
        .where(table.key == alert.key)
        .values(
            held_back=table.held_back + 1,
            held_back_in_all=table.held_back_in_all + 1,
            held_back_at=now,
            seen_at=now,
            **_place_of(alert, "held_back_"),
        )
    )


def _row(connection: Connection, key: str, *, locked: bool = False) -> Row[Any] | None:
    found = select(schema.alert).where(schema.alert.c.key == key)
    return connection.execute(found.with_for_update() if locked else found).one_or_none()


def _standing(row: Row[Any]) -> KeyStanding:
    return KeyStanding(row.rang_at, row.ring_id, row.begun_at, row.claimed_until)


def _place_of(alert: Alert, prefix: str = "") -> dict[str, str | None]:
    return {f"{prefix}{name}": getattr(alert, name) for name in ("dag_id", "run_id", "task_id")}


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment - now > SET_BACK
