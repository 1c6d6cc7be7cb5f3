from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.given_hours import read_days, read_hours, read_timezone, read_windows
from airflow_provider_ninebits.hooks.hours import CallingHours, Window

NINE_TO_EIGHT = (Window(9 * 3600, 20 * 3600),)
EVERY_DAY = frozenset(range(7))
LAGOS = "Africa/Lagos"


def given(extra: dict[str, Any] | None = None, **arguments: Any) -> CallingHours | None:
    named = dict.fromkeys(("calling_hours", "calling_days", "timezone")) | arguments
    return read_hours("ninebits_default", {} if extra is None else extra, **named)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("09:00-20:00", [(32400, 72000)]),
        (" 9:00 - 20:00 ", [(32400, 72000)]),
        ("09:00-12:30,14:00-20:00", [(32400, 45000), (50400, 72000)]),
        (["09:00-12:30", "14:00-20:00"], [(32400, 45000), (50400, 72000)]),
        ("['09:00-12:30', '14:00-20:00']", [(32400, 45000), (50400, 72000)]),
        ("22:00-06:00", [(79200, 21600)]),
        ("00:00-24:00", [(0, 86400)]),
        ("20:00-00:00", [(72000, 0)]),
        ("09:00:30-09:01", [(32430, 32460)]),
    ],
)
def test_windows(text: object, windows: list[tuple[int, int]]) -> None:
    assert read_windows(text, "calling_hours") == tuple(windows)


@pytest.mark.parametrize(
    "text",
    [
        *("9-20", "09:00", "09:00-", "25:00-26:00", "09:60-10:00", "09:00-24:01", "24:00-09:00", "09:00-20:00 UTC"),
        *("09:00-20:00,", "", "None", None, [], 9, True, {"from": "09:00"}, "{{ var.value.hours }}"),
        "\u0660\u0669:00-20:00",
    ],
    ids=repr,
)
def test_what_are_no_hours_is_named(text: object) -> None:
    with pytest.raises(InvalidArgument, match="calling_hours"):
        read_windows(text, "calling_hours")


def test_hours_that_end_when_they_begin_may_mean_two_things() -> None:
    with pytest.raises(InvalidArgument, match="00:00-24:00 for the whole day"):
        read_windows("09:00-09:00", "calling_hours")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("mon,wed", {0, 2}),
        ("Monday, Wed", {0, 2}),
        (["tue", "sat-sun"], {1, 5, 6}),
        ("['tue', 'thurs']", {1, 3}),
        ("fri-mon", {4, 5, 6, 0}),
        ("sun-sat", {0, 1, 2, 3, 4, 5, 6}),
        ("tue-tue", {1}),
    ],
)
def test_days(text: object, days: set[int]) -> None:
    assert read_days(text, "calling_days") == days


@pytest.mark.parametrize("text", ["m-f", "mon-", "-fri", "weekdays", "mon;wed", "mo", "1-5", 3, "", None, []], ids=repr)
def test_what_is_no_day_is_named(text: object) -> None:
    with pytest.raises(InvalidArgument, match="calling_days"):
        read_days(text, "calling_days")


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (LAGOS, LAGOS),
        (f" {LAGOS} ", LAGOS),
        (ZoneInfo(LAGOS), LAGOS),
        (pendulum.timezone(LAGOS), LAGOS),
        ("destination", "destination"),
        ("Destination", "destination"),
    ],
    ids=repr,
)
def test_zones(zone: object, name: str) -> None:
    assert read_timezone(zone, "timezone") == name


@pytest.mark.parametrize("zone", ["Lagos", "Africa", "../etc/passwd", "/etc", "", "None", None, 1, "+01:00"], ids=repr)
def test_what_is_no_zone_is_named(zone: object) -> None:
    with pytest.raises(InvalidArgument, match="timezone is"):
        read_timezone(zone, "timezone")


class TestArgumentsAndConnection:
    def test_without_any_it_rings_whenever_it_is(self) -> None:
        assert given() is None
        assert given({"timezone": LAGOS, "calling_hours": "", "calling_days": None}) is None

    def test_the_arguments(self) -> None:
        read = given(calling_hours="09:00-20:00", calling_days="mon-fri", timezone=LAGOS)
        assert read == CallingHours(NINE_TO_EIGHT, frozenset(range(5)), LAGOS)

    def test_the_connection_says_what_they_do_not(self) -> None:
        extra = {"calling_hours": "08:00-10:00", "calling_days": "sat", "timezone": LAGOS}
        assert given(extra) == CallingHours((Window(28800, 36000),), frozenset({5}), LAGOS)
        assert given(extra, calling_hours="09:00-20:00") == CallingHours(NINE_TO_EIGHT, frozenset({5}), LAGOS)
        assert given(extra, timezone="destination", calling_days="mon") == CallingHours(
            (Window(28800, 36000),), frozenset({0}), "destination"
        )

    @pytest.mark.parametrize("off", [False, "False", "false"])
    def test_false_turns_off_what_the_connection_says(self, off: object) -> None:
        extra = {"calling_hours": "09:00-20:00", "calling_days": "sat", "timezone": LAGOS}
        assert given(extra, calling_hours=off) is None
        assert given({"calling_hours": off, "timezone": LAGOS}) is None

    @pytest.mark.parametrize("nothing", ["", "None", []])
    def test_nothing_where_hours_were_meant_does_not_turn_them_off(self, nothing: object) -> None:
        with pytest.raises(InvalidArgument, match="calling_hours"):
            given({"calling_hours": "09:00-20:00", "timezone": LAGOS}, calling_hours=nothing)

    def test_days_alone_are_whole_days(self) -> None:
        assert given(calling_days="sun", timezone=LAGOS) == CallingHours((Window(0, 86400),), frozenset({6}), LAGOS)

    @pytest.mark.parametrize("arguments", [{"calling_hours": "09:00-20:00"}, {"calling_days": "mon"}])
    def test_hours_without_a_zone_are_nobodys(self, arguments: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgument, match="no timezone"):
            given(**arguments)

    def test_a_zone_without_hours_was_meant_to_say_something(self) -> None:
        with pytest.raises(InvalidArgument, match="calling_hours is not"):
            given(timezone=LAGOS)
        assert given({"calling_days": "mon"}, timezone=LAGOS) is not None

    def test_what_the_connection_says_wrongly_is_told_with_its_name(self) -> None:
        with pytest.raises(InvalidArgument, match="connection 'ninebits_default': calling_hours"):
            given({"calling_hours": "nine to five", "timezone": LAGOS})

    def test_where_the_connection_is_not_read_what_is_missing_may_be_there(self) -> None:
        nothing = {"calling_days": None, "timezone": None}
        assert read_hours("c", None, calling_hours="09:00-20:00", **nothing) is None
        assert read_hours("c", None, calling_hours=None, calling_days=None, timezone=LAGOS) is None
        with pytest.raises(InvalidArgument):
            read_hours("c", None, calling_hours="nine", **nothing)
