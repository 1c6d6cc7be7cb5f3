"""Who rings, who is held back and who waits: the rules, whatever the ledger holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.alerts import (
    SET_BACK,
    TAKEN_OVER_WITHIN,
    AlertVerdict,
    KeyStanding,
    decide,
    goes_on,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COOLDOWN = timedelta(minutes=15)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


spans = st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=2))
moments = spans.map(lambda span: NOW + span)
cooldowns = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=2))


@st.composite
def standings(draw: st.DrawFn) -> KeyStanding:
    begun_at = draw(st.none() | moments)
    return KeyStanding(
        rang_at=draw(st.none() | moments),
        ring_id=None if begun_at is None else "a ring",
        begun_at=begun_at,
        claimed_until=None if begun_at is None else draw(st.none() | moments),
    )


@pytest.mark.parametrize(
    ("standing", "verdict"),
    [
        pytest.param(KeyStanding(), AlertVerdict.RING, id="nothing is known of it"),
        pytest.param(KeyStanding(rang_at=ago(minutes=14)), AlertVerdict.HELD_BACK, id="it rang within the cooldown"),
        pytest.param(KeyStanding(rang_at=ago(minutes=15)), AlertVerdict.RING, id="the cooldown is over"),
        pytest.param(
            KeyStanding(None, "r", ago(seconds=2), NOW + timedelta(seconds=9)),
            AlertVerdict.WAIT,
            id="somebody is ringing",
        ),
        pytest.param(KeyStanding(None, "r", ago(seconds=9), NOW), AlertVerdict.RING, id="the claim has just lapsed"),
        pytest.param(KeyStanding(None, "r", ago(seconds=9), None), AlertVerdict.RING, id="it was let go"),
        pytest.param(
            KeyStanding(ago(minutes=14), "r", ago(seconds=2), NOW + timedelta(seconds=9)),
            AlertVerdict.HELD_BACK,
            id="it rang, and one with a shorter cooldown is ringing",
        ),
        pytest.param(
            KeyStanding(rang_at=NOW + timedelta(seconds=30)), AlertVerdict.HELD_BACK, id="clocks differ a little"
        ),
        pytest.param(KeyStanding(rang_at=NOW + timedelta(days=300)), AlertVerdict.RING, id="the clock was set back"),
        pytest.param(
            KeyStanding(None, "r", NOW + timedelta(days=300), NOW + timedelta(days=301)),
            AlertVerdict.RING,
            id="the clock was set back under a claim",
        ),
    ],
)
def test_the_cases(standing: KeyStanding, verdict: AlertVerdict) -> None:
    assert decide(standing, NOW, COOLDOWN) is verdict


@given(standings())
# Begun by a clock that is a little ahead.
@example(KeyStanding(None, "r", NOW + timedelta(seconds=1), None))
def test_without_a_cooldown_each_rings(standing: KeyStanding) -> None:
    assert decide(standing, NOW, timedelta()) is AlertVerdict.RING
    assert not goes_on(standing, NOW, timedelta())


@given(standings(), cooldowns)
def test_it_is_held_back_by_a_call_within_the_cooldown_and_by_nothing_else(
    standing: KeyStanding, cooldown: timedelta
) -> None:
    within = standing.rang_at is not None and NOW - cooldown < standing.rang_at <= NOW + SET_BACK
    assert (decide(standing, NOW, cooldown) is AlertVerdict.HELD_BACK) == within


@given(standings(), cooldowns)
def test_it_waits_for_a_claim_that_holds_and_for_nothing_else(standing: KeyStanding, cooldown: timedelta) -> None:
    verdict = decide(standing, NOW, cooldown)
    if verdict is AlertVerdict.WAIT:
        assert standing.claimed_until is not None
        assert standing.claimed_until > NOW
        # So a claim that is over keeps nobody from ringing.
        assert decide(standing, standing.claimed_until, cooldown) is not AlertVerdict.WAIT


@given(standings(), cooldowns, st.timedeltas(min_value=timedelta(), max_value=timedelta(days=400)))
def test_what_may_ring_now_may_ring_later(standing: KeyStanding, cooldown: timedelta, later: timedelta) -> None:
    ahead = (moment for moment in (standing.rang_at, standing.begun_at) if moment is not None and moment > NOW)
    if decide(standing, NOW, cooldown) is AlertVerdict.RING and not any(ahead):
        assert decide(standing, NOW + later, cooldown) is AlertVerdict.RING


@given(standings(), cooldowns)
def test_a_ring_is_gone_on_with_while_it_is_new(standing: KeyStanding, cooldown: timedelta) -> None:
    if goes_on(standing, NOW, cooldown):
        assert standing.begun_at is not None
        assert NOW - standing.begun_at < min(cooldown, TAKEN_OVER_WITHIN)


def test_a_ring_of_long_ago_is_not_gone_on_with() -> None:
    begun = KeyStanding(None, "r", ago(minutes=14), ago(minutes=13))
    assert goes_on(begun, NOW, COOLDOWN)
    assert not goes_on(replace(begun, begun_at=ago(minutes=15)), NOW, COOLDOWN)
    assert not goes_on(replace(begun, begun_at=ago(minutes=61)), NOW, timedelta(days=1))
    assert not goes_on(KeyStanding(rang_at=ago(days=1)), NOW, COOLDOWN)
