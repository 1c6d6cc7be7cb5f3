"""Who is rung next, and when: every ladder that can be played, by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.ladders import Climbed, Move, Next, Rung, next_move

BEGUN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
RING_FOR = timedelta(minutes=2)


def at(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def rung(step: int, seconds: float, *, answered: int = 0, settled: bool = False) -> Rung:
    return Rung(step, (f"ref{step}",), at(seconds), answered, settled)


def move(*rungs: Rung, now: float, steps: int = 4, passed: int = -1) -> Next:
    return next_move(Climbed(rungs, at(now)), steps=steps, ring_for=RING_FOR, passed=passed)


def test_the_first_is_rung_first() -> None:
    assert move(now=0) == Next(Move.RING, 0)


def test_an_answer_is_waited_for() -> None:
    assert move(rung(0, 0), now=60) == Next(Move.WAIT, until=at(120))


def test_the_next_is_rung_when_the_time_is_over() -> None:
    assert move(rung(0, 0), now=120) == Next(Move.RING, 1)
    assert move(rung(0, 0), rung(1, 121), now=241) == Next(Move.RING, 2)


def test_the_next_is_rung_as_soon_as_it_is_known_that_nobody_answered() -> None:
    assert move(rung(0, 0, settled=True), now=20) == Next(Move.RING, 1)


def test_a_late_answer_of_somebody_rung_before_counts() -> None:
    assert move(rung(0, 0, answered=1, settled=True), rung(1, 121), now=130) == Next(Move.ANSWERED)


def test_one_that_cannot_be_rung_is_passed_over() -> None:
    assert move(now=0, passed=0) == Next(Move.RING, 1)
    assert move(rung(0, 0), now=120, passed=1) == Next(Move.RING, 2)
    # Rung after it: that one is waited for.
    assert move(rung(2, 0), now=60, passed=1) == Next(Move.WAIT, until=at(120))


def test_nobody_is_left() -> None:
    assert move(rung(3, 0), now=100) == Next(Move.WAIT, until=at(120))
    assert move(rung(3, 0), now=121) == Next(Move.NOBODY)
    assert move(now=0, passed=3) == Next(Move.NOBODY)


@dataclass(frozen=True)
class Person:
    """What somebody does who is rung: after how many seconds they answer, or is known not to; None: nothing comes."""

    answers_after: float | None = None
    missed_after: float | None = None


PEOPLE = st.builds(
    Person,
    st.none() | st.floats(0, 500),
    st.none() | st.floats(0, 500),
)


@given(st.lists(PEOPLE, min_size=1, max_size=6), st.lists(st.floats(0, 90), max_size=40))
def test_nobody_is_rung_out_of_turn_and_the_ladder_ends(people: list[Person], naps: list[float]) -> None:
    rang_at: list[float] = []
    late, now = iter(naps), 0.0

    def seen(step: int) -> Rung:
        person, since = people[step], now - rang_at[step]
        answered = person.answers_after is not None and since >= person.answers_after
        missed = person.missed_after is not None and since >= person.missed_after
        return rung(step, rang_at[step], answered=int(answered), settled=answered or missed)

    for _ in range(10 * len(people)):
        found = move(*(seen(step) for step in range(len(rang_at))), now=now, steps=len(people))
        answered = [step for step in range(len(rang_at)) if seen(step).answered]
        if found.move is Move.ANSWERED:
            assert answered
            return
        assert not answered
        if found.move is Move.NOBODY:
            assert len(rang_at) == len(people)
            return
        if found.move is Move.RING:
            assert found.step == len(rang_at)
            if rang_at:
                last = len(rang_at) - 1
                assert seen(last).settled or now >= rang_at[last] + RING_FOR.total_seconds() - 1
            rang_at.append(now)
        else:
            assert found.until is not None
            assert at(now) < found.until <= at(now) + RING_FOR
            # Woken by a callback, or late, as after a restart.
            now = (found.until - BEGUN).total_seconds() + next(late, 0.0)
    raise AssertionError("it never ends")
