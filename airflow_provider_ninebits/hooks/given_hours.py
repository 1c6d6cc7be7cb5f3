"""Calling hours as a task and its connection give them, templates included."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.hours import DAYS, DESTINATION, CallingHours, Window, find_zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DAY_SECONDS = 86400
_NIGHT_AND_DAY = "00:00-24:00"
_TIME = r"(\d{1,2}):(\d\d)(?::(\d\d))?"
_WINDOW = re.compile(rf"{_TIME}\s*-\s*{_TIME}", re.ASCII)


def read_hours(
    conn_id: str | None,
    extra: Mapping[str, object] | None,
    *,
    calling_hours: object,
    calling_days: object,
    timezone: object,
) -> CallingHours | None:
    """
    Return the hours of a send: each of its arguments, or where it is None, the connection's extra of that name.

    :param conn_id: of the connection, for errors; None: they are about nothing else.
    :param extra: None: it is not read, and what is not given may be there.
    :param calling_hours: ``"09:00-20:00"``, several of them with commas; False: none, whatever the connection says.
    :param calling_days: ``"mon-fri"``, ``"mon,wed"`` or a list of them; not given: every day.
    :param timezone: the name of a zone, or ``"destination"``.
    :return: None for whenever it is.
    :raises InvalidArgument: for what cannot be understood, and for hours without a zone: nobody is rung by a guess.
    """
    if _is_off(calling_hours):
        return None
    named: dict[str, tuple[object, str]] = {}
    for name, given in (("calling_hours", calling_hours), ("calling_days", calling_days), ("timezone", timezone)):
        default = (extra or {}).get(name)
        if given is not None:
            named[name] = given, name
        elif default not in (None, "") and not _is_off(default):
            named[name] = default, name if conn_id is None else f"connection {conn_id!r}: {name}"
    zone = read_timezone(*named["timezone"]) if "timezone" in named else None
    if not {"calling_hours", "calling_days"} & set(named):
        if timezone is not None and extra is not None:
            raise InvalidArgument(
                "timezone is given and calling_hours is not, here or in the connection; give both, or neither"
            )
        return None
    windows = read_windows(*named.get("calling_hours", (_NIGHT_AND_DAY, "calling_hours")))
    days = read_days(*named["calling_days"]) if "calling_days" in named else frozenset(range(len(DAYS)))
    if zone is None:
        if extra is None:
            return None
        raise InvalidArgument(
            "calling hours have no timezone; give the name of one (Africa/Lagos, say), or "
            f"{DESTINATION!r} for that of each number"
        )
    return CallingHours(windows, days, zone)


def read_windows(calling_hours: object, name: str) -> tuple[Window, ...]:
    """
    Return the windows of a day: ``"09:00-12:30,14:00-20:00"``; one that ends before it begins ends on the next day.

    :raises InvalidArgument: for what is none.
    """
    windows = []
    for text in _items(calling_hours, name):
        found = _WINDOW.fullmatch(text)
        begins, ends = (_second(found.groups()[:3]), _second(found.groups()[3:])) if found else (None, None)
        if begins is None or ends is None or begins == _DAY_SECONDS:
            raise InvalidArgument(
                f"{name}: {text!r} are no hours; give them as 09:00-20:00, several separated by commas, and the end of "
                "the day as 24:00"
            )
        if begins == ends:
            raise InvalidArgument(f"{name}: {text!r} begins when it ends; give {_NIGHT_AND_DAY} for the whole day")
        windows.append(Window(begins, ends))
    return tuple(windows)


def read_days(calling_days: object, name: str) -> frozenset[int]:
    """
    Return the days of the week, 0 for Monday: ``"mon-fri"``, ``"sat,sun"``, ``"fri-mon"``, or a list of them.

    :raises InvalidArgument: for what is none.
    """
    days: set[int] = set()
    for text in _items(calling_days, name):
        first, to, last = text.lower().partition("-")
        begin = _day(first)
        end = _day(last) if to else begin
        if begin is None or end is None:
            raise InvalidArgument(f"{name}: {text!r} is no day; give mon-fri, or days separated by commas: mon,wed,sat")
        days |= {(begin + more) % len(DAYS) for more in range((end - begin) % len(DAYS) + 1)}
    return frozenset(days)


def read_timezone(timezone: object, name: str) -> str:
    """
    Return the name of a time zone, given as such or as an object that has one, or :data:`DESTINATION`.

    :raises InvalidArgument: for what is none.
    """
    text = timezone if isinstance(timezone, str) else getattr(timezone, "key", getattr(timezone, "name", None))
    if isinstance(text, str) and (text := text.strip()):
        if text.lower() == DESTINATION:
            return DESTINATION
        if find_zone(text) is not None:
            return text
    raise InvalidArgument(
        f"{name} is {timezone!r}, which is no time zone here; give the name of one (Africa/Lagos, say), or "
        f"{DESTINATION!r} for that of each number"
    )


def _is_off(calling_hours: object) -> bool:
    # A template makes text of False.
    return calling_hours is False or (isinstance(calling_hours, str) and calling_hours.strip().lower() == "false")


def _items(value: object, name: str) -> list[str]:
    from airflow_provider_ninebits.api.errors import InvalidMessage
    from airflow_provider_ninebits.api.rendered import rendered_list

    try:
        items = rendered_list(value, name)
    except InvalidMessage as error:
        raise InvalidArgument(str(error)) from error
    return [text.strip() for item in items for text in str(item).split(",")]


def _second(time: Sequence[str | None]) -> int | None:
    """Return the second of the day of hours, minutes and perhaps seconds; None: there is no such time."""
    hours, minutes, seconds = (int(each or 0) for each in time)
    second = hours * 3600 + minutes * 60 + seconds
    return second if minutes < 60 and seconds < 60 and second <= _DAY_SECONDS else None


def _day(text: str) -> int | None:
    text = text.strip()
    return next((place for place, day in enumerate(DAYS) if len(text) >= 3 and day.startswith(text)), None)
