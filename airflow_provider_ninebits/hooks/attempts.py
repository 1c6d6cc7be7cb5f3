"""What one call has to send, and what it keeps of its requests for a part: their lease, and their number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.transport import boot_seconds
from airflow_provider_ninebits.exceptions import MessageUncertain
from airflow_provider_ninebits.hooks.telling import doubt_about
from airflow_provider_ninebits.ledger.recording import Answer
from airflow_provider_ninebits.ledger.states import RequestState

if TYPE_CHECKING:
    from airflow_provider_ninebits.api.errors import SendError
    from airflow_provider_ninebits.hooks.measuring import Measured
    from airflow_provider_ninebits.hooks.pacing import Ticket
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import Part, SendPlan

LEASE_MARGIN_SECONDS = 5.0
"""How much longer a lease is than the request that it covers."""


@dataclass(frozen=True)
class Job:
    """What one call has to send; ``excluded_in_doubt``: parts that may not be sent again, by their message's id."""

    plan: SendPlan
    media_url: str
    resend: bool
    excluded_in_doubt: frozenset[str]
    measured: Measured


@dataclass
class Tries:
    """
    What became of the requests that one call made for a part.

    ``late`` counts claims that took longer than their lease, ``told`` says whether a failure is in the log already.
    """

    ticket: Ticket
    resends: int = 0
    late: int = 0
    told: bool = False


@dataclass
class Lease:
    """
    A claim, as long as it covers a whole request.

    ``written`` tells whether the request was let through, ``over`` whether it was not, since the claim itself had taken
    too long: the ledger was busy, or this process suspended.
    """

    # On a clock that goes on while the machine is suspended, which the monotonic one does not.
    claimed_at: float = field(default_factory=lambda: boot_seconds())
    written: bool = False
    over: bool = False

    def begin_write(self) -> bool:
        """Return whether the request may be written now."""
        self.written = boot_seconds() - self.claimed_at <= LEASE_MARGIN_SECONDS
        self.over = not self.written
        return self.written


def answer_of(error: SendError, *, plan_again: bool = False) -> Answer:
    """Return what the ledger is told of a request that failed."""
    state = RequestState.REFUSED if error.placed is False else RequestState.UNCERTAIN
    return Answer(state, status=error.status, detail=error.detail, plan_again=plan_again)


def check_exclusion(database: Database, part: Part, job: Job, tries: Tries) -> None:
    """
    Make sure that a part in doubt may be sent again.

    :raises MessageUncertain: where somebody of it is excluded by now; a person decides.
    """
    if part.message_id in job.excluded_in_doubt:
        doubt = doubt_about(database, part, tries)
        raise MessageUncertain(
            [part.message_id], f"{doubt}, and some of them are excluded now, so it is not sent again"
        )
