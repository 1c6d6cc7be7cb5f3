"""What is told of a send and of its parts: the lines of the log, and the words of errors."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_ninebits.exceptions import MessageUncertain, SendFailed
from airflow_provider_ninebits.hooks.log_lines import log_line, resumed_line
from airflow_provider_ninebits.ledger.sends import last_detail
from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    from airflow_provider_ninebits.api.errors import SendError
    from airflow_provider_ninebits.hooks.attempts import Job, Tries
    from airflow_provider_ninebits.hooks.receipts import SendReceipt
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import Part

log = logging.getLogger(__name__)


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
