"""What stands in the page's URLs, read and written. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_ninebits.api.numbers import canonical_number
from airflow_provider_ninebits.ledger.alert_pages import AlertKey
from airflow_provider_ninebits.ledger.browsing import Key, MessageFilter, Seen
from airflow_provider_ninebits.ledger.dead_letter_pages import CallbackKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

MESSAGE_FILTERS = (
    "dag_id",
    "run_id",
    "task_id",
    "map_index",
    "state",
    "number",
    "ref_id",
    "conn_id",
    "since",
    "until",
    "tz",
)
LONGEST = 250
"""Airflow's own ids have no more characters."""
LONGEST_VALUE = 1000
REF_IDS = 1000
FIRST_YEAR, LAST_YEAR = 1970, 9998
_LARGEST_INDEX = 2**31 - 1


class NotUnderstood(ValueError):
    """A filter in the URL says nothing that can be looked for; its text is for the reader of the page."""


@dataclass(frozen=True)
class Given:
    """
    The query of a URL, in the order in which it was given.

    :param pairs: each name and its value; names may come several times, empty values are left out.
    """

    pairs: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Given:
        """
        Read the pairs of a query: what was left empty in a form was not given.

        :raises NotUnderstood: for what no id, number or moment can be; PostgreSQL fails at a NUL as if it were down.
        """
        pairs = tuple(pairs)
        for name, value in pairs:
            if len(value) > LONGEST_VALUE or "\x00" in value:
                raise NotUnderstood(f"{name[:LONGEST]}: it is too long, or has a character that no text has")
        return cls(tuple((name, text) for name, value in pairs if (text := value.strip())))

    def all(self, name: str) -> list[str]:
        """Return every value of a name."""
        return [value for each, value in self.pairs if each == name]

    def get(self, name: str) -> str | None:
        """Return the last value of a name; None: it was not given."""
        return next(reversed(self.all(name)), None)

    def with_(self, **changes: str | None) -> str:
        """Return the query with some names changed, or left out where None; it begins with ``?``, or is ``?`` alone."""
        kept = [(name, value) for name, value in self.pairs if name not in changes]
        return "?" + urlencode([*kept, *((name, value) for name, value in changes.items() if value is not None)])

    def only(self, *names: str) -> Given:
        """Return it with nothing but some names."""
        return Given(tuple(pair for pair in self.pairs if pair[0] in names))


def read_zone(given: Given) -> tzinfo:
    """
    Return the time zone that moments are shown in: ``tz``, else UTC.

    :raises NotUnderstood: for what no zone is called.
    """
    name = given.get("tz")
    if name is None or name == "UTC":
        return UTC
    try:
        return ZoneInfo(name[:LONGEST])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NotUnderstood(f"tz: no time zone is called {name[:LONGEST]!r}; give one like Africa/Lagos") from None


def read_wanted(given: Given) -> MessageFilter:
    """
    Return which messages a URL asks for, over whichever connections.

    :raises NotUnderstood: for a value that cannot be looked for.
    """
    zone = read_zone(given)
    state, number, ref_ids = given.get("state"), given.get("number"), given.all("ref_id")
    if state is not None and state not in set(Seen):
        raise NotUnderstood(f"state: there is no {state[:LONGEST]!r}; there are {', '.join(Seen)}")
    canonical = canonical_number(number)
    if number is not None and canonical is None:
        raise NotUnderstood("number: give all its digits with the country code, like 2348020000000")
    if len(ref_ids) > REF_IDS:
        raise NotUnderstood(f"ref_id: at most {REF_IDS} can be asked for at once")
    inside = next((name for name in ("run_id", "task_id", "map_index") if given.get(name) is not None), None)
    if inside is not None and given.get("dag_id") is None:
        # Who may see it is asked by the DAG: without one, it would be told that there is such a run or task.
        raise NotUnderstood(f"{inside}: give its dag_id as well")
    return MessageFilter(
        dag_id=_text(given, "dag_id"),
        run_id=_text(given, "run_id"),
        task_id=_text(given, "task_id"),
        map_index=_index(given.get("map_index")),
        seen=None if state is None else Seen(state),
        number=canonical,
        ref_ids=tuple(dict.fromkeys(ref_ids)),
        since=read_moment(given, "since", zone),
        until=read_moment(given, "until", zone),
    )


