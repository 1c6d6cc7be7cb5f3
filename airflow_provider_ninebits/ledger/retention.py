"""
What a purge may take, and what it leaves. Pure.

A send goes as a whole, so that nothing of it is compared, planned or sent again when half of its numbers are gone. What
is unsettled stays: nothing of it goes while somebody may still wait for it, be rung by it, or has to decide about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Sequence

REPEATS_END_AFTER = timedelta(hours=1, minutes=5)
"""9bits sends a callback for the last time 3600 s after the first failure (9bits: SMS REST pages); 5 min of margin."""

_NEVER_PLACED = frozenset({MessageState.PLANNED, MessageState.REFUSED, MessageState.REPLACED, MessageState.PURGED})


@dataclass(frozen=True)
class Windows:
    """
    How long callbacks are waited for.

    :param match: ``[ninebits] match_window``.
    :param attempt: ``[ninebits] attempt_window``.
    """

    match: timedelta
    attempt: timedelta

    @property
    def quiet(self) -> timedelta:
        """How long after a message's last event nothing can come any more that is matched by its number."""
        return self.match + REPEATS_END_AFTER


@dataclass(frozen=True)
class PartFacts:
    """
    A message, as far as its keeping goes.

    :param last_event_at: the newest of its planning, its requests and its callbacks.
    :param pending: recipients of whom nothing came back.
    :param unanswered: recipients who may be tried again.
    :param maybe_placed: whether any of its requests was not refused.
    """

    state: MessageState
    last_event_at: datetime
    pending: int = 0
    unanswered: int = 0
    maybe_placed: bool = False


class SendFate(StrEnum):
    """What becomes of a send."""

    YOUNG = "young"
    """Something happened to it too recently."""
    UNSETTLED = "unsettled"
    """It stays, however old it is."""
    PURGED = "purged"
    """It goes. Its key and receipts stay, so that a late retry rings nobody."""
    FORGOTTEN = "forgotten"
    """It goes with its key: nobody was rung, so a late retry may send what it would have sent."""


def fate(
    parts: Sequence[PartFacts], now: datetime, *, older_than: timedelta, windows: Windows, unsettled_too: bool
) -> SendFate:
    """
    Return what becomes of a send.

    :param parts: all its messages that are still there.
    :param older_than: how long ago its last event has to be.
    :param unsettled_too: whether to take what is unsettled as well, once it has been quiet for :attr:`Windows.quiet`.
    """
    last_event_at = max((part.last_event_at for part in parts), default=datetime.min.replace(tzinfo=now.tzinfo))
    if last_event_at > now - older_than:
        return SendFate.YOUNG
    never_placed = all(part.state in _NEVER_PLACED and not part.maybe_placed for part in parts)
    ends = [_settled_after(part, windows, never_placed=never_placed) for part in parts]
    if unsettled_too:
        ends = [windows.quiet if end is None else end for end in ends]
    for part, end in zip(parts, ends, strict=True):
        if end is None or part.last_event_at > now - end:
            return SendFate.UNSETTLED
    return SendFate.FORGOTTEN if never_placed else SendFate.PURGED


def loose_until(now: datetime, *, older_than: timedelta, windows: Windows) -> datetime:
    """Return before when a callback that is nobody's must have come to go: later, it may still find its recipient."""
    return now - max(older_than, windows.quiet)


def _settled_after(part: PartFacts, windows: Windows, *, never_placed: bool) -> timedelta | None:
    """Return how long after its last event a message is settled; None: never by itself."""
    match part.state:
        case MessageState.REPLACED | MessageState.PURGED:
            return timedelta()
        case MessageState.ACCEPTED if part.pending:
            return windows.quiet
        case MessageState.ACCEPTED:
            return windows.attempt if part.unanswered else timedelta()
        case MessageState.REFUSED:
            return windows.quiet
        case MessageState.PLANNED if never_placed:
            # Nobody was rung, and a retry finds out by itself whom to ring.
            return windows.quiet
        case _:
            return None
