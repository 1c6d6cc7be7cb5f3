"""How far a send of many parts is, told now and then."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from airflow_provider_ninebits.ledger.sends import Part

PROGRESS_EVERY_SECONDS = 10.0
_LOOK_EVERY = 1000

log = logging.getLogger(__name__)


def tell_reading(numbers: Iterable[str], clock: Callable[[], float]) -> Iterator[str]:
    """Give the numbers on, and tell now and then how many were read: a file of a million takes a while."""
    began = told = clock()
    for read, number in enumerate(numbers):
        if not read % _LOOK_EVERY and (now := clock()) - told >= PROGRESS_EVERY_SECONDS:
            told = now
            log.info("Reading: %d numbers are read and checked, %.0f a second.", read, read / (now - began))
        yield number


def progress_text(parts: int, of_parts: int, recipients: int, of_recipients: int, sent: int, seconds: float) -> str:
    """
    Return how far a send is. Pure.

    :param parts: the parts that are done, those of earlier attempts too.
    :param recipients: those of these parts.
    :param sent: the parts that this attempt has done, in ``seconds``.
    """
    rate = sent / seconds if seconds > 0 else 0.0
    left = f"about {_duration((of_parts - parts) / rate)} left" if rate else "time left unknown"
    return (
        f"{parts} of {of_parts} parts are done, {recipients} of {of_recipients} recipients; "
        f"{rate:.1f} requests/s, {left}"
    )


@dataclass
class Progress:
    """Tells now and then how far a send of several parts is, in numbers alone."""

    parts: Sequence[Part]
    clock: Callable[[], float]
    done: int = 0
    recipients: int = 0
    _sent: int = 0
    _began: float = field(init=False)
    _told: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._told = self.clock()

    def add(self, part: Part, *, sent: bool) -> None:
        """
        Count a part that is done.

        :param sent: whether it was done in this attempt.
        """
        self.done += 1
        self.recipients += part.recipients
        self._sent += sent
        now = self.clock()
        finished = self.done == len(self.parts) > 1 and self._sent
        if finished or now - self._told >= PROGRESS_EVERY_SECONDS:
            self._told = now
            everybody = sum(each.recipients for each in self.parts)
            log.info(
                "Sending: %s.",
                progress_text(self.done, len(self.parts), self.recipients, everybody, self._sent, now - self._began),
            )


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
