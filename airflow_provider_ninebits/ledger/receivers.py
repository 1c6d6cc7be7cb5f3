"""Heartbeats of the webhook receivers: since when one has been up, without a gap, and what it turned away."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.states import CallbackKind, MatchState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

HEARTBEAT_SECONDS = 5.0
LONGEST_GAP = timedelta(seconds=3 * HEARTBEAT_SECONDS)
"""Without a heartbeat for longer, a receiver was not up: suspended, or cut off from the ledger."""
# Two of SQLite's pages, so that it needs room of its own; random, since PostgreSQL would compress it.
_PROBE_BYTES = 8192


@dataclass(frozen=True)
class TurnedAway:
    """How many callbacks a receiver answered 401, 413 and 503 since its last heartbeat."""

    unauthorized: int = 0
    oversized: int = 0
    unavailable: int = 0


def register(database: Database, host: str) -> str:
    """Note that a receiver is up, and return the id of this start."""
    receiver_id = secrets.token_hex(16)
    with database.writing() as connection:
        now = ledger_now(connection)
        connection.execute(
            insert(schema.receiver).values(id=receiver_id, host=host, started_at=now, up_since=now, heartbeat_at=now)
        )
    return receiver_id


def heartbeat(
    database: Database,
    receiver_id: str,
    turned_away: TurnedAway,
    *,
    counted_until: datetime | None = None,
    stopping: bool = False,
) -> bool:
    """
    Note that a receiver is still up, and what it turned away since the last time.

    :param counted_until: before which nothing was turned away that is not counted, on the ledger's clock; None: now.
    :param stopping: whether this is the last time: it ends in order, and turns nothing away any more.
    :return: False: the ledger does not know the receiver, and noted nothing. It has to register again.
    """
    receiver = schema.receiver.c
    with database.writing() as connection:
        now = counted_until or ledger_now(connection)
        last = connection.execute(select(receiver.heartbeat_at).where(receiver.id == receiver_id)).scalar_one_or_none()
        if last is None:
            return False
        values: dict[str, object] = {"heartbeat_at": now, "stopped": stopping}
        if now - last > LONGEST_GAP:
            values["up_since"] = now
        for kind in TurnedAway.__dataclass_fields__:
            if count := getattr(turned_away, kind):
                values[kind] = receiver[kind] + count
                values[f"last_{kind}_at"] = now
        connection.execute(update(schema.receiver).where(receiver.id == receiver_id).values(values))
    return True


def probe_write(database: Database) -> None:
    """
    Try whether the ledger takes a write, and leave nothing of it.

    It takes room, where callbacks do, and is committed: what changes no page is taken on a full disk too.

    :raises LedgerUnreachable: when it does not.
    """
    with database.writing() as connection:
        callback = schema.callback
        like_one = {"kind": CallbackKind.UNREADABLE, "match_state": MatchState.UNREADABLE, "detail": "a probe"}
        probe_id = connection.execute(
            insert(callback)
            .values(**like_one, received_at=ledger_now(connection), raw=secrets.token_bytes(_PROBE_BYTES))
            .returning(callback.c.id)
        ).scalar_one()
        connection.execute(delete(callback).where(callback.c.id == probe_id))


@dataclass(frozen=True)
class TurnedAwayLately:
    """
    What receivers have turned away, each counted since it was started: when the others but the last came is not known.

    :param unauthorized: answered 401: 9bits does not send those again.
    :param last_unauthorized_at: None: there was none.
    :param unauthorized_since: the start of the receiver that has counted for longest.
    """

    unauthorized: int = 0
    last_unauthorized_at: datetime | None = None
    unauthorized_since: datetime | None = None
    oversized: int = 0
    last_oversized_at: datetime | None = None
    oversized_since: datetime | None = None
    unavailable: int = 0
    last_unavailable_at: datetime | None = None
    unavailable_since: datetime | None = None


def turned_away_since(connection: Connection, since: datetime) -> TurnedAwayLately:
    """Return what was turned away by the receivers that have turned something away since then."""
    receiver = schema.receiver.c
    kinds = ("unauthorized", "oversized", "unavailable")
    rows = connection.execute(
        select(receiver.started_at, *(receiver[each] for kind in kinds for each in (kind, f"last_{kind}_at"))).where(
            or_(*(receiver[f"last_{kind}_at"] >= since for kind in kinds))
        )
    ).all()
    found: dict[str, int | datetime | None] = {}
    for kind in kinds:
        lately = [row for row in rows if (at := getattr(row, f"last_{kind}_at")) is not None and at >= since]
        found[kind] = sum(getattr(row, kind) for row in lately)
        found[f"last_{kind}_at"] = max((getattr(row, f"last_{kind}_at") for row in lately), default=None)
        found[f"{kind}_since"] = min((row.started_at for row in lately), default=None)
    return TurnedAwayLately(**found)  # type: ignore[arg-type]
