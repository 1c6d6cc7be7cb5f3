from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument, LedgerUnavailable
from airflow_provider_ninebits.hooks.waiting import Standing, Wait, read_event, standing
from airflow_provider_ninebits.ledger.outcome import Progress

LEDGER_NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTLED = Progress(2, 1, 1, 0)
HALF = Progress(2, 1, 0, 0)
NOBODY_YET = Progress(2, 0, 0, 0)
UNKNOWN = Progress(0, 0, 0, 0, unknown_ref_ids=("x",))
IN_WINDOW = Progress(1, 0, 1, 0, settles_at=LEDGER_NOW + timedelta(seconds=1))
WINDOW_CLOSED = Progress(1, 0, 1, 0, settles_at=LEDGER_NOW)
HALF_UNKNOWN = Progress(1, 1, 0, 0, unknown_ref_ids=("x",))

# Seconds since the first look, which was at 0; the deadline is at 100.
CASES = {
    "settled": (SETTLED, "all", 1, Standing.OVER),
    "settled after the deadline is still settled": (SETTLED, "all", 200, Standing.OVER),
    "half of them": (HALF, "all", 1, Standing.WAITING),
    "half of them is enough for any": (HALF, "any", 1, Standing.OVER),
    "nobody yet": (NOBODY_YET, "any", 99.9, Standing.WAITING),
    "the deadline": (NOBODY_YET, "all", 100, Standing.TIMED_OUT),
    "the deadline for any": (NOBODY_YET, "any", 100, Standing.TIMED_OUT),
    "inside the attempt window": (IN_WINDOW, "all", 1, Standing.WAITING),
    "attempt window closed": (WINDOW_CLOSED, "all", 1, Standing.OVER),
    "unknown, but not for long": (UNKNOWN, "all", 59.9, Standing.WAITING),
    "unknown for a minute": (UNKNOWN, "all", 60, Standing.UNKNOWN),
    "unknown, whatever the deadline says": (UNKNOWN, "all", 200, Standing.UNKNOWN),
    "one of them unknown": (HALF_UNKNOWN, "all", 60, Standing.UNKNOWN),
    "one of them unknown, another one answered": (HALF_UNKNOWN, "any", 60, Standing.OVER),
}


@pytest.mark.parametrize(("progress", "wait_for", "now", "expected"), CASES.values(), ids=CASES.keys())
def test_where_a_wait_stands(progress: Progress, wait_for: Any, now: float, expected: Standing) -> None:
    where = standing(progress, wait_for, ledger_now=LEDGER_NOW, now=now, first_look_at=0.0, deadline=100.0)
    assert where is expected


@pytest.mark.parametrize("status", ["over", "timed_out", "unknown"])
def test_an_event_says_how_a_wait_ended(status: str) -> None:
    assert read_event({"status": status}) is Standing(status)


def test_an_error_in_the_triggerer_is_an_outage() -> None:
    with pytest.raises(LedgerUnavailable, match="disk is full"):
        read_event({"status": "error", "message": "disk is full"})


def test_the_event_says_what_to_look_at_and_one_of_an_older_version_need_not() -> None:
    with pytest.raises(LedgerUnavailable, match=r"The ledger at x cannot be used .* Mend it\.$"):
        read_event({"status": "error", "message": "gone", "masked_url": "x", "advice": "Mend it."})
    with pytest.raises(LedgerUnavailable, match=r"The ledger at x cannot be used .* Is its database up"):
        read_event({"status": "error", "message": "gone", "masked_url": "x"})
    with pytest.raises(LedgerUnavailable, match="The ledger cannot be used"):
        read_event({"status": "error", "message": "gone"})


@pytest.mark.parametrize("event", [None, {}, {"status": "waiting"}, {"status": "success"}, {"state": "over"}, "over"])
def test_no_event_of_ours_never_ends_a_wait_well(event: Any) -> None:
    with pytest.raises(RuntimeError, match="clear the task"):
        read_event(event)


def checked(ref_id: object = "abc", **arguments: Any) -> Wait:
    given: dict[str, Any] = {"wait_for": "all", "fail_on_unanswered": False, "on_timeout": "fail"} | arguments
    return Wait.checked(ref_id, **given)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("wait_for", "both"),
        ("wait_for", None),
        ("fail_on_unanswered", True),
        ("fail_on_unanswered", "some"),
        ("fail_on_unanswered", 0),
        ("on_timeout", "skip"),
    ],
)
def test_a_misspelt_argument_is_named_with_the_choices(argument: str, value: object) -> None:
    with pytest.raises(InvalidArgument, match=rf"{argument} is {value!r}; it is one of"):
        checked(**{argument: value})


@pytest.mark.parametrize("window", [90, 90.0, timedelta(seconds=90)])
def test_an_attempt_window_is_seconds_or_a_timedelta(window: Any) -> None:
    assert checked(attempt_window=window).attempt_window == timedelta(seconds=90)


def test_a_wait_may_leave_the_attempt_window_to_the_option() -> None:
    assert checked().attempt_window is None
