"""
The states of messages, requests and recipients, and the rules between them. Pure.

A *message* is what was asked for, a *request* one POST for it. A request is ``sending`` until its answer is known; the
state of the message follows from those of its requests, but for ``planned``, which says that (another) request may be
made without asking anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class MessageState(StrEnum):
    """Where a message stands."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    REPLACED = "replaced"
    """Planned anew when its send was resumed with other recipients; kept only for the requests that it had."""
    PURGED = "purged"
    """Not known to be placed, and its numbers are gone: nothing of it is sent any more."""


class PurgeState(StrEnum):
    """What a purge does to a send. From the first of these on nothing of the send is planned or sent any more."""

    MASKING = "masking"
    """Its numbers are going; its statistics stay."""
    MASKED = "masked"
    PURGING = "purging"
    """It is going."""
    PURGED = "purged"
    """Its key and its receipts are there, for a late retry, and nothing else."""


class RequestState(StrEnum):
    """What is known of one POST."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


class RecipientState(StrEnum):
    """What is known of one destination. In rising order: a state only rises."""

    PENDING = "pending"
    FAILED = "failed"
    UNANSWERED = "unanswered"
    ANSWERED = "answered"


_RANK = {state: rank for rank, state in enumerate(RecipientState)}


def raised(current: RecipientState, reported: RecipientState) -> RecipientState:
    """Return the higher of two recipient states, so that neither repeats nor their order change the end."""
    return max(current, reported, key=_RANK.__getitem__)


def message_state(requests: Iterable[RequestState]) -> MessageState:
    """
    Return the state that a message has by its requests.

    ``accepted`` if any request is; else ``sending`` if one is under way; else ``uncertain`` if any request is;
    ``refused`` only if all were; without any request it is ``planned``.
    """
    states = set(requests)
    for state in (RequestState.ACCEPTED, RequestState.SENDING, RequestState.UNCERTAIN, RequestState.REFUSED):
        if state in states:
            return MessageState(state.value)
    return MessageState.PLANNED


class NextStep(StrEnum):
    """What a sender does next with one part."""

    SEND = "send"
    RECEIPT = "receipt"
    WAIT = "wait"
    RESEND = "resend"
    EVIDENCE = "evidence"
    FAIL = "fail"


@dataclass(frozen=True)
class PartStanding:
    """What a sender looks at before its next step."""

    state: MessageState
    lease_expires_at: datetime | None = None


MAX_RESENDS_PER_CALL = 2


def next_step(
    part: PartStanding, now: datetime, *, resend: bool, resends_used: int, evidence: bool = False
) -> NextStep:
    """
    Return what a sender does with a part that it finds like this.

    :param part: the part's state and lease, as just read.
    :param now: the time on the ledger's clock, which leases are counted on.
    :param resend: whether ``on_uncertain="resend"``.
    :param resends_used: how often this call has sent this part again already.
    :param evidence: whether ``on_uncertain="evidence"``: it is sent again only where silence proves that it was not.
    """
    match part.state:
        case MessageState.ACCEPTED:
            return NextStep.RECEIPT
        case MessageState.PLANNED | MessageState.REFUSED:
            return NextStep.SEND
        case MessageState.SENDING if part.lease_expires_at is not None and part.lease_expires_at > now:
            return NextStep.WAIT
        case MessageState.SENDING | MessageState.UNCERTAIN:
            if resends_used >= MAX_RESENDS_PER_CALL:
                return NextStep.FAIL
            return NextStep.RESEND if resend else NextStep.EVIDENCE if evidence else NextStep.FAIL
    raise ValueError(f"a part in state {part.state!r} is not sent")


class CallbackKind(StrEnum):
    """What a callback is."""

    CALL = "call"
    ANSWER = "answer"
    UNREADABLE = "unreadable"


class MatchState(StrEnum):
    """Whether a callback has found whom it is about."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    INBOUND = "inbound"
    UNREADABLE = "unreadable"
