"""
Calling hours: when phones may be rung, by the clock on the wall of whoever is rung. Pure, but for zoneinfo's files.

A moment is open or closed by what the wall clock shows at it, and by nothing else. So where the clock is set forward,
what it skips is no opening, and an opening that it skips the beginning of begins with the new time. Where it is set
back, what it shows twice is open both times. Nobody is rung while their clock shows another time than the hours say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_ninebits.exceptions import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DESTINATION = "destination"
"""The ``timezone`` that stands for the zones of each number."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HORIZON = timedelta(days=16)
"""How far an opening is looked for. They repeat weekly, and the clock may skip the only one of a week."""


class Window(NamedTuple):
    """When hours begin and end, in seconds of the day; an end before the beginning is on the next day."""

    begins: int
    ends: int


class HoursClosed(Exception):
    """
    What is left of a send is outside of its calling hours; the rest of it was sent.

    :param opens_at: when the first of it opens; None: not within :data:`HORIZON`.
    :param recipients: how many are left, in ``parts`` messages.
    """

    def __init__(self, hours: CallingHours, opens_at: datetime | None, parts: int, recipients: int) -> None:
        super().__init__(hours, opens_at, parts, recipients)
        self.hours = hours
        self.opens_at = opens_at
        self.parts = parts
        self.recipients = recipients


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class CallingHours:
    """
    Hours in which phones may be rung.

    :param windows: of each of the days.
    :param days: on which a window begins, 0 for Monday.
    :param timezone: whose wall clock counts; :data:`DESTINATION`: that of each number.
    :param now: the clock that says what time it is.
    """

    windows: tuple[Window, ...]
    days: frozenset[int]
    timezone: str
    now: Callable[[], datetime] = field(default=_utc_now, compare=False, repr=False)

    @property
    def by_destination(self) -> bool:
        """Whether each number has its own zones."""
        return self.timezone == DESTINATION

    def is_open(self, at: datetime, zones: Sequence[str]) -> bool:
        """
        Return whether a phone may be rung at a moment: where its zone is not known, in all that it may be in.

        :param zones: their names; without any, it never may.
        """
        return bool(zones) and all(self._is_open_on_the_wall(at.astimezone(_zone(name))) for name in zones)

    def next_opening(self, at: datetime, zones: Sequence[str]) -> datetime | None:
        """Return the first moment, this one included, that is open in all zones; None: not within :data:`HORIZON`."""
        return self._first(at, zones, opened=True)

    def closes_at(self, at: datetime, zones: Sequence[str]) -> datetime | None:
        """Return the first moment, this one included, that is not open; None: not within :data:`HORIZON`."""
        return self._first(at, zones, opened=False)

    def __str__(self) -> str:
        windows = ",".join(f"{_shown(begins)}-{_shown(ends)}" for begins, ends in self.windows)
        days = "" if len(self.days) == len(DAYS) else f" on {','.join(DAYS[day][:3] for day in sorted(self.days))}"
        return f"{windows}{days}, {'at the destination' if self.by_destination else self.timezone}"

    def _first(self, at: datetime, zones: Sequence[str], *, opened: bool) -> datetime | None:
        at = at.astimezone(UTC)
        until = at + HORIZON
        while self.is_open(at, zones) is not opened:
            at = min((self._next_change(at, _zone(name)) for name in zones), default=until + HORIZON)
            if at > until:
                return None
        return at

    def _is_open_on_the_wall(self, wall: datetime) -> bool:
        second = _second_of_day(wall)
        today, yesterday = wall.weekday() in self.days, (wall.weekday() - 1) % len(DAYS) in self.days
        for begins, ends in self.windows:
            if begins < ends:
                if today and begins <= second < ends:
                    return True
            elif (today and second >= begins) or (yesterday and second < ends):
                return True
        return False

    def _next_change(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return when, after a moment of UTC, the wall clock comes to a limit of the hours, or is set."""
        wall = at.astimezone(zone)
        since_midnight = timedelta(seconds=_second_of_day(wall), microseconds=wall.microsecond)
        # Midnight is none of them: a window that goes over it is that of the day before.
        ahead = (
            (timedelta(seconds=limit) - since_midnight) % timedelta(days=1)
            for window in self.windows
            for limit in window
        )
        then = at + min(each or timedelta(days=1) for each in ahead)
        if then.astimezone(zone).utcoffset() == wall.utcoffset():
            return then
        return _clock_is_set(at, then, zone)


def _shown(second: int) -> str:
    hours, rest = divmod(second, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours:02}:{minutes:02}" + (f":{seconds:02}" if seconds else "")


def _second_of_day(wall: datetime) -> int:
    return wall.hour * 3600 + wall.minute * 60 + wall.second


def find_zone(name: str) -> ZoneInfo | None:
    """Return the zone of a name; None: this machine knows none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # It looks for a file of that name: what is a folder, or leads elsewhere, is no zone either.
        return None


def _zone(name: str) -> ZoneInfo:
    zone = find_zone(name)
    if zone is None:
        raise InvalidArgument(f"this machine knows no time zone {name!r}; install a newer tzdata, or give a timezone")
    return zone


def _clock_is_set(after: datetime, until: datetime, zone: ZoneInfo) -> datetime:
    """Return when a wall clock is set, which it is between two moments; clocks are set at whole seconds."""
    offset = after.astimezone(zone).utcoffset()
    before, then = math.floor(after.timestamp()), math.ceil(until.timestamp())
    while then - before > 1:
        middle = (before + then) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            before = middle
        else:
            then = middle
    return datetime.fromtimestamp(then, UTC)
