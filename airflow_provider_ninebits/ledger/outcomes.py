"""Reading progress and outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.counts import Asked, Look
from airflow_provider_ninebits.ledger.list_parameters import among
from airflow_provider_ninebits.ledger.looks import look_for, looks
from airflow_provider_ninebits.ledger.outcome import CallOutcome, Outcome, Progress, outcome_of
from airflow_provider_ninebits.ledger.states import RecipientState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from airflow_provider_ninebits.ledger.database import Database

# Sorted below: told to sort, SQLite would read all recipients in their order rather than look for these.
_RECIPIENTS = select(schema.recipient).where(among(schema.recipient.c.message_id, "message_ids"))


def look(database: Database, ref_ids: Sequence[str], *, attempt_window: timedelta) -> Look:
    """
    Return how far the messages behind some ``ref_id`` are, in numbers alone.

    :param attempt_window: how long an unanswered recipient may still be tried again, from its last callback.
    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    return look_for(database, [Asked(tuple(ref_ids), attempt_window)])[0]


def read_outcome(database: Database, ref_ids: Sequence[str], *, attempt_window: timedelta) -> tuple[Outcome, Progress]:
    """
    Return what became of every recipient behind some ``ref_id``.

    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        [seen] = looks(connection, [Asked(tuple(ref_ids), attempt_window)])
        rows = connection.execute(_RECIPIENTS, {"message_ids": seen.message_ids}).all()
    calls = [call_outcome(row) for row in sorted(rows, key=lambda row: row.id)]
    # Counted from the same rows that are listed: between the two queries another callback may have come.
    progress = _recounted(seen.progress, calls)
    return outcome_of(tuple(ref_ids), progress, calls, seen.now), progress


def call_outcome(row: object) -> CallOutcome:
    """Return what a row of the recipient table says."""
    values = {
        name: getattr(row, name) for name in CallOutcome.__dataclass_fields__ if name not in ("to_number", "state")
    }
    return CallOutcome(to_number=row.number, state=RecipientState(row.state), **values)  # type: ignore[attr-defined]


def _recounted(progress: Progress, calls: Sequence[CallOutcome]) -> Progress:
    def count(state: RecipientState) -> int:
        return sum(call.state is state for call in calls)

    return Progress(
        recipients=len(calls),
        answered=count(RecipientState.ANSWERED),
        unanswered=count(RecipientState.UNANSWERED),
        failed=count(RecipientState.FAILED),
        settles_at=progress.settles_at,
        unknown_ref_ids=progress.unknown_ref_ids,
        purged_ref_ids=progress.purged_ref_ids,
    )
