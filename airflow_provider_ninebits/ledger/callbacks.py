"""
Storing callbacks, and matching them.

A callback is committed together with what it changed: what was answered with 2xx is on disk, and either settled
somebody or stays findable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.arriving import look_up
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.rematching import try_for_or_later
from airflow_provider_ninebits.ledger.repeats import without_repeats
from airflow_provider_ninebits.ledger.states import Kind, MatchState
from airflow_provider_ninebits.ledger.verdicts import match_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.kept import KeptConnection


class Arrival(NamedTuple):
    """
    One callback, read, before it is stored.

    :param raw: as it came.
    :param identity: what makes two of them repeats; None: nothing does.
    :param conn_path: the connection named in the URL; None: the account's one path.
    """

    kind: Kind
    raw: bytes
    identity: str | None = None
    conn_path: str | None = None
    ref_id: str | None = None
    number: str | None = None
    inbound: bool = False
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    total_duration: int | None = None
    call_duration: int | None = None
    total_amount: Decimal | None = None
    status: int | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Stored:
    """What became of a group of callbacks, in counts."""

    new: int = 0
    repeats: int = 0
    matched: int = 0


def store(
    database: Database,
    arrivals: Sequence[Arrival],
    *,
    window: timedelta,
    receiver_id: str | None = None,
    kept: KeptConnection | None = None,
) -> Stored:
    """
    Commit a group of callbacks, in one transaction, and match them.

    :param window: ``[ninebits] match_window``.
    :param kept: the connection to do it over; None: any.
    :raises LedgerUnreachable: when none of them was stored.
    """
    with (kept or database).writing() as connection:
        beside = look_up(connection, arrivals, window)
        found = without_repeats(connection, arrivals, beside.known)
        rows = [
            {**_row(arrival, beside.now), "receiver_id": receiver_id, "repeats": found.again[arrival.identity]}
            for arrival in found.fresh
        ]
        news, changes = match_rows(connection, rows, beside.now, window, beside.entries)
        write(connection, *changes, Change(schema.callback, rows), last=True)
    # Whoever else brought a callback of one of these numbers has waited for this transaction.
    waiting = found.waiting | {row["number"] for row in rows if row["match_state"] == MatchState.UNMATCHED}
    news = replace(news, numbers=news.numbers & waiting)
    try_for_or_later(database, news, window)
    matched = sum(row["match_state"] == MatchState.MATCHED for row in rows)
    return Stored(new=len(rows), repeats=found.again.total(), matched=matched)


def _row(arrival: Arrival, now: datetime) -> dict[str, Any]:
    state = MatchState.UNMATCHED
    if arrival.kind is Kind.UNREADABLE:
        state = MatchState.UNREADABLE
    elif arrival.inbound:
        state = MatchState.INBOUND
    return {
        **arrival._asdict(),
        "received_at": now,
        "match_state": state,
        "ambiguous": False,
        "recipient_id": None,
        "request_id": None,
    }
