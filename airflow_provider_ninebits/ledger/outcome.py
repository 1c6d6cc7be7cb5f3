"""
What a wait is told, and when it is over. Pure.

Every place that waits (a poke, a trigger, a resumed task, the command line) asks the functions here, so that all modes
come to the same end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from airflow_provider_ninebits.ledger.states import RecipientState

CALLS_IN_XCOM = 100
"""XCom is a database row: it gets at most this many calls."""

WaitFor = Literal["all", "any"]
FailOn = Literal[False, "all", "any"]


@dataclass(frozen=True)
class Progress:
    """
    How far the messages behind some ``ref_id`` are, in numbers alone.

    :param settles_at: when the last attempt window closes; None: none is open.
    :param unknown_ref_ids: those that no request of the ledger has.
    :param purged_ref_ids: those of them whose messages were purged: they stay unknown.
    """

    recipients: int
    answered: int
    unanswered: int
    failed: int
    settles_at: datetime | None = None
    unknown_ref_ids: tuple[str, ...] = ()
    purged_ref_ids: tuple[str, ...] = ()

    @property
    def pending(self) -> int:
        """Recipients of whom nothing came back."""
        return self.recipients - self.answered - self.unanswered - self.failed

    def settled(self, now: datetime) -> bool:
        """Whether there are recipients, and nothing is pending or inside its attempt window."""
        if self.unknown_ref_ids or not self.recipients or self.pending:
            return False
        return self.settles_at is None or self.settles_at <= now


def is_over(progress: Progress, wait_for: WaitFor, now: datetime) -> bool:
    """Return whether a wait has what it waited for: everything settled, or (``any``) somebody who answered."""
    if wait_for == "any" and progress.answered:
        return True
    return progress.settled(now)


def disappoints(progress: Progress, fail_on_unanswered: FailOn) -> bool:
    """
    Return whether a finished wait counts as failed.

    :param fail_on_unanswered: ``"all"``: when anyone did not answer, or failed;
        ``"any"``: when nobody answered.
    """
    if fail_on_unanswered == "all":
        return progress.answered < progress.recipients
    if fail_on_unanswered == "any":
        return progress.answered == 0
    return False


@dataclass(frozen=True)
class CallOutcome:
    """
    What became of one recipient.

    Durations are seconds; ``total_amount`` is what its attempts cost together, in the account's currency (which one is
    not documented).
    """

    to_number: str
    state: RecipientState
    attempts: int = 0
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    total_duration: int | None = None
    call_duration: int | None = None
    total_amount: Decimal | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "to_number": self.to_number,
            "state": self.state.value,
            "attempts": self.attempts,
            "started_at": _iso(self.started_at),
            "answered_at": _iso(self.answered_at),
            "ended_at": _iso(self.ended_at),
            "total_duration": self.total_duration,
            "call_duration": self.call_duration,
            "total_amount": None if self.total_amount is None else plain_amount(self.total_amount),
        }


@dataclass(frozen=True)
class Outcome:
    """
    What became of the messages behind some ``ref_id``.

    ``calls`` has every recipient, those not answered first; :meth:`as_dict` is what goes to XCom, with the first
    100 of them.
    """

    ref_ids: tuple[str, ...]
    settled: bool
    recipients: int
    answered: int
    unanswered: int
    failed: int
    pending: int
    total_amount: Decimal
    calls: tuple[CallOutcome, ...] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the plain JSON that tasks read from XCom."""
        return {
            "ref_ids": list(self.ref_ids),
            "settled": self.settled,
            "recipients": self.recipients,
            "answered": self.answered,
            "unanswered": self.unanswered,
            "failed": self.failed,
            "pending": self.pending,
            "total_amount": plain_amount(self.total_amount),
            "calls_truncated": len(self.calls) > CALLS_IN_XCOM,
            "calls": [call.as_dict() for call in self.calls[:CALLS_IN_XCOM]],
        }

    def summary(self) -> str:
        """Return one line for logs and errors, without any number."""
        return (
            f"{self.answered} of {self.recipients} answered, {self.unanswered} unanswered, "
            f"{self.failed} failed, {self.pending} pending"
        )


_NOT_ANSWERED_FIRST = {
    RecipientState.PENDING: 0,
    RecipientState.FAILED: 1,
    RecipientState.UNANSWERED: 2,
    RecipientState.ANSWERED: 3,
}


def outcome_of(ref_ids: tuple[str, ...], progress: Progress, calls: list[CallOutcome], now: datetime) -> Outcome:
    """Return the outcome that a progress and its calls make."""
    ordered = sorted(calls, key=lambda call: _NOT_ANSWERED_FIRST[call.state])
    return Outcome(
        ref_ids=ref_ids,
        settled=progress.settled(now),
        recipients=progress.recipients,
        answered=progress.answered,
        unanswered=progress.unanswered,
        failed=progress.failed,
        pending=progress.pending,
        total_amount=sum((c.total_amount for c in calls if c.total_amount is not None), Decimal(0)),
        calls=tuple(ordered),
    )


def plain_amount(amount: Decimal) -> str:
    """Return a decimal without exponent and trailing zeros: ``30``, ``0.5``."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
