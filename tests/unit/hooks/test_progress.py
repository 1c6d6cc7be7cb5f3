from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.hooks.progress import Progress, progress_text, tell_reading
from airflow_provider_ninebits.ledger.sends import Part
from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Callable

ADA = "2348020000001"


def clock_of(*moments: float) -> Callable[[], float]:
    remaining = iter(moments)
    return lambda: next(remaining)


def some_parts(count: int) -> list[Part]:
    return [Part(str(place), place, MessageState.PLANNED, 1000, None, ()) for place in range(count)]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "airflow_provider_ninebits")
    return caplog


@pytest.mark.parametrize(
    ("sent", "seconds", "says"),
    [
        (10, 20.0, "30 of 100 parts are done, 30000 of 99500 recipients; 0.5 requests/s, about 2 min 20 s left"),
        (10, 1.0, "30 of 100 parts are done, 30000 of 99500 recipients; 10.0 requests/s, about 7 s left"),
        (1, 60.0, "30 of 100 parts are done, 30000 of 99500 recipients; 0.0 requests/s, about 1 h 10 min left"),
        (0, 60.0, "30 of 100 parts are done, 30000 of 99500 recipients; 0.0 requests/s, time left unknown"),
        (1, 0.0, "30 of 100 parts are done, 30000 of 99500 recipients; 0.0 requests/s, time left unknown"),
    ],
)
def test_progress_has_rate_and_time_left(sent: int, seconds: float, says: str) -> None:
    assert progress_text(30, 100, 30_000, 99_500, sent, seconds) == says


def test_it_is_told_now_and_then_and_at_the_end(told: pytest.LogCaptureFixture) -> None:
    parts = some_parts(4)
    progress = Progress(parts, clock_of(0.0, 4.0, 10.0, 12.0, 13.0))
    for part in parts:
        progress.add(part, sent=True)
    assert [message.split(" parts")[0] for message in told.messages] == ["Sending: 2 of 4", "Sending: 4 of 4"]


def test_parts_of_an_earlier_attempt_count_as_done_and_not_for_the_rate(told: pytest.LogCaptureFixture) -> None:
    parts = some_parts(4)
    progress = Progress(parts, clock_of(0.0, 0.0, 0.0, 10.0, 20.0))
    for part, sent in zip(parts, (False, False, True, True), strict=True):
        progress.add(part, sent=sent)
    assert "3 of 4 parts are done, 3000 of 4000 recipients; 0.1 requests/s, about 10 s left" in told.messages[0]


@pytest.mark.parametrize(("count", "sent"), [(1, True), (3, False)])
def test_nothing_is_told_of_a_small_send_or_of_one_that_was_done_before(
    told: pytest.LogCaptureFixture, count: int, sent: bool
) -> None:
    parts = some_parts(count)
    progress = Progress(parts, clock_of(*[0.0] * (count + 1)))
    for part in parts:
        progress.add(part, sent=sent)
    assert told.messages == []


def test_reading_is_told_without_a_number(told: pytest.LogCaptureFixture) -> None:
    # Asked at the start, and before every thousandth number.
    numbers = list(tell_reading([ADA] * 2500, clock_of(0.0, 0.0, 9.0, 20.0)))
    assert len(numbers) == 2500
    assert told.messages == ["Reading: 2000 numbers are read and checked, 100 a second."]
