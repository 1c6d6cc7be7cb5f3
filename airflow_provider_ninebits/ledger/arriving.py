"""What a group of callbacks is stored beside, read under the locks of their numbers and ``ref_id``."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ninebits.ledger.database import ledger_now, locks_of
from airflow_provider_ninebits.ledger.driver import ask
from airflow_provider_ninebits.ledger.entries import Entries, entries_of, read_entries
from airflow_provider_ninebits.ledger.entry_queries import held_by
from airflow_provider_ninebits.ledger.matching import CLOCK_SKEW, earliest_request
from airflow_provider_ninebits.ledger.repeats import known_of
from airflow_provider_ninebits.ledger.states import CallbackKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.callbacks import Arrival


class Beside(NamedTuple):
    """
    What was found.

    :param now: the time on the ledger's clock when all locks were had.
    :param known: rows of :func:`~.repeats.known_of`.
    """

    now: datetime
    known: list[tuple[Any, ...]]
    entries: Entries


def look_up(connection: Connection, arrivals: Sequence[Arrival], window: timedelta) -> Beside:
    """
    Lock what a group of callbacks may change, and read it.

    :param connection: one in a write transaction.
    :param window: ``[ninebits] match_window``.
    """
    calls = [arrival for arrival in arrivals if arrival.kind is CallbackKind.CALL and not arrival.inbound]
    numbers = {call.number for call in calls if call.number}
    ref_ids = {call.ref_id for call in calls if call.ref_id}
    starts = [call.started_at for call in calls if call.started_at]
    if connection.dialect.name == "sqlite":
        now = ledger_now(connection)
        (known,) = ask(connection, known_of(connection, arrivals))
        since = earliest_request([now, *starts], window)
        return Beside(now, known, read_entries(connection, numbers, ref_ids, since, locking=True))
    # All in one message. The clock is the server's, so it is the server that looks whether it is earlier.
    span = window + CLOCK_SKEW
    earliest = min(starts) - span if starts else None
    held = held_by(connection, numbers, ref_ids, since=earliest, span=span)
    *_, [(now,)], known, rows = ask(connection, *locks_of(_names(arrivals)), known_of(connection, arrivals), held)
    return Beside(now.astimezone(UTC), known, entries_of(connection, rows, ref_ids))


def _names(arrivals: Sequence[Arrival]) -> set[str] | None:
    """Return what is locked for some callbacks; None: everything, for an API answer."""
    if any(arrival.kind is CallbackKind.ANSWER for arrival in arrivals):
        return None
    names = ((arrival.number or arrival.identity, arrival.ref_id) for arrival in arrivals)
    return {name for both in names for name in both if name}
