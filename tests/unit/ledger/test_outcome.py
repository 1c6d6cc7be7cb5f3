from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from airflow_provider_ninebits.ledger.outcome import (
    CallOutcome,
    FailOn,
    Progress,
    WaitFor,
    disappoints,
    is_over,
    outcome_of,
    plain_amount,
)
from airflow_provider_ninebits.ledger.states import RecipientState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("progress", "settled"),
    [
        pytest.param(Progress(2, 1, 1, 0), True, id="nobody is pending"),
        pytest.param(Progress(2, 0, 0, 2), True, id="all failed"),
        pytest.param(Progress(3, 1, 1, 0), False, id="one is pending"),
        pytest.param(Progress(0, 0, 0, 0), False, id="there are no recipients"),
        pytest.param(Progress(2, 1, 1, 0, settles_at=SOON), False, id="inside the attempt window"),
        pytest.param(Progress(2, 1, 1, 0, settles_at=NOW), True, id="the attempt window has just closed"),
        pytest.param(Progress(2, 2, 0, 0, unknown_ref_ids=("x",)), False, id="one ref_id is unknown"),
    ],
)
def test_settled(progress: Progress, settled: bool) -> None:
    assert progress.settled(NOW) is settled
    assert is_over(progress, "all", NOW) is settled


@pytest.mark.parametrize(
    ("wait_for", "progress", "over"),
    [
        pytest.param("any", Progress(3, 1, 0, 0), True, id="any: one answered, others pending"),
        pytest.param("any", Progress(3, 0, 2, 0), False, id="any: nobody answered yet"),
        pytest.param("any", Progress(3, 0, 2, 1), True, id="any: all settled, nobody answered"),
        pytest.param("any", Progress(1, 0, 1, 0, settles_at=SOON), False, id="any: another attempt may come"),
        pytest.param("any", Progress(2, 1, 1, 0, settles_at=SOON), True, id="any: no need for another attempt"),
        pytest.param("any", Progress(2, 1, 0, 0, unknown_ref_ids=("x",)), True, id="any: answered beside an unknown"),
        pytest.param("all", Progress(3, 1, 0, 0), False, id="all: others pending"),
    ],
)
def test_when_a_wait_is_over(wait_for: WaitFor, progress: Progress, over: bool) -> None:
    assert is_over(progress, wait_for, NOW) is over


@pytest.mark.parametrize(
    ("answered", "unanswered", "failed", "fail_on", "failing"),
    [
        (2, 0, 0, "all", False),
        (1, 1, 0, "all", True),
        (1, 0, 1, "all", True),
        (1, 1, 0, "any", False),
        (0, 2, 0, "any", True),
        (0, 0, 2, "any", True),
        (0, 2, 0, False, False),
        (0, 0, 2, False, False),
    ],
)
def test_when_an_outcome_disappoints(
    answered: int, unanswered: int, failed: int, fail_on: FailOn, failing: bool
) -> None:
    assert disappoints(Progress(2, answered, unanswered, failed), fail_on) is failing


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("30", "30"),
        ("30.00", "30"),
        ("3E+1", "30"),
        ("100", "100"),
        ("0.50", "0.5"),
        ("1E-9", "0.000000001"),
        ("0", "0"),
        ("0.000", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0E+3", "0"),
        ("12345678901234567890.125", "12345678901234567890.125"),
    ],
)
def test_amounts_have_no_exponent_and_no_trailing_zeros(amount: str, text: str) -> None:
    assert plain_amount(Decimal(amount)) == text


def a_call(number: int, state: RecipientState = RecipientState.ANSWERED, amount: str | None = None) -> CallOutcome:
    return CallOutcome(f"2348{number:09}", state, total_amount=None if amount is None else Decimal(amount))


def test_an_outcome_is_plain_json() -> None:
    offset = timezone(timedelta(hours=1))
    one = CallOutcome(
        "2348020000000",
        RecipientState.ANSWERED,
        attempts=1,
        started_at=datetime(2023, 10, 24, 22, 54, 6, tzinfo=UTC),
        answered_at=datetime(2023, 10, 24, 23, 54, 12, tzinfo=offset),
        ended_at=datetime(2023, 10, 24, 22, 55, 41, tzinfo=UTC),
        total_duration=95,
        call_duration=90,
        total_amount=Decimal("30.00"),
    )
    outcome = outcome_of(("r",), Progress(2, 1, 0, 0), [one, a_call(1, RecipientState.PENDING)], NOW).as_dict()

    assert json.loads(json.dumps(outcome)) == {
        "ref_ids": ["r"],
        "settled": False,
        "recipients": 2,
        "answered": 1,
        "unanswered": 0,
        "failed": 0,
        "pending": 1,
        "total_amount": "30",
        "calls_truncated": False,
        "calls": [
            {
                "to_number": "2348000000001",
                "state": "pending",
                "attempts": 0,
                "started_at": None,
                "answered_at": None,
                "ended_at": None,
                "total_duration": None,
                "call_duration": None,
                "total_amount": None,
            },
            {
                "to_number": "2348020000000",
                "state": "answered",
                "attempts": 1,
                "started_at": "2023-10-24T22:54:06+00:00",
                "answered_at": "2023-10-24T22:54:12+00:00",
                "ended_at": "2023-10-24T22:55:41+00:00",
                "total_duration": 95,
                "call_duration": 90,
                "total_amount": "30",
            },
        ],
    }


def test_those_not_answered_come_first() -> None:
    states = [RecipientState.ANSWERED, RecipientState.UNANSWERED, RecipientState.FAILED, RecipientState.PENDING]
    outcome = outcome_of(("r",), Progress(4, 1, 1, 1), [a_call(i, state) for i, state in enumerate(states)], NOW)

    assert [call.state for call in outcome.calls] == states[::-1]


@pytest.mark.parametrize(("recipients", "truncated"), [(100, False), (101, True)])
def test_xcom_gets_a_hundred_calls_and_the_outcome_has_all(recipients: int, truncated: bool) -> None:
    calls = [a_call(i, amount="1.5") for i in range(recipients)]
    calls[-1] = a_call(recipients, RecipientState.UNANSWERED)
    outcome = outcome_of(("r",), Progress(recipients, recipients - 1, 1, 0), calls, NOW)
    shown = outcome.as_dict()

    assert len(outcome.calls) == recipients
    assert len(shown["calls"]) == 100
    assert shown["calls_truncated"] is truncated
    assert shown["calls"][0]["state"] == "unanswered"
    assert shown["total_amount"] == plain_amount(Decimal("1.5") * (recipients - 1))


def test_the_amount_of_nothing_is_zero() -> None:
    assert (
        outcome_of(("r",), Progress(1, 0, 0, 0), [a_call(1, RecipientState.PENDING)], NOW).as_dict()["total_amount"]
        == "0"
    )


def test_the_summary_names_no_number() -> None:
    outcome = outcome_of(("r",), Progress(4, 1, 1, 1), [a_call(i) for i in range(4)], NOW)

    assert outcome.summary() == "1 of 4 answered, 1 unanswered, 1 failed, 1 pending"
    assert "2348" not in repr(outcome)
