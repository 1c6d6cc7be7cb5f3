"""When a page loads itself again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.listing import stirred_since
from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ninebits.ledger.listing import MessageSummary
    from airflow_provider_ninebits.page.desk import Desk
    from airflow_provider_ninebits.page.filters import Given

REFRESH_SECONDS = 10
REFRESHED_FOR = timedelta(days=1)
"""
A page refreshes itself while a call is pending that was asked for, placed or called back within this time, or is being
placed: others hardly change.
"""
PLANNED_FOR = timedelta(days=8)
"""
Or that was planned within this time: calling hours are closed for a week at most. What a failed task has left behind
stays planned for ever.
"""
_GONE = (MessageState.REFUSED, MessageState.PURGED, MessageState.REPLACED)


def refresh_seconds(desk: Desk, given: Given, found: Iterable[MessageSummary]) -> int | None:
    """Return after how many seconds a page of some messages loads itself again; None: it does not."""
    if given.get("refresh") == "off":
        return None
    pending = [each for each in found if counts(each)["pending"]]
    now = datetime.now(UTC)
    lately = now - REFRESHED_FOR
    if any(each.created_at >= lately or _is_to_place(each, now) for each in pending):
        return REFRESH_SECONDS
    if not pending:
        return None
    # What was asked for long ago may ring now: with calling hours over a week-end, or sent anew by a person.
    with desk.reading() as connection:
        stirs = stirred_since(connection, [each.message_id for each in pending], lately)
    return REFRESH_SECONDS if stirs else None


def counts(summary: MessageSummary) -> dict[str, int]:
    """Return how many recipients of a message are in each state."""
    settled = summary.answered + summary.unanswered + summary.failed
    pending = 0 if summary.state in _GONE else summary.recipients - settled
    return {
        "answered": summary.answered,
        "unanswered": summary.unanswered,
        "failed": summary.failed,
        "pending": max(pending, 0),
    }


def _is_to_place(summary: MessageSummary, now: datetime) -> bool:
    if summary.state is MessageState.PLANNED:
        return summary.created_at >= now - PLANNED_FOR
    return summary.state is MessageState.SENDING
