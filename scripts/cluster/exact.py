"""What each task returned against what the simulator played. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.api.numbers import mask_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scripts.soak.counting import CallSeen

FIRST_NUMBER = 2348000000000


def numbers_of(place: int, size: int) -> list[str]:
    """Return the numbers of one send, which are no other's."""
    return [str(FIRST_NUMBER + place * size + offset) for offset in range(size)]


@dataclass(frozen=True)
class CallTold:
    """What is said of one number: in an outcome, or by what was played."""

    state: str
    attempts: int
    started_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    total_duration: int | None
    call_duration: int | None
    total_amount: Decimal


def told_by_playing(calls: Iterable[CallSeen]) -> dict[str, CallTold]:
    """Return what an outcome must say of each number; each was rung once and no more."""
    return {
        call.number: CallTold(
            "unanswered" if call.answered_at is None else "answered",
            1,
            call.started_at,
            call.answered_at,
            call.ended_at,
            call.total_duration,
            call.call_duration,
            call.total_amount or Decimal(0),
        )
        for call in calls
    }


def told_by_outcome(outcome: Mapping[str, Any]) -> dict[str, CallTold]:
    """Return what an outcome, as it stands in XCom, says of each number."""
    return {
        call["to_number"]: CallTold(
            call["state"],
            call["attempts"],
            _moment(call["started_at"]),
            _moment(call["answered_at"]),
            _moment(call["ended_at"]),
            call["total_duration"],
            call["call_duration"],
            Decimal(call["total_amount"] or 0),
        )
        for call in outcome["calls"]
    }


def wrong_outcomes(outcomes: Sequence[Any], calls: Iterable[CallSeen], size: int) -> list[str]:
    """
    Return what the tasks returned otherwise than it was played, in words.

    :param outcomes: one for each send, in their order; None: the task returned nothing.
    :param calls: every call that was played.
    :param size: how many numbers a send has; no more than an outcome shows calls of.
    """
    played: dict[str, list[CallSeen]] = defaultdict(list)
    for call in calls:
        played[call.number].append(call)
    found = []
    for place, outcome in enumerate(outcomes):
        numbers = numbers_of(place, size)
        found += [f"send {place}: {problem}" for problem in _problems(outcome, numbers, played)]
    return found


def wrongly_rung(rung: Mapping[str, int], sends: int, size: int) -> list[str]:
    """Return who was not rung exactly once, in words."""
    wanted = {number for place in range(sends) for number in numbers_of(place, size)}
    return [
        f"{mask_number(number)} was rung {rung.get(number, 0)} times"
        for number in sorted(wanted | rung.keys())
        if rung.get(number, 0) != (number in wanted)
    ]


def _problems(outcome: Any, numbers: list[str], played: Mapping[str, list[CallSeen]]) -> list[str]:
    if not isinstance(outcome, dict):
        return [f"returned {outcome!r}"]
    calls = [call for number in numbers for call in played.get(number, [])]
    wanted, told = told_by_playing(calls), told_by_outcome(outcome)
    answered = sum(call.state == "answered" for call in wanted.values())
    counts = {
        "settled": True,
        "recipients": len(numbers),
        "answered": answered,
        "unanswered": len(numbers) - answered,
        "failed": 0,
        "pending": 0,
        "calls_truncated": False,
    }
    problems = [
        f"{name} is {outcome.get(name)!r} and not {value!r}"
        for name, value in counts.items()
        if outcome.get(name) != value
    ]
    ref_ids = {call.ref_id for call in calls}
    # One whose ref_id was not known when the task asked is called by its message's id.
    if not all(ref_id in ref_ids or ref_id.startswith("ledger:") for ref_id in outcome["ref_ids"]):
        problems.append(f"ref_ids are {outcome['ref_ids']}, 9bits gave {sorted(map(str, ref_ids))}")
    total = sum((call.total_amount for call in wanted.values()), Decimal(0))
    if Decimal(outcome["total_amount"]) != total:
        problems.append(f"total_amount is {outcome['total_amount']} and not {total}")
    problems += [
        f"{mask_number(number)} is {told.get(number)} and not {wanted.get(number)}"
        for number in sorted(wanted.keys() | told.keys())
        if told.get(number) != wanted.get(number)
    ]
    return problems


def _moment(stamp: str | None) -> datetime | None:
    return None if stamp is None else datetime.fromisoformat(stamp)
