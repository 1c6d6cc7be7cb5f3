"""What is told of an alert."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.hooks.receipts import SendReceipt
from airflow_provider_ninebits.ledger.alerts import Alert, AlertVerdict, Ruling
from airflow_provider_ninebits.ledger.sends import AskedBy, SendPlan
from airflow_provider_ninebits.notifications.ringing import duration_words, held_back, rang

ALERT = Alert("a" * 64, "default", "etl manual__1")
NUMBERS = tuple(f"234802000000{place}" for place in range(5))


def plan(numbers: tuple[str, ...]) -> SendPlan:
    return SendPlan(None, "ninebits_default", "https://media.test/a.mp3", None, numbers, AskedBy("default"))


def test_of_many_who_are_rung_some_are_named_and_all_are_masked() -> None:
    text = rang(ALERT, plan(NUMBERS), SendReceipt(["r1"], 5)).text
    assert text == (
        "9bits rings 234802***0000, 234802***0001, 234802***0002 and 2 more for alert 'etl manual__1': ref_id=r1."
    )


def test_a_call_that_another_placed_is_told_as_such() -> None:
    assert "placed before, by another" in rang(ALERT, plan(NUMBERS[:1]), SendReceipt(["r1"], 1, resumed=True)).text


def test_what_is_held_back_says_for_what_and_how_many() -> None:
    ruling = Ruling(AlertVerdict.HELD_BACK, None, 200.0, 12)
    assert held_back(ALERT, ruling, timedelta(minutes=15)).text == (
        "Held back: the call for alert 'etl manual__1' rang 3 min ago, and the cooldown is 15 min; 12 held back since."
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (90, "90 s"),
        (900, "15 min"),
        (3600, "1 h"),
        (86400, "1 d"),
    ],
)
def test_a_duration_is_in_the_unit_that_fits_it(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


@given(st.floats(0, 10**8))
def test_a_duration_is_said_within_a_quarter_of_it(seconds: float) -> None:
    count, unit = duration_words(seconds).split()
    said = int(count) * {"s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
    assert abs(said - seconds) <= max(0.5, seconds / 4)
