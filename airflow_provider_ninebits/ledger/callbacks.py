"""
Storing callbacks, and matching them.

A callback is committed together with what it changed: what was answered with 2xx is on disk, and either settled
somebody or stays findable.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.arriving import look_up
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.rematching import try_for_or_later
from airflow_provider_ninebits.ledger.repeats import Sorted, without_repeats
from airflow_provider_ninebits.ledger.states import CallbackKind, MatchState
from airflow_provider_ninebits.ledger.verdicts import match_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.kept_connection import KeptConnection

_REPEAT = "repeat"


class Arrival(NamedTuple):
    """
    One callback, read, before it is stored.

    :param raw: as it came.
    :param identity: what makes two of them repeats; None: nothing does.
    :param conn_path: the connection named in the URL; None: the account's one path.
    """

    kind: CallbackKind
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
    """
    What became of a group of callbacks, in counts.

    :param by_outcome: how many there were, by what they say and whose they are: ``("answered", "matched")``.
    :param first_callbacks: the connections of messages of which nothing had been heard before, each with the seconds
        from its request to now.
    """

    new: int = 0
    repeats: int = 0
    matched: int = 0
    by_outcome: dict[tuple[str, str], int] = field(default_factory=dict, compare=False)
    first_callbacks: tuple[tuple[str, float], ...] = field(default=(), compare=False)


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
        found = without_repeats(arrivals, beside.known)
        rows = [_row(arrival, beside.now, receiver_id, found.again[arrival.identity]) for arrival in found.fresh]
        news, changes = match_rows(connection, rows, beside.now, window, beside.entries)
        write(connection, *changes, found.counted, Change(schema.callback, rows), last=True)
    # Whoever else brought a callback of one of these numbers has waited for this transaction.
    waiting = found.waiting | {row["number"] for row in rows if row["match_state"] == MatchState.UNMATCHED}
    news = replace(news, numbers=news.numbers & waiting)
    try_for_or_later(database, news, window)
    return _stored(rows, arrivals, found, news.first_callbacks)


def _stored(
    rows: Sequence[dict[str, Any]],
    arrivals: Sequence[Arrival],
    found: Sorted,
    first_callbacks: tuple[tuple[str, float], ...],
) -> Stored:
    fates = Counter([(row["kind"], row["answered_at"] is None, row["match_state"]) for row in rows])
    if again := found.again.total():
        said = Counter([(arrival.kind, arrival.answered_at is None) for arrival in arrivals])
        said -= Counter([(arrival.kind, arrival.answered_at is None) for arrival in found.fresh])
        fates.update({(*each, _REPEAT): count for each, count in said.items()})
    by_outcome: Counter[tuple[str, str]] = Counter()
    for (kind, unanswered, match), count in fates.items():
        call = "unanswered" if unanswered else "answered"
        # As plain strings: they go to another process.
        by_outcome[call if kind == CallbackKind.CALL else str(kind), str(match)] += count
    matched = sum(count for (_, match), count in by_outcome.items() if match == MatchState.MATCHED)
    return Stored(len(rows), again, matched, dict(by_outcome), first_callbacks)


def _row(arrival: Arrival, now: datetime, receiver_id: str | None, repeats: int) -> dict[str, Any]:
    state = MatchState.UNMATCHED
    if arrival.kind is CallbackKind.UNREADABLE:
        state = MatchState.UNREADABLE
    elif arrival.inbound:
        state = MatchState.INBOUND
    row = arrival._asdict()
    row.update(
        received_at=now,
        receiver_id=receiver_id,
        repeats=repeats,
        match_state=state,
        ambiguous=False,
        recipient_id=None,
        request_id=None,
    )
    return row
