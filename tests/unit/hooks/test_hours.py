from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.hours import CallingHours, Window

MINUTE = timedelta(minutes=1)
DAY = 86400
EVERY_DAY = frozenset(range(7))
# Beside what is usual: set by half an hour, at midnight, in winter instead of summer, never, and by odd minutes.
ZONES = (
    *("Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago"),
    *("Africa/Casablanca", "Africa/Lagos", "Asia/Kathmandu", "Pacific/Chatham", "UTC"),
)
# Around days on which clocks are set, in one of the zones above or another.
BEGINNINGS = [
    datetime(*day, tzinfo=UTC)
    for day in ((2026, 3, 7), (2026, 3, 28), (2026, 4, 4), (2026, 4, 23), (2026, 9, 5), (2026, 10, 3), (2026, 10, 24))
]
moments = st.builds(
    lambda beginning, minutes: beginning + minutes * MINUTE,
    st.sampled_from(BEGINNINGS),
    st.integers(0, 3 * 24 * 60),
)
windows = st.builds(
    lambda begins, lasts: Window(begins * 300, (begins * 300 + lasts * 300) % DAY),
    st.integers(0, DAY // 300 - 1),
    st.integers(1, DAY // 300 - 1),
)
hours = st.builds(
    CallingHours,
    st.lists(windows, min_size=1, max_size=2).map(tuple),
    st.sets(st.integers(0, 6), min_size=1).map(frozenset),
    st.just("destination"),
)
zones = st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True)


def minutes_of_the_week(calling: CallingHours) -> set[int]:
    """Each minute of a week that is open, counted from Monday: written down one after the other."""
    found = set()
    for day in calling.days:
        for begins, ends in calling.windows:
            minute = day * 1440 + begins // 60
            while True:
                found.add(minute % 10080)
                minute += 1
                if minute % 1440 == (ends // 60) % 1440:
                    break
    return found


def is_open_by_the_week(week: set[int], at: datetime, names: list[str]) -> bool:
    walls = [at.astimezone(ZoneInfo(name)) for name in names]
    return all(wall.weekday() * 1440 + wall.hour * 60 + wall.minute in week for wall in walls)


@settings(max_examples=100, deadline=None)
@given(calling=hours, names=zones, at=moments)
def test_the_next_opening_is_the_first_minute_that_the_wall_clocks_allow(
    calling: CallingHours, names: list[str], at: datetime
) -> None:
    week, days = minutes_of_the_week(calling), 3
    found, minute = calling.next_opening(at, names), at
    while minute < at + timedelta(days=days) and not is_open_by_the_week(week, minute, names):
        assert not calling.is_open(minute, names)
        minute += MINUTE
    if minute < at + timedelta(days=days):
        assert found == minute
        assert calling.is_open(minute, names)
    else:
        assert found is None or found >= minute


@settings(max_examples=100, deadline=None)
@given(calling=hours, names=zones, at=moments)
def test_the_end_is_the_first_minute_that_one_wall_clock_forbids(
    calling: CallingHours, names: list[str], at: datetime
) -> None:
    week, days = minutes_of_the_week(calling), 3
    found, minute = calling.closes_at(at, names), at
    while minute < at + timedelta(days=days) and is_open_by_the_week(week, minute, names):
        assert calling.is_open(minute, names)
        minute += MINUTE
    if minute < at + timedelta(days=days):
        assert found == minute
    else:
        assert found is None or found >= minute


@given(calling=hours, names=zones, at=moments, seconds=st.floats(0, 59.999))
def test_between_two_minutes_it_is_as_at_the_first(
    calling: CallingHours, names: list[str], at: datetime, seconds: float
) -> None:
    between = at + timedelta(seconds=seconds)
    assert calling.is_open(between, names) == calling.is_open(at, names)
    opening = calling.next_opening(between, names)
    assert opening == (between if calling.is_open(at, names) else calling.next_opening(at, names))


def daily(*windows: tuple[float, float], days: frozenset[int] = EVERY_DAY, zone: str = "Europe/London") -> CallingHours:
    """Hours, given in hours of the day."""
    return CallingHours(tuple(Window(int(a * 3600), int(b * 3600)) for a, b in windows), days, zone)


def changes(calling: CallingHours, first: datetime, last: datetime) -> list[str]:
    """When the hours open and close in between, in UTC."""
    seen, at = [], first
    names = (calling.timezone,)
    while True:
        then = calling.closes_at(at, names) if calling.is_open(at, names) else calling.next_opening(at, names)
        if then is None or then > last:
            return seen
        seen.append(then.strftime("%H:%M"))
        at = then


# At 01:00 UTC London's clock goes from 01:00 to 02:00 on the 29th of March, from 02:00 to 01:00 on the 25th of October.
@pytest.mark.parametrize(
    ("window", "day", "seen"),
    [
        pytest.param((9, 20), (2026, 3, 29), ["08:00", "19:00"], id="an hour earlier by UTC"),
        pytest.param((1.5, 3), (2026, 3, 29), ["01:00", "02:00"], id="its beginning is skipped"),
        pytest.param((0.5, 1.5), (2026, 3, 29), ["00:30", "01:00"], id="its end is skipped"),
        pytest.param((1.25, 1.75), (2026, 3, 29), [], id="all of it is skipped"),
        pytest.param((22, 6), (2026, 3, 29), ["05:00", "21:00"], id="a night that is shorter"),
        pytest.param((1.25, 1.75), (2026, 10, 25), ["00:15", "00:45", "01:15", "01:45"], id="it comes twice"),
        pytest.param((0.5, 1.5), (2026, 10, 25), ["00:30", "01:00", "01:30"], id="it ends, and the rest comes again"),
        pytest.param((9, 20), (2026, 10, 25), ["09:00", "20:00"], id="an hour later by UTC"),
    ],
)
def test_days_on_which_the_clock_is_set(
    window: tuple[float, float], day: tuple[int, int, int], seen: list[str]
) -> None:
    midnight = datetime(*day, tzinfo=UTC)
    # From 23:00 UTC on it is the next day in summer.
    assert changes(daily(window), midnight, midnight + timedelta(hours=22, minutes=30)) == seen


def test_a_window_across_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = daily((22, 6), days=frozenset({4}), zone="Africa/Lagos")
    saturday = datetime(2026, 3, 7, tzinfo=ZoneInfo("Africa/Lagos"))
    assert friday_night.is_open(saturday + timedelta(hours=5, minutes=59), ("Africa/Lagos",))
    assert not friday_night.is_open(saturday + timedelta(hours=6), ("Africa/Lagos",))
    assert not friday_night.is_open(saturday + timedelta(hours=23), ("Africa/Lagos",))
    assert not friday_night.is_open(saturday - timedelta(hours=19), ("Africa/Lagos",))


def test_a_part_in_several_zones_waits_for_the_last_and_ends_with_the_first() -> None:
    coasts = ("America/New_York", "America/Los_Angeles")
    at = datetime(2026, 7, 1, 4, tzinfo=UTC)
    opening = daily((9, 20)).next_opening(at, coasts)
    assert opening == datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert daily((9, 20)).closes_at(opening, coasts) == datetime(2026, 7, 1, 20, tzinfo=ZoneInfo("America/New_York"))


def test_zones_on_two_sides_of_the_world_are_never_open_at_once() -> None:
    assert daily((9, 17)).next_opening(BEGINNINGS[0], ("Pacific/Auckland", "Europe/London")) is None


def test_without_any_zone_it_is_never_open() -> None:
    around_the_clock = daily((0, 24))
    assert not around_the_clock.is_open(BEGINNINGS[0], ())
    assert around_the_clock.next_opening(BEGINNINGS[0], ()) is None


def test_around_the_clock_it_never_ends() -> None:
    around_the_clock = daily((0, 24))
    assert around_the_clock.closes_at(BEGINNINGS[1], ("Europe/London",)) is None
    assert around_the_clock.next_opening(BEGINNINGS[1], ("Europe/London",)) == BEGINNINGS[1]


def test_the_only_window_of_a_week_may_be_skipped_by_the_clock() -> None:
    sundays = daily((1.25, 1.75), days=frozenset({6}))
    monday = datetime(2026, 3, 23, tzinfo=UTC)
    assert sundays.next_opening(monday, ("Europe/London",)) == datetime(2026, 4, 5, 0, 15, tzinfo=UTC)


def test_a_zone_that_is_none_is_an_error_and_no_open_door() -> None:
    with pytest.raises(InvalidArgument, match="Atlantis"):
        daily((0, 24)).is_open(BEGINNINGS[0], ("Europe/Atlantis",))


@pytest.mark.parametrize(
    ("calling", "shown"),
    [
        (daily((9, 20)), "09:00-20:00, Europe/London"),
        (daily((9, 12.5), (14, 24), days=frozenset({0, 4})), "09:00-12:30,14:00-24:00 on mon,fri, Europe/London"),
        (daily((22, 6.0025), zone="destination"), "22:00-06:00:09, at the destination"),
    ],
)
def test_how_they_are_shown(calling: CallingHours, shown: str) -> None:
    assert str(calling) == shown


def test_openings_come_one_after_the_other() -> None:
    found = changes(daily((9, 12), (14, 20)), datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC))
    assert found == ["08:00", "11:00", "13:00", "19:00"]
    assert all(before < after for before, after in pairwise(found))
