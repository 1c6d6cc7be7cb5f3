"""What comes to the callback URL: a stranger's bytes made into events, whatever they are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.api.answers import usable_ref_id
from airflow_provider_ninebits.api.call_fields import (
    read_amount,
    read_duration_seconds,
    read_moment,
    read_status,
    read_text,
)
from airflow_provider_ninebits.api.numbers import canonical_number

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

_CALL_FIELDS = frozenset({"to_number", "start_at", "answer_at", "end_at", "call_direction", "total_duration"})


@dataclass(frozen=True)
class Call:
    """
    A call object (9bits: The Call Object). Durations are seconds; what was absent or unreadable is None.

    :param inbound: somebody called the account; it is nobody's outcome.
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
        """Whether somebody picked up. How 9bits says that nobody did is not documented."""
        return self.answered_at is not None


@dataclass(frozen=True)
class ApiAnswer:
    """An API answer at the callback URL (9bits: Overview): no call, but a word on a request."""

    ref_id: str | None
    status_code: int
    message: str = ""


@dataclass(frozen=True)
class Unreadable:
    """A body, or an item of one, that is neither."""

    reason: str


Event = Call | ApiAnswer | Unreadable


@dataclass(frozen=True)
class ReceivedEvent:
    """An event, and the bytes that it was read from."""

    event: Event
    raw: bytes


def read_callbacks(body: bytes, timezone: str = "UTC") -> list[ReceivedEvent]:
    """
    Return what a callback's body says. Never raises, and never returns nothing.

    :param body: one call object or API answer, or a list of them.
    :param timezone: the zone of 9bits' times, which is not documented: ``[ninebits] callback_timezone``.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError, MemoryError) as error:
        return [ReceivedEvent(Unreadable(f"no JSON: {type(error).__name__}"), body)]
    if not isinstance(found, list):
        return [ReceivedEvent(_read_item(found, timezone), body)]
    if not found:
        return [ReceivedEvent(Unreadable("an empty list"), body)]
    return [ReceivedEvent(_read_item(item, timezone), _raw(item)) for item in found]


def identity(event: Event, connection_path: str | None) -> str | None:
    """
    Return what makes two callbacks repeats: the same path and the same fields, once parsed.

    :return: None where nothing does: a call without any time, and what cannot be read.
    """
    if isinstance(event, ApiAnswer):
        return _digest(["answer", connection_path, event.ref_id, event.status_code, event.message])
    if isinstance(event, Unreadable) or not (event.started_at or event.answered_at or event.ended_at):
        return None
    times = [None if t is None else t.isoformat() for t in (event.started_at, event.answered_at, event.ended_at)]
    amount = None if event.total_amount is None else str(event.total_amount.normalize())
    numbers = [event.to_number, event.from_number, event.ref_id, event.inbound]
    return _digest(["call", connection_path, *numbers, *times, event.total_duration, event.call_duration, amount])


def _read_item(item: object, timezone: str) -> Event:
    if not isinstance(item, dict):
        return Unreadable(f"a {type(item).__name__}, no object")
    ref_id = usable_ref_id(item.get("ref_id"))
    status = read_status(item.get("status_code"))
    if status is not None and "to_number" not in item:
        return ApiAnswer(ref_id, status, read_text(item.get("message")))
    if not _CALL_FIELDS.intersection(item):
        return Unreadable("neither a call object nor an API answer")
    return _read_call(item, ref_id, timezone)


def _read_call(item: dict[str, Any], ref_id: str | None, timezone: str) -> Call:
    return Call(
        to_number=canonical_number(item.get("to_number")),
        from_number=canonical_number(item.get("from_number")),
        ref_id=ref_id,
        inbound=read_text(item.get("call_direction")).strip().lower() == "inbound",
        started_at=read_moment(item.get("start_at"), timezone),
        answered_at=read_moment(item.get("answer_at"), timezone),
        ended_at=read_moment(item.get("end_at"), timezone),
        total_duration=read_duration_seconds(item.get("total_duration")),
        call_duration=read_duration_seconds(item.get("call_duration")),
        total_amount=read_amount(item.get("total_amount")),
    )


def _raw(item: object) -> bytes:
    try:
        return json.dumps(item, ensure_ascii=True).encode("ascii")
    except (ValueError, RecursionError):
        return b"<an item that cannot be written as JSON again>"


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode("ascii")).hexdigest()