def read_moment(given: Given, name: str, zone: tzinfo) -> datetime | None:
    """
    Return a moment of a URL: a date stands for its first second, or as ``until`` for the end of its last.

    :param zone: of a moment that has no offset.
    :raises NotUnderstood: for what is no moment.
    """
    text = given.get(name)
    if text is None:
        return None
    try:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            found = datetime.fromisoformat(text)
        else:
            found = datetime(day.year, day.month, day.day, tzinfo=zone)
            found += timedelta(days=name == "until")
        # Further out, a zone or a span that is counted from it would lead past what a clock can say.
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise ValueError
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotUnderstood(
            f"{name}: give a time like 2026-01-31 or 2026-01-31T14:00, from {FIRST_YEAR} to {LAST_YEAR}"
        ) from None


def is_message_id(text: str) -> bool:
    """Return whether a text can be the id of a message."""
    return re.fullmatch("[0-9a-z]{32}", text) is not None


def write_key(key: Key | CallbackKey | AlertKey | None) -> str | None:
    """Return a place in a list as it stands in a URL."""
    if key is None:
        return None
    moment, name = key
    text = json.dumps([moment.astimezone(UTC).isoformat(), name])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_key(text: str | None) -> Key | None:
    """
    Return a place in the list of messages.

    :raises NotUnderstood: for what this page has not written.
    """
    found = _place(text, str)
    if found is not None and not is_message_id(found[1]):
        raise NotUnderstood("after: this is no place in the list; begin at its top")
    return None if found is None else Key(*found)


def read_callback_key(text: str | None) -> CallbackKey | None:
    """
    Return a place in the list of callbacks.

    :raises NotUnderstood: for what this page has not written.
    """
    found = _place(text, int)
    return None if found is None else CallbackKey(*found)


def read_alert_key(text: str | None) -> AlertKey | None:
    """
    Return a place in the list of alerts.

    :raises NotUnderstood: for what this page has not written.
    """
    found = _place(text, str)
    return None if found is None else AlertKey(*found)


def read_place(text: str | None) -> int | None:
    """
    Return a place among the calls of a message.

    :raises NotUnderstood: for what this page has not written.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:20]) < 2**63 and len(text) < 20):
        raise NotUnderstood("after: this is no place in the list; begin at its top")
    return int(text)


def _place(text: str | None, kind: type) -> tuple[datetime, Any] | None:
    if text is None:
        return None
    try:
        moment, name = json.loads(base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}"))
        found = datetime.fromisoformat(moment)
        if found.tzinfo is None or type(name) is not kind or (isinstance(name, int) and not 0 <= name < 2**63):
            raise ValueError
        return found.astimezone(UTC), name
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
        raise NotUnderstood("after: this is no place in the list; begin at its top") from None


def _text(given: Given, name: str) -> str | None:
    value = given.get(name)
    if value is not None and len(value) > LONGEST:
        raise NotUnderstood(f"{name}: it has at most {LONGEST} characters")
    return value


def _index(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        found = int(text)
    except ValueError:
        found = -2
    if not -1 <= found <= _LARGEST_INDEX:
        raise NotUnderstood("map_index: give a whole number; -1 is a task that is not mapped")
    return found


def airflow_path(root: str, place: Mapping[str, Any]) -> str | None:
    """Return where Airflow's UI shows the task that asked for a message; None: no task did."""
    names = [place.get(name) for name in ("dag_id", "run_id", "task_id")]
    if None in names:
        return None
    dag_id, run_id, task_id = (quote(str(name), safe="") for name in names)
    map_index = place.get("map_index")
    mapped = "" if map_index is None or map_index < 0 else f"/mapped/{map_index}"
    return f"{root}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}{mapped}"
