"""Reading progress and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.outcome import CallOutcome, Outcome, Progress, outcome_of
from airflow_provider_ninebits.ledger.receipts import LEDGER_REF_PREFIX, purged_refs
from airflow_provider_ninebits.ledger.states import RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

_IN_LIST = 1000


@dataclass(frozen=True)
class Look:
    """One look at the messages behind some ``ref_id``, at a time on the ledger's clock."""

    progress: Progress
    message_ids: tuple[str, ...]
    now: datetime


def look(database: Database, ref_ids: Sequence[str], *, attempt_window: timedelta) -> Look:
    """
    Return how far the messages behind some ``ref_id`` are, in numbers alone.

    :param attempt_window: how long an unanswered recipient may still be tried again, from its last callback.
    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        return _look(connection, ref_ids, attempt_window)


def read_outcome(database: Database, ref_ids: Sequence[str], *, attempt_window: timedelta) -> tuple[Outcome, Progress]:
    """
    Return what became of every recipient behind some ``ref_id``.

    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    recipient = schema.recipient
    with database.reading() as connection:
        seen = _look(connection, ref_ids, attempt_window)
        calls = []
        for start in range(0, len(seen.message_ids), _IN_LIST):
            some = seen.message_ids[start : start + _IN_LIST]
            rows = connection.execute(
                select(recipient).where(recipient.c.message_id.in_(some)).order_by(recipient.c.id)
            )
            calls += [_call_outcome(row) for row in rows]
    # Counted from the same rows that are listed: between the two queries another callback may have come.
    progress = _recounted(seen.progress, calls)
    return outcome_of(tuple(ref_ids), progress, calls, seen.now), progress


def revisions(database: Database, message_ids: Sequence[str]) -> dict[str, int]:
    """Return the revision of each message, which rises with each change that a wait may ask for."""
    message = schema.message.c
    found: dict[str, int] = {}
    with database.reading() as connection:
        for start in range(0, len(message_ids), _IN_LIST):
            some = message_ids[start : start + _IN_LIST]
            rows = connection.execute(select(message.id, message.revision).where(message.id.in_(some)))
            found.update((row.id, row.revision) for row in rows)
    return found


def _look(connection: Connection, ref_ids: Sequence[str], attempt_window: timedelta) -> Look:
    messages = _messages_of(connection, ref_ids)
    ids = tuple(dict.fromkeys(message_id for found in messages.values() for message_id in found))
    message = schema.message.c
    totals = [0, 0, 0, 0]
    for start in range(0, len(ids), _IN_LIST):
        row = connection.execute(
            select(
                func.coalesce(func.sum(message.recipients), 0),
                func.coalesce(func.sum(message.answered), 0),
                func.coalesce(func.sum(message.unanswered), 0),
                func.coalesce(func.sum(message.failed), 0),
            ).where(message.id.in_(ids[start : start + _IN_LIST]))
        ).one()
        totals = [total + int(more) for total, more in zip(totals, row, strict=True)]
    recipients, answered, unanswered, failed = totals
    unknown = tuple(ref for ref in ref_ids if not messages.get(ref))
    purged = purged_refs(connection, unknown) if unknown else set()
    progress = Progress(
        recipients=recipients,
        answered=answered,
        unanswered=unanswered,
        failed=failed,
        settles_at=_settles_at(connection, ids, attempt_window) if unanswered else None,
        unknown_ref_ids=unknown,
        purged_ref_ids=tuple(ref for ref in unknown if ref in purged),
    )
    return Look(progress, ids, ledger_now(connection))


def _messages_of(connection: Connection, ref_ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    request, message = schema.request.c, schema.message.c
    by_ref = [ref for ref in ref_ids if not ref.startswith(LEDGER_REF_PREFIX)]
    for start in range(0, len(by_ref), _IN_LIST):
        rows = connection.execute(
            select(request.ref_id, request.message_id)
            .where(request.ref_id.in_(by_ref[start : start + _IN_LIST]), request.state != RequestState.REFUSED)
            .order_by(request.id)
        )
        for row in rows:
            found.setdefault(row.ref_id, []).append(row.message_id)
    by_id = [ref.removeprefix(LEDGER_REF_PREFIX) for ref in ref_ids if ref.startswith(LEDGER_REF_PREFIX)]
    for start in range(0, len(by_id), _IN_LIST):
        for message_id in connection.execute(
            select(message.id).where(message.id.in_(by_id[start : start + _IN_LIST]))
        ).scalars():
            found[f"{LEDGER_REF_PREFIX}{message_id}"] = [message_id]
    return found


def _settles_at(connection: Connection, message_ids: Sequence[str], window: timedelta) -> datetime | None:
    if window <= timedelta():
        return None
    recipient = schema.recipient.c
    last = connection.execute(
        select(func.max(recipient.last_callback_at)).where(
            recipient.message_id.in_(message_ids), recipient.state == RecipientState.UNANSWERED
        )
    ).scalar_one()
    return None if last is None else last.astimezone(UTC) + window


def _call_outcome(row: object) -> CallOutcome:
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
