"""What one call has to send, and what it keeps of its requests for a part: their lease, their number, their errors."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.transport import boot_seconds
from airflow_provider_ninebits.exceptions import MessageUncertain, SendFailed
from airflow_provider_ninebits.hooks.log_lines import log_line, resumed_line
from airflow_provider_ninebits.ledger.recording import Answer
from airflow_provider_ninebits.ledger.sends import last_detail
from airflow_provider_ninebits.ledger.states import MessageState, RequestState

if TYPE_CHECKING:
    from airflow_provider_ninebits.api.errors import SendError
    from airflow_provider_ninebits.hooks.measuring import Measured
    from airflow_provider_ninebits.hooks.pacing import Ticket
    from airflow_provider_ninebits.hooks.receipts import SendReceipt
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import Part, SendPlan

LEASE_MARGIN_SECONDS = 5.0
"""How much longer a lease is than the request that it covers."""

log = logging.getLogger(__name__)


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


def refusal(part: Part, error: SendError) -> str:
    """Return what a task says of a part of which nothing was placed."""
    return (
        f"9bits placed no call for message {part.message_id} (part {part.part + 1}, {part.recipients} recipients): "
        f"{error}. None of its recipients was rung; a retry sends it."
    )


def doubt_about(database: Database, part: Part, tries: Tries) -> str:
    """Return what a task says of a part of which nobody knows whether it was placed."""
    again = f", nor to {tries.resends} more" if tries.resends else ""
    cause = last_detail(database, part.message_id) or "its sender did not come back"
    return f"no clear answer came to the request for its {part.recipients} recipients{again} ({cause})"


def in_doubt(database: Database, part: Part, tries: Tries) -> MessageUncertain:
    """Return the error for a part of which nobody knows whether it was placed, and log it where that was not done."""
    doubt = doubt_about(database, part, tries)
    if not tries.told:
        log.error("%s", unplaced_line(part, MessageState.UNCERTAIN, doubt))
    return MessageUncertain([part.message_id], doubt)


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


def accepted_line(part: Part, job: Job, ref_id: str, recipients: int) -> str:
    """Return the log's line about a request that 9bits took."""
    return log_line(
        f"9bits accepted message {part.message_id}:",
        "send_accepted",
        message=part.message_id,
        ref_id=ref_id,
        recipients=recipients,
        conn_id=job.plan.conn_id,
    )


def tell_unplaced(part: Part, state: MessageState, error: SendError, tries: Tries) -> None:
    """
    Log that a request placed nothing that is known of.

    :raises SendFailed: for a message that is refused as a whole.
    """
    log.error("%s", unplaced_line(part, state, error))
    tries.told = True
    if state is MessageState.REFUSED:
        raise SendFailed(refusal(part, error), error.status) from error


def tell_resumed(receipt: SendReceipt, conn_id: str) -> None:
    """Log that nothing was left to be sent."""
    log.info("%s", resumed_line(receipt, conn_id))


def unplaced_line(part: Part, state: MessageState, why: object) -> str:
    """Return the log's line about a message that is refused or in doubt; ``why``: masked, as all of our errors are."""
    ended = state in (MessageState.REFUSED, MessageState.UNCERTAIN)
    return log_line(
        f"Message {part.message_id} is {state}: {why}",
        f"send_{state}" if ended else "request_failed",
        message=part.message_id,
        recipients=part.recipients,
        status=getattr(why, "status", None),
    )
