"""The cluster test's count must find what it is there for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from scripts.cluster.exact import FIRST_NUMBER, numbers_of, wrong_outcomes, wrongly_rung
from scripts.soak.counting import CallSeen

ADA, BEN = (str(FIRST_NUMBER), str(FIRST_NUMBER + 1))
SIZE = 2


def moment(second: int) -> datetime:
    return datetime(2026, 1, 1, 10, 0, second, tzinfo=UTC)


def played() -> list[CallSeen]:
    ada = CallSeen("r1", ADA, "r1", moment(1), moment(2), moment(3), 2, 1, Decimal("3.5"))
    return [ada, replace(ada, number=BEN, named=None, answered_at=None, call_duration=0, total_amount=Decimal(0))]


def outcome() -> dict[str, Any]:
    """What a task returns when it was played like that."""
    ada = {
        "to_number": ADA,
        "state": "answered",
        "attempts": 1,
        "started_at": "2026-01-01T10:00:01+00:00",
        "answered_at": "2026-01-01T10:00:02+00:00",
        "ended_at": "2026-01-01T10:00:03+00:00",
        "total_duration": 2,
        "call_duration": 1,
        "total_amount": "3.5",
    }
    ben = ada | {"to_number": BEN, "state": "unanswered", "answered_at": None, "call_duration": 0, "total_amount": "0"}
    return {
        "ref_ids": ["r1"],
        "settled": True,
        "recipients": 2,
        "answered": 1,
        "unanswered": 1,
        "failed": 0,
        "pending": 0,
        "total_amount": "3.5",
        "calls_truncated": False,
        "calls": [ben, ada],
    }


def test_numbers_belong_to_one_send_each() -> None:
    assert numbers_of(0, SIZE) == [ADA, BEN]
    assert not set(numbers_of(0, SIZE)) & set(numbers_of(1, SIZE))


def test_what_was_played_is_right() -> None:
    assert wrong_outcomes([outcome()], played(), SIZE) == []


def test_a_message_may_be_called_by_its_own_id() -> None:
    told = outcome() | {"ref_ids": ["ledger:0001"]}
    assert wrong_outcomes([told], played(), SIZE) == []


@pytest.mark.parametrize(
    "change",
    [
        {"settled": False},
        {"answered": 2},
        {"unanswered": 0},
        {"pending": 1},
        {"failed": 1},
        {"recipients": 1},
        {"calls_truncated": True},
        {"total_amount": "3"},
        {"ref_ids": ["r2"]},
    ],
)
def test_every_count_is_compared(change: dict[str, Any]) -> None:
    assert len(wrong_outcomes([outcome() | change], played(), SIZE)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"state": "unanswered"},
        {"attempts": 2},
        {"started_at": "2026-01-01T11:00:01+00:00"},
        {"answered_at": None},
        {"ended_at": None},
        {"total_duration": 3},
        {"call_duration": 2},
        {"total_amount": "3"},
        {"to_number": "2349999999999"},
    ],
)
def test_every_field_of_a_call_is_compared(change: dict[str, Any]) -> None:
    told = outcome()
    told["calls"][1] |= change
    assert wrong_outcomes([told], played(), SIZE)


def test_a_call_that_is_not_told_of_is_found() -> None:
    told = outcome()
    del told["calls"][0]
    (found,) = wrong_outcomes([told], played(), SIZE)
    assert BEN not in found, "a whole number"


@pytest.mark.parametrize("returned", [None, "r1"])
def test_a_task_that_returned_no_outcome_is_found(returned: Any) -> None:
    assert wrong_outcomes([returned], played(), SIZE) == [f"send 0: returned {returned!r}"]


def test_outcomes_that_changed_places_are_found() -> None:
    others = [replace(call, number=str(int(call.number) + SIZE), ref_id="r2") for call in played()]
    theirs = outcome() | {"ref_ids": ["r2"]}
    theirs["calls"] = [call | {"to_number": str(int(call["to_number"]) + SIZE)} for call in theirs["calls"]]
    assert wrong_outcomes([outcome(), theirs], [*played(), *others], SIZE) == []
    assert wrong_outcomes([theirs, outcome()], [*played(), *others], SIZE)


@pytest.mark.parametrize("rung", [{ADA: 1}, {ADA: 2, BEN: 1}, {ADA: 1, BEN: 1, "2349999999999": 1}])
def test_who_was_not_rung_exactly_once_is_found(rung: dict[str, int]) -> None:
    assert wrongly_rung({ADA: 1, BEN: 1}, 1, SIZE) == []
    assert len(wrongly_rung(rung, 1, SIZE)) == 1
