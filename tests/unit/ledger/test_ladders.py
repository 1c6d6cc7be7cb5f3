"""Who is rung next, and when: every ladder that can be played, by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.ladders import (
    Climbed,
    Move,
    Next,
    Rung,
    Tried,
    next_move,
    still_to_ring,
)

BEGUN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
RING_FOR = timedelta(minutes=2)


def at(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def rung(step: int, seconds: float, *, answered: int = 0, settled: bool = False) -> Rung:
    return Rung(step, (f"ref{step}",), at(seconds), answered, settled)


def move(*rungs: Rung, now: float, passed: int = -1) -> Next:
    return next_move(Climbed(rungs, at(now)), ring_for=RING_FOR, passed=passed)


def contacts(names: str) -> list[tuple[str, ...]]:
    return [(name,) for name in names]


def left(now: str, *, rung: str = "", rounds: int = 1) -> str:
    """Who is still to be rung of a list, a letter for each contact; those of before, likewise; ``?``: purged."""
    tried = [Tried(None if name == "?" else (name,), may_have_rung=True) for name in rung]
    return "".join(contact for (contact,) in still_to_ring(contacts(now), rounds, tried))


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


def test_the_last_one_has_his_time_as_well() -> None:
    assert move(rung(3, 0), now=100) == Next(Move.WAIT, until=at(120))
    assert move(rung(3, 0), now=121) == Next(Move.RING, 4)


@pytest.mark.parametrize(
    ("before", "now", "rounds", "expected"),
    [
        pytest.param("", "abc", 1, "abc", id="nobody yet"),
        pytest.param("", "ab", 2, "abab", id="rounds"),
        pytest.param("a", "ab", 2, "bab", id="one of them"),
        pytest.param("abab", "ab", 2, "", id="all"),
        pytest.param("ab", "d", 1, "d", id="a shorter list of others"),
        pytest.param("a", "cde", 1, "cde", id="a longer list of others"),
        pytest.param("ab", "ac", 1, "c", id="one of them is another"),
        pytest.param("ab", "ba", 1, "", id="another order"),
        pytest.param("a", "aba", 1, "ba", id="one who is in it twice"),
        pytest.param("aba", "ca", 2, "cc", id="who has had his rounds is not rung again"),
        pytest.param("a?", "abc", 1, "c", id="whom nobody knows any more has been the next"),
    ],
)
def test_the_list_as_it_is_now_says_who_is_left(before: str, now: str, rounds: int, expected: str) -> None:
    assert left(now, rung=before, rounds=rounds) == expected


def test_numbers_that_are_rung_at_once_are_one_contact_in_any_order() -> None:
    tried = [Tried(("1", "2"), may_have_rung=True), None]
    assert still_to_ring([("2", "1"), ("1",)], 1, tried) == [("1",)]


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True), min_size=1), st.integers(1, 3))
def test_whatever_becomes_of_the_list_the_next_is_the_first_of_those_rung_least(
    lists: list[list[str]], rounds: int
) -> None:
    rung = ""
    for names in lists:
        turns = left("".join(names), rung=rung, rounds=rounds)
        if not turns:
            assert all(rung.count(name) >= rounds for name in names)
            continue
        turn = turns[0]
        place, times = names.index(turn), rung.count(turn)
        assert times < rounds
        assert all(rung.count(name) > times for name in names[:place])
        assert all(rung.count(name) >= times for name in names[place:])
        rung += turn


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), st.integers(1, 3))
def test_a_list_that_does_not_change_is_rung_in_its_order(names: list[str], rounds: int) -> None:
    whole = "".join(names) * rounds
    for step in range(len(whole) + 1):
        assert left("".join(names), rung=whole[:step], rounds=rounds) == whole[step:]


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
        found = move(*(seen(step) for step in range(len(rang_at))), now=now)
        answered = [step for step in range(len(rang_at)) if seen(step).answered]
        if found.move is Move.ANSWERED:
            assert answered
            return
        assert not answered
        if found.move is Move.RING:
            assert found.step == len(rang_at)
            if len(rang_at) == len(people):
                return
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
