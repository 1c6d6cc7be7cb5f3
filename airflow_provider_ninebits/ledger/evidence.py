"""
Whether silence proves that a message in doubt was never placed. Pure.

9bits cannot be asked what became of a request. But it calls back for each attempt to call: where it would have reached
us, and everything it could have said was heard, nothing said means that nothing was placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Witness:
    """
    A receiver, as far as its silence counts.

    :param up_since: from when on its heartbeats have no gap.
    :param heartbeat_at: the last of them; what it turned away before that is known.
    :param stopped: whether it ended in order, so that nothing came after its last heartbeat.
    :param reached_at: when it had committed a callback for the message's connection, before the request in doubt; None:
        9bits is not known to reach it.
    :param turned_away_at: when it last answered 401, 413 or 503, no earlier than that happened; None: never.
    """

    host: str
    up_since: datetime
    heartbeat_at: datetime
    stopped: bool = False
    reached_at: datetime | None = None
    turned_away_at: datetime | None = None


@dataclass(frozen=True)
class Evidence:
    """
    What the ledger holds about a message in doubt.

    :param requested_at: when its last request began.
    :param possible_callbacks: how many came since its first request that could be this message's, wherever they were
        matched.
    :param purged: whether some of those may have been purged.
    """

    requested_at: datetime
    witnesses: Sequence[Witness]
    possible_callbacks: int = 0
    purged: bool = False


def silence_until(requested_at: datetime, resumed_at: datetime, timeout: timedelta) -> datetime:
    """Return how long it must have been silent: ``evidence_timeout`` after the request, and after the resume."""
    return max(requested_at, resumed_at) + timeout


def why_unproved(evidence: Evidence, until: datetime, *, longest_gap: timedelta) -> str | None:
    """
    Return why the silence until a moment proves nothing, for people; None: the message was not placed.

    :param longest_gap: after which a receiver without a heartbeat counts as gone.
    """
    if evidence.possible_callbacks:
        return (
            f"{evidence.possible_callbacks} callbacks came that could be this message's "
            "(`ninebits messages show` and the ledger's callbacks tell more)"
        )
    if evidence.purged:
        return "the callbacks that came since its first request may have been purged"
    begin = evidence.requested_at
    for witness in evidence.witnesses:
        if witness.turned_away_at is not None and witness.turned_away_at >= begin:
            return f"the receiver on {witness.host} turned callbacks away meanwhile (401, 413 or 503; see its log)"
        around = witness.heartbeat_at >= begin - longest_gap and witness.up_since <= until
        if around and not witness.stopped and witness.heartbeat_at < until:
            return f"the receiver on {witness.host} fell silent meanwhile, and may have turned callbacks away"
    if not any(_vouches(witness, begin, until) for witness in evidence.witnesses):
        return (
            "no receiver that 9bits is known to reach (one that had stored a callback for this connection before) was "
            "up all the time"
        )
    return None


def _vouches(witness: Witness, begin: datetime, until: datetime) -> bool:
    reached = witness.reached_at is not None and witness.reached_at <= begin
    return reached and witness.up_since <= begin and witness.heartbeat_at >= until
