"""What a check has found: what it is, why it matters, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class Level(StrEnum):
    """How bad a finding is."""

    PROBLEM = "problem"
    """Something does not work, or will not."""
    NOTE = "note"
    """To be known; or it could not be looked at from here."""


class Weight(IntEnum):
    """What a finding makes of the exit status."""

    NONE = 0
    PROBLEM = 1
    OPTIONS = 2
    """An option cannot be used."""
    UNREACHABLE = 4
    """The ledger or 9bits."""


@dataclass(frozen=True)
class Finding:
    """
    One thing that was found.

    :param code: stable, for scripts.
    :param subject: what it is about.
    """

    code: str
    subject: str
    level: Level
    what: str
    why: str
    fix: str
    weight: Weight


@dataclass(frozen=True)
class FindingKind:
    """
    A kind of finding, as the documentation shows it.

    :param what: with the names of what is filled in in braces, like ``why`` and ``fix``.
    :param weight: a note has none, a problem its own.
    """

    code: str
    subject: str
    what: str
    why: str
    fix: str
    level: Level = Level.PROBLEM
    weight: Weight = Weight.PROBLEM

    def found(self, **shown: object) -> Finding:
        """Return a finding of this kind; ``shown`` fills in the names in braces."""
        return Finding(
            code=self.code,
            subject=self.subject,
            level=self.level,
            what=self.what.format(**shown),
            why=self.why.format(**shown),
            fix=self.fix.format(**shown),
            weight=Weight.NONE if self.level is Level.NOTE else self.weight,
        )


def shown_moment(moment: datetime) -> str:
    """Return a moment as findings show it: to the second."""
    return moment.isoformat(sep=" ", timespec="seconds")


def exit_status(findings: Iterable[Finding]) -> int:
    """Return the exit status of some findings: that of the heaviest."""
    return int(max((finding.weight for finding in findings), default=Weight.NONE))
