from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.exceptions import LedgerUnavailable
from airflow_provider_ninebits.hooks.patience import LONGEST_PAUSE_SECONDS, Outage, patient
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("airflow_provider_ninebits.hooks.patience.time.sleep", made.sleep)
    monkeypatch.setattr("airflow_provider_ninebits.hooks.patience.time.monotonic", lambda: made.now)
    return made


def failing(error: Exception, times: int | None = None) -> Callable[[], str]:
    """A look that fails so often; None: always."""
    tries = count(1)

    def look() -> str:
        if times is None or next(tries) <= times:
            raise LedgerUnavailable("sqlite://", "down") from error
        return "seen"

    return look


DOWN = LedgerUnreachable("sqlite://", "down")


def test_pauses_grow_to_fifteen_seconds_and_some_of_each_is_left_to_chance() -> None:
    outage = Outage(tolerance_seconds=1e6)
    pauses = [outage.failed(0.0) or 0.0 for _ in range(12)]
    longest = [1.0, 2.0, 4.0, 8.0, *[LONGEST_PAUSE_SECONDS] * 8]
    assert all(each / 2 <= pause <= each for pause, each in zip(pauses, longest, strict=True))
    assert len(set(pauses)) == len(pauses)


def test_an_outage_of_two_minutes_is_borne_for_five(clock: Clock) -> None:
    begun_at = clock.now

    def look() -> str:
        return failing(DOWN, times=1 if clock.now < begun_at + 120 else 0)()

    assert patient(look, 300) == "seen"
    assert clock.now - begun_at < 120 + LONGEST_PAUSE_SECONDS


def test_the_last_try_is_made_when_the_time_is_over(clock: Clock) -> None:
    begun_at = clock.now
    with pytest.raises(LedgerUnavailable):
        patient(failing(DOWN), 300)
    assert clock.now == pytest.approx(begun_at + 300)


def test_without_tolerance_the_first_failure_is_told(clock: Clock) -> None:
    with pytest.raises(LedgerUnavailable):
        patient(failing(DOWN), 0)
    assert clock.pauses == []


def test_what_somebody_has_to_mend_is_told_at_once(clock: Clock) -> None:
    with pytest.raises(LedgerUnavailable):
        patient(failing(LedgerUnusable("a newer schema")), 300)
    assert clock.pauses == []


def test_another_outage_has_its_own_time() -> None:
    outage = Outage(tolerance_seconds=10)
    assert outage.failed(0.0) is not None
    outage.ended()
    assert outage.failed(100.0) is not None
    assert outage.failed(110.0) is None
