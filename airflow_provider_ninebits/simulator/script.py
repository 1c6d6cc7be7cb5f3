"""What a test orders at run time: faults of coming sends, and how numbers behave. Pure but for using faults up."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from airflow_provider_ninebits.api.numbers import canonical_number, mask_number
from airflow_provider_ninebits.simulator.outcomes import Attempt, ScriptedNumber

FaultKind = Literal["status", "drop", "delay", "no_ref_id", "wrong_ref_id"]

_FAULT_FIELDS: dict[str, set[str]] = {
    "status": {"status", "retry_after", "placed", "message"},
    "drop": {"placed"},
    "delay": {"seconds", "placed"},
    "no_ref_id": {"placed"},
    "wrong_ref_id": {"placed", "ref_id"},
}

_UNKNOWN_REF_ID = "0unknown0unknown0unknown0"
_MOST_TIMES = 10_000


class BadScript(ValueError):
    """A script that cannot be played; nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class Fault:
    """
    What goes wrong with one send that is otherwise good.

    :param placed: whether the numbers are rung all the same.
    :param seconds: of a delay; real ones, as the client's patience does not grow with ``--speed``.
    :param ref_id: what a ``wrong_ref_id`` tells in the place of the real one; any JSON.
    """

    kind: FaultKind
    placed: bool
    status: int = 200
    retry_after: str | None = None
    message: str | None = None
    seconds: float = 0.0
    ref_id: object = _UNKNOWN_REF_ID


@dataclass(slots=True)
class Script:
    """The orders that were not used up yet."""

    faults: deque[Fault] = field(default_factory=deque)
    numbers: dict[str, ScriptedNumber] = field(default_factory=dict)

    def add(self, orders: object) -> None:
        """
        Add orders: faults behind those that wait, numbers in the place of what was said of them.

        :param orders: ``{"faults": [...], "numbers": {...}}``, each optional.
        :raises BadScript: says which order is wrong.
        """
        given = _mapping(orders, "the script", {"faults", "numbers"})
        faults: list[Fault] = []
        for place, item in enumerate(_list(given.get("faults"), "faults")):
            faults += [_fault(item, f"faults[{place}]")] * _times(item, f"faults[{place}]")
        numbers = dict(_number(key, item) for key, item in _mapping(given.get("numbers") or {}, "numbers").items())
        self.faults.extend(faults)
        self.numbers.update(numbers)

    def next_fault(self) -> Fault | None:
        """Take the fault of the send that just came."""
        return self.faults.popleft() if self.faults else None

    def number(self, number: str) -> ScriptedNumber:
        """Return what was ordered for a number; without an order, one that changes nothing."""
        return self.numbers.get(number) or ScriptedNumber()

    def clear(self) -> None:
        """Forget every order."""
        self.faults.clear()
        self.numbers.clear()


def _fault(item: object, where: str) -> Fault:
    kind = _mapping(item, where).get("kind")
    if not isinstance(kind, str) or kind not in _FAULT_FIELDS:
        raise BadScript(f"{where}: kind is {kind!r}; give one of {', '.join(_FAULT_FIELDS)}")
    given = _mapping(item, where, {"kind", "times"} | _FAULT_FIELDS[kind])
    status = given.get("status", 500 if kind == "status" else 200)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise BadScript(f"{where}: status is {status!r}; give 200 to 599")
    retry_after = given.get("retry_after")
    message = given.get("message")
    if message is not None and not isinstance(message, str):
        raise BadScript(f"{where}: message is no text")
    if retry_after is not None and not isinstance(retry_after, (str, int)):
        raise BadScript(f"{where}: retry_after is {retry_after!r}; give seconds or an HTTP date, as text")
    return Fault(
        cast("FaultKind", kind),
        placed=_flag(given.get("placed"), f"{where}: placed", status < 300),
        status=status,
        retry_after=None if retry_after is None else str(retry_after),
        message=message,
        seconds=_seconds(given.get("seconds", 1.0), f"{where}: seconds"),
        ref_id=given.get("ref_id", _UNKNOWN_REF_ID),
    )


def _times(item: object, where: str) -> int:
    times = _mapping(item, where).get("times", 1)
    if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= _MOST_TIMES:
        raise BadScript(f"{where}: times is {times!r}; give 1 to {_MOST_TIMES}")
    return times


def _number(key: object, item: object) -> tuple[str, ScriptedNumber]:
    number = canonical_number(key)
    if number is None:
        raise BadScript(f"numbers: {mask_number(key)} is no number")
    where = f"numbers[{mask_number(number)}]"
    given = _mapping(item, where, {"attempts", "lose_callback", "with_ref_id"})
    attempts = None
    if given.get("attempts") is not None:
        attempts = tuple(_attempt(each, f"{where}.attempts") for each in _list(given["attempts"], f"{where}.attempts"))
        if not attempts:
            raise BadScript(f"{where}.attempts is empty; leave it out to play by the settings")
    with_ref_id = given.get("with_ref_id")
    return number, ScriptedNumber(
        attempts,
        lose_callback=_flag(given.get("lose_callback"), f"{where}.lose_callback", False),
        with_ref_id=None if with_ref_id is None else _flag(with_ref_id, f"{where}.with_ref_id", False),
    )


def _attempt(item: object, where: str) -> Attempt:
    given = _mapping(item, where, {"answered", "ring_seconds", "talk_seconds"})
    return Attempt(
        _flag(given.get("answered"), f"{where}: answered", True),
        _seconds(given.get("ring_seconds", 3), f"{where}: ring_seconds"),
        _seconds(given.get("talk_seconds", 20), f"{where}: talk_seconds"),
    )


def _mapping(value: object, where: str, known: set[str] | None = None) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise BadScript(f"{where} is no JSON object")
    unknown = sorted(str(key) for key in value if known is not None and key not in known)
    if unknown:
        raise BadScript(f"{where} has unknown fields: {', '.join(unknown)}; known: {', '.join(sorted(known or ()))}")
    return value


def _list(value: object, where: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadScript(f"{where} is no list")
    return value


def _flag(value: object, where: str, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise BadScript(f"{where} is {value!r}; give true or false")
    return value


def _seconds(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise BadScript(f"{where} is {value!r}; give seconds, 0 or more")
    return float(value)
