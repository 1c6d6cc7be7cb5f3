"""
What a recipient's calls amount to. Pure.

Folding the same calls in another order gives the same recipient: the state only rises, amounts add up, and which call's
times are shown is decided by the calls themselves, not by their arrival.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from airflow_provider_ninebits.ledger.states import RecipientState, raised

_NEVER = datetime.min.replace(tzinfo=UTC)
# The column of a message holds the sum of a thousand of these (`columns.Amount`).
_LARGEST_AMOUNT = Decimal(9 * 10**6)
_ALWAYS = datetime.max.replace(tzinfo=UTC)


class CallRecord(NamedTuple):
    """One attempt at a recipient, as its callback told it."""

    received_at: datetime
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    total_duration: int | None = None
    call_duration: int | None = None
    total_amount: Decimal | None = None


class RecipientRecord(NamedTuple):
    """What is known of a recipient after some calls."""

    state: RecipientState = RecipientState.PENDING
    attempts: int = 0
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    total_duration: int | None = None
    call_duration: int | None = None
    total_amount: Decimal | None = None
    last_callback_at: datetime | None = None


def fold_call(recipient: RecipientRecord, call: CallRecord) -> RecipientRecord:
    """
    Return the recipient after one more call.

    The first answered call counts for the times, or the last one if nobody answered.
    """
    state = RecipientState.UNANSWERED if call.answered_at is None else RecipientState.ANSWERED
    shown = recipient if recipient.attempts and _weight(recipient) >= _weight(call) else call
    return RecipientRecord(
        state=raised(recipient.state, state),
        attempts=recipient.attempts + 1,
        started_at=shown.started_at,
        answered_at=shown.answered_at,
        ended_at=shown.ended_at,
        total_duration=shown.total_duration,
        call_duration=shown.call_duration,
        total_amount=_sum(recipient.total_amount, call.total_amount),
        last_callback_at=max(recipient.last_callback_at or _NEVER, call.received_at),
    )


def _sum(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    if right is None:
        return left
    # A stranger's amounts must not grow past what a column holds: the callback would be refused for its content.
    return min((left or 0) + right, _LARGEST_AMOUNT)


def _weight(call: CallRecord | RecipientRecord) -> tuple[bool, float, float, float, int, int]:
    """Order calls by how much they say: answered before not, the first answered one, the last unanswered one."""
    answered = call.answered_at is not None
    return (
        answered,
        -(call.answered_at or _ALWAYS).timestamp() if answered else 0.0,
        (call.started_at or _NEVER).timestamp() if call.started_at else 0.0,
        (call.ended_at or _NEVER).timestamp() if call.ended_at else 0.0,
        -1 if call.total_duration is None else call.total_duration,
        -1 if call.call_duration is None else call.call_duration,
    )
