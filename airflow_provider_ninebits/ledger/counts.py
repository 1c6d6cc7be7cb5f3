"""
How far messages are, in numbers alone, and what a wait sees in them. Pure.

They come from the ledger (:mod:`.looks`), or with the notice of who changed them (:mod:`.notices`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_ninebits.ledger.outcome import Progress

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_NO_CALLS: Mapping[str, datetime] = {}


class MessageCounts(NamedTuple):
    """
    How far one message is.

    :param revision: rises with all that a wait may ask for.
    :param last_callback_at: on the ledger's clock; None: none came.
    """

    id: str
    revision: int
    last_callback_at: datetime | None
    recipients: int
    answered: int
    unanswered: int
    failed: int


@dataclass(frozen=True)
class Asked:
    """
    What one wait asks.

    :param attempt_window: how long an unanswered recipient may still be tried again, from its last callback.
    """

    ref_ids: tuple[str, ...]
    attempt_window: timedelta = timedelta()

    def is_answered_by(self, messages: Sequence[MessageCounts]) -> bool:
        """Return whether its messages' counts say it all: when an attempt window ends, only their recipients do."""
        return self.attempt_window <= timedelta() or not any(message.unanswered for message in messages)


@dataclass(frozen=True)
class Look:
    """
    One look at the messages behind some ``ref_id``.

    :param now: the time of the look, on the ledger's clock where any message was found.
    :param messages: in the order of the ``ref_id``.
    """

    progress: Progress
    now: datetime
    messages: tuple[MessageCounts, ...] = ()

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The messages, in the order of the ``ref_id``."""
        return tuple(message.id for message in self.messages)

    @property
    def last_callback_at(self) -> datetime | None:
        """When the last callback of any of them came, on the ledger's clock; None: none did."""
        return max((at for message in self.messages if (at := message.last_callback_at) is not None), default=None)


def look_of(
    asked: Asked,
    messages: Sequence[MessageCounts],
    now: datetime,
    *,
    last_calls: Mapping[str, datetime] = _NO_CALLS,
    unknown: Collection[str] = (),
    purged: Collection[str] = (),
) -> Look:
    """
    Return what a wait sees.

    :param messages: those behind its ``ref_id``.
    :param last_calls: when the last callback of an unanswered recipient came, for each message that has one and whose
        wait has an attempt window.
    :param unknown: ``ref_id`` that no message has, among them those of this wait.
    :param purged: those of them whose messages were purged.
    """
    calls = [last_calls[message.id] for message in messages if message.id in last_calls]
    if asked.attempt_window <= timedelta():
        calls = []
    theirs = tuple(ref_id for ref_id in asked.ref_ids if ref_id in unknown)
    progress = Progress(
        recipients=sum(message.recipients for message in messages),
        answered=sum(message.answered for message in messages),
        unanswered=sum(message.unanswered for message in messages),
        failed=sum(message.failed for message in messages),
        settles_at=max(calls) + asked.attempt_window if calls else None,
        unknown_ref_ids=theirs,
        purged_ref_ids=tuple(ref_id for ref_id in theirs if ref_id in purged),
    )
    return Look(progress, now, tuple(messages))
