"""The parts of a send and their calling hours: which may be rung now, and when the rest may."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.numbers import mask_number
from airflow_provider_ninebits.api.zones import zones_of_number
from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.hours import HoursClosed
from airflow_provider_ninebits.ledger.sends import numbers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.hooks.hours import CallingHours
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import Part

log = logging.getLogger(__name__)


class PartClosed(Exception):
    """A part was left where it was: its hours are not now."""


@dataclass
class DestinationZones:
    """
    Says for each number that is planned which zones it has, as the ledger keeps them.

    :param hours: numbers that they never open for are refused, before anybody is rung.
    """

    hours: CallingHours
    _opening: set[str] = field(default_factory=set, init=False)

    def __call__(self, number: str) -> str:
        """
        Return the zones of a number, with commas.

        :raises InvalidArgument: for a number of which no zone is known, or whose zones are never open all at once.
        """
        zones = zones_of_number(number)
        text = ",".join(zones)
        if text in self._opening:
            return text
        if not zones:
            raise InvalidArgument(
                f"no time zone is known of the number {mask_number(number)}; exclude it, or send to it with the name "
                "of one as timezone"
            )
        if self.hours.next_opening(self.hours.now(), zones) is None:
            raise InvalidArgument(
                f"the number {mask_number(number)} may be in any of {len(zones)} time zones, and the calling hours "
                f"({self.hours}) are never open in all of them at once; exclude it, or send to it with the name of one "
                "as timezone"
            )
        self._opening.add(text)
        return text


@dataclass
class PartHours:
    """
    Which parts of a send may be rung now.

    :param hours: None: all of them, always.
    """

    database: Database
    hours: CallingHours | None
    _looked_up: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False)

    def tell(self) -> None:
        """Log until when may be rung, where that is the same for all."""
        if self.hours is None or self.hours.by_destination:
            return
        now = self.hours.now()
        closes_at = self.hours.closes_at(now, (self.hours.timezone,))
        if closes_at is not None and closes_at > now:
            log.info("The calling hours (%s) are over at %s.", self.hours, closes_at.isoformat(timespec="seconds"))

    def check_open(self, part: Part) -> None:
        """
        Make sure that a part may be rung now.

        :raises PartClosed: where it may not.
        """
        if self.hours is not None and not self.hours.is_open(self.hours.now(), self._zones(self.hours, part)):
            raise PartClosed

    def check_any_open(self, parts: Sequence[Part]) -> None:
        """
        Make sure that one of some parts may be rung now.

        :raises HoursClosed: where none may, with the moment when the first will.
        """
        if self.hours is None:
            return
        now = self.hours.now()
        zones = {self._zones(self.hours, part) for part in parts}
        openings = [opening for each in zones if (opening := self.hours.next_opening(now, each)) is not None]
        if now not in openings:
            recipients = sum(part.recipients for part in parts)
            raise HoursClosed(self.hours, min(openings, default=None), len(parts), recipients)

    def _zones(self, hours: CallingHours, part: Part) -> tuple[str, ...]:
        if not hours.by_destination:
            return (hours.timezone,)
        if part.zones is not None:
            return tuple(part.zones.split(","))
        # Perhaps placed when it had other hours, or none: it is not planned anew, but it may be sent again.
        if part.message_id not in self._looked_up:
            found = {zone for number in numbers_of(self.database, part.message_id) for zone in zones_of_number(number)}
            self._looked_up[part.message_id] = tuple(sorted(found))
        return self._looked_up[part.message_id]
