"""
What comes to the callback URL: the outcome of one attempt to call, or the answer to a request.

A stranger's payload: every field is read defensively, what cannot be read is None, and nothing here raises, whatever
the bytes are. 9bits sends a callback once, so what is not understood must still be kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from airflow_provider_ninebits.api.answers import usable_ref_id
from airflow_provider_ninebits.api.call_fields import (
    read_amount,
    read_caller_id,
    read_inbound,
    read_seconds,
    read_status_code,
    read_time,
    read_to_number,
)
from airflow_provider_ninebits.api.masking import shown_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

# Python reads no longer integers than 4300 digits, and no field of ours has more than these.
_LONGEST_INTEGER = 40

# 1 MiB holds some 4,000 calls with the documented fields. A list of more is something else, and its items would be as
# many rows: half a million of them, from `[1,1,1,...]`.
MOST_IN_LIST = 20_000

_BLANKS = re.compile(r"[ \t\n\r]*")
# In valid JSON these are in strings only, where they may be escaped.
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

_TIMES = ("start_at", "answer_at", "end_at")
# Any of them makes an object a call, should `to_number` be missing.
_CALL_FIELDS = (*_TIMES, "total_duration", "call_duration", "call_direction", "total_amount")
_ANSWERS_NUMBER = (None, "")


class Call(NamedTuple):
    """
    One attempt to call one number (9bits: The Call Object).

    :param to_number: the destination, canonical; None: not readable.
    :param from_number: the caller ID, in national form in 9bits' example.
    :param ref_id: the request's; 9bits' example has none.
    :param inbound: whether somebody called the account: such calls may come to the same URL.
    :param started_at: aware, in UTC, like the other times; None: absent or not readable.
    :param answered_at: None: not answered.
    :param total_duration: seconds that the call lasted.
    :param call_duration: seconds billed.
    :param total_amount: what it cost, at most 9 places; the currency is not documented.
    """

    to_number: str | None
    from_number: str | None = None
    ref_id: str | None = None
    inbound: bool = False
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    total_duration: int | None = None
    call_duration: int | None = None
    total_amount: Decimal | None = None

    @property
    def answered(self) -> bool:
        """Whether somebody answered."""
        return self.answered_at is not None


class ApiAnswer(NamedTuple):
    """
    The answer to a request, sent to the callback URL (9bits: Overview).

    :param ref_id: the request's; None: absent or not usable.
    :param status_code: 100 to 599.
    :param message: bounded and escaped, numbers masked.
    """

    ref_id: str | None
    status_code: int
    message: str = ""


@dataclass(frozen=True)
class Unreadable:
    """Something that is neither; it is kept raw. ``reason`` holds nothing of its content."""

    reason: str


Event = Call | ApiAnswer | Unreadable


class ReceivedEvent(NamedTuple):
    """
    One event, read.

    :param raw: the body as it came; of a list its item as it was written, in ASCII.
    """

    event: Event
    raw: bytes


def read_callbacks(body: bytes, timezone: str = "UTC") -> list[ReceivedEvent]:
    """
    Return what a callback's body holds: one event, or those of a list, each read by itself. Never empty.

    A list of more than :data:`MOST_IN_LIST` items is one unreadable event.

    :param timezone: the zone of 9bits' times, which carry none (not documented): a name of the tz database.
    :raises ZoneInfoNotFoundError: for a zone that does not exist; never for the body.
    """
    # UTC itself is no other zone than a moment's own, and spares it the conversion.
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    if not body.strip():
        return [ReceivedEvent(Unreadable("the body is empty"), body)]
    text = _text(body)
    try:
        found = _DECODER.decode(text)
    except RecursionError:
        return [ReceivedEvent(Unreadable("the body is nested too deeply"), body)]
    except ValueError:
        return [ReceivedEvent(Unreadable("the body is no JSON"), body)]
    if not isinstance(found, list):
        return [ReceivedEvent(_read_event(found, zone), body)]
    if not found:
        return [ReceivedEvent(Unreadable("the body is an empty list"), body)]
    if len(found) > MOST_IN_LIST:
        return [ReceivedEvent(Unreadable(f"the body is a list of more than {MOST_IN_LIST} items"), body)]
    return [ReceivedEvent(_read_event(item, zone), raw) for item, raw in _items(text)]


def identity(event: Event, connection_path: str | None) -> str | None:
    """
    Return what two callbacks share if one repeats the other: 9bits delivers at least once.

    :param connection_path: the connection id in the URL's path; None: the account's one path.
    :return: 40 hex digits: a second of the call, that of its end where it has one, and 128 bits of a SHA-256 over the
        connection path and all parsed fields. So who keeps them in order adds those of new calls at the end, where it
        has just been, and not all over. None: nothing tells a repeat from another event (a call without any time, what
        is unreadable).
    """
    if isinstance(event, Unreadable):
        return None
    ended = None
    if isinstance(event, Call):
        ended = event.ended_at or event.answered_at or event.started_at
        if ended is None:
            return None
    # To write a moment as text takes several times as long.
    fields = [
        value.timestamp() if isinstance(value, datetime) else str(value) if isinstance(value, Decimal) else value
        for value in event
    ]
    of_all = hashlib.sha256(ascii([type(event).__name__, connection_path, *fields]).encode()).hexdigest()
    # As many digits whatever the year; before 1970 and after 2106 they are not in order.
    return f"{0 if ended is None else int(ended.timestamp()) & 0xFFFFFFFF:08x}{of_all[:32]}"


def _read_event(item: object, zone: tzinfo) -> Event:
    if not isinstance(item, dict):
        return Unreadable("it is no JSON object")
    is_call = "to_number" in item or any(name in item for name in _CALL_FIELDS)
    has_call = item.get("to_number") not in _ANSWERS_NUMBER or any(item.get(name) for name in _TIMES)
    if "status_code" in item and not has_call:
        status_code = read_status_code(item["status_code"])
        if status_code is None:
            return Unreadable("its status_code is no HTTP status")
        message = item.get("message")
        shown = shown_text(message) if message and isinstance(message, str) else ""
        return ApiAnswer(usable_ref_id(item.get("ref_id")), status_code, shown)
    return _read_call(item, zone) if is_call else Unreadable("it is neither a call nor an answer")


def _read_call(item: dict[str, Any], zone: tzinfo) -> Call:
    field = item.get
    return Call(
        to_number=read_to_number(field("to_number")),
        from_number=read_caller_id(field("from_number")),
        ref_id=usable_ref_id(field("ref_id")),
        inbound=read_inbound(field("call_direction")),
        started_at=read_time(field("start_at"), zone),
        answered_at=read_time(field("answer_at"), zone),
        ended_at=read_time(field("end_at"), zone),
        total_duration=read_seconds(field("total_duration")),
        call_duration=read_seconds(field("call_duration")),
        total_amount=read_amount(field("total_amount")),
    )


def _text(body: bytes) -> str:
    try:
        # JSON in UTF-16 or UTF-32 has a zero byte beside its first character.
        plain = body[:1] == b"{" and b"\x00" not in body[1:4]
        return body.decode("utf-8" if plain else json.detect_encoding(body), "surrogatepass")
    except UnicodeDecodeError:
        # Every byte is a character of latin-1: the fields that count are ASCII.
        return body.decode("latin-1")


def _items(text: str) -> Iterator[tuple[object, bytes]]:
    """Give the items of a JSON list that is known to be valid, and how each was written: a 30.10 stays one."""
    start = text.index("[")
    while text[start] != "]":
        start = _after_blanks(text, start + 1)
        item, end = _DECODER.raw_decode(text, start)
        yield item, _NOT_ASCII.sub(lambda mark: json.dumps(mark.group())[1:-1], text[start:end]).encode("ascii")
        start = _after_blanks(text, end)


def _after_blanks(text: str, start: int) -> int:
    blanks = _BLANKS.match(text, start)
    return blanks.end() if blanks else start


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_INTEGER else text


def _decimal(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent that no decimal has
        return text


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_decimal, parse_constant=lambda name: None)
