from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.simulator.outcomes import (
    REDELIVERY_AFTER_SECONDS,
    Attempt,
    CallTimes,
    ScriptedNumber,
    attempt_played,
    callback_body,
    carries_ref_id,
    chance,
    national_number,
    verdict_on,
)
from airflow_provider_ninebits.simulator.settings import SimulatorSettings

NUMBER = "2348020000000"
START = datetime(2023, 10, 24, 22, 54, 6, tzinfo=ZoneInfo("Africa/Lagos"))
ANSWERED = Attempt(True, 10, 90)
UNANSWERED = Attempt(False, 10, 90)
PLAIN = ScriptedNumber()


def times(*, answered: bool) -> CallTimes:
    answer = START + timedelta(seconds=10) if answered else None
    return CallTimes(START, answer, START + timedelta(seconds=100))


def test_an_answered_call_looks_like_the_documented_example() -> None:
    settings = SimulatorSettings()
    assert callback_body(settings, ANSWERED, times(answered=True), NUMBER, None, None) == {
        "start_at": "2023-10-24 22:54:06",
        "answer_at": "2023-10-24 22:54:16",
        "end_at": "2023-10-24 22:55:46",
        # The documented 95 does not follow from its own stamps.
        "total_duration": 100,
        "call_duration": 90,
        "call_direction": "outbound",
        "from_number": "07080670000",
        "to_number": "2348020000000",
        "total_amount": "30",
    }


@pytest.mark.parametrize(
    ("shape", "expected"),
    [("absent", {}), ("null", {"answer_at": None}), ("empty", {"answer_at": ""})]
    + [("zero", {"answer_at": "0000-00-00 00:00:00"})],
)
def test_an_unanswered_call_has_the_shape_that_was_chosen_and_costs_nothing(shape, expected) -> None:
    settings = SimulatorSettings(unanswered_shape=shape)
    body = callback_body(settings, UNANSWERED, times(answered=False), NUMBER, None, None)
    assert {key: value for key, value in body.items() if key == "answer_at"} == expected
    assert (body["call_duration"], body["total_duration"], body["total_amount"]) == (0, 10, "0")


def test_a_callback_names_its_send_only_where_it_should() -> None:
    body = callback_body(SimulatorSettings(), ANSWERED, times(answered=True), NUMBER, "2347080670001", "r" * 25)
    assert body["ref_id"] == "r" * 25
    assert body["from_number"] == "07080670001"


@pytest.mark.parametrize(
    ("value_types", "expected"),
    [
        ("documented", (100, 90, NUMBER, "30")),
        ("text", ("100", "90", NUMBER, "30")),
        ("number", (100, 90, 2348020000000, 30)),
    ],
)
def test_the_same_values_come_with_the_json_types_that_were_chosen(value_types, expected) -> None:
    body = callback_body(SimulatorSettings(value_types=value_types), ANSWERED, times(answered=True), NUMBER, None, None)
    fields = ("total_duration", "call_duration", "to_number", "total_amount")
    assert tuple(body[name] for name in fields) == expected
    assert body["from_number"] == "07080670000"


def test_an_amount_that_is_a_number_keeps_its_decimals() -> None:
    settings = SimulatorSettings(value_types="number")
    assert (
        callback_body(settings, Attempt(True, 1, 20), times(answered=True), NUMBER, None, None)["total_amount"] == 6.67
    )


@given(st.integers(0, 50), st.floats(0, 100), st.floats(0, 100))
def test_times_stay_in_their_range_and_the_seed_repeats_them(rung, least, width) -> None:
    settings = SimulatorSettings(ring_seconds=(least, least + width), talk_seconds=(5.0, 5.0))
    played = attempt_played(settings, PLAIN, NUMBER, 0, rung, None)
    assert least <= played.ring_seconds <= least + width
    assert played.talk_seconds == 5.0
    assert attempt_played(settings, PLAIN, NUMBER, 0, rung, None) == played


def test_the_times_of_a_range_are_not_all_the_same() -> None:
    settings = SimulatorSettings(ring_seconds=(3.0, 12.0))
    assert len({attempt_played(settings, PLAIN, NUMBER, 0, rung, None).ring_seconds for rung in range(100)}) > 5


@pytest.mark.parametrize(
    ("mode", "ordered", "expected"),
    [("always", None, True), ("never", None, False), ("always", False, False), ("never", True, True)],
)
def test_a_script_overrides_whether_the_ref_id_comes_along(mode, ordered, expected) -> None:
    settings = SimulatorSettings(ref_id=mode)
    assert carries_ref_id(settings, ScriptedNumber(with_ref_id=ordered), NUMBER, 0) is expected


def test_mixed_gives_some_callbacks_a_ref_id_and_others_none() -> None:
    settings = SimulatorSettings(ref_id="mixed")
    assert {carries_ref_id(settings, PLAIN, NUMBER, rung) for rung in range(50)} == {True, False}


@given(st.integers(), st.from_regex(r"[0-9]{7,15}", fullmatch=True), st.integers(0, 1000))
def test_a_chance_is_a_fraction_and_the_same_each_time(seed, number, rung) -> None:
    settings = SimulatorSettings(seed=seed)
    value = chance(settings, number, rung, "answered")
    assert 0 <= value < 1
    assert chance(SimulatorSettings(seed=seed), number, rung, "answered") == value


def test_another_seed_and_another_ringing_are_other_calls() -> None:
    values = {chance(SimulatorSettings(seed=seed), NUMBER, rung, "x") for seed in range(5) for rung in range(5)}
    assert len(values) == 25


def test_the_answer_rate_is_kept_over_many_numbers() -> None:
    settings = SimulatorSettings(answer_rate=0.7)
    played = [attempt_played(settings, PLAIN, str(2348020000000 + n), 0, 0, None) for n in range(2000)]
    assert 0.65 < sum(call is not None and call.answered for call in played) / 2000 < 0.75


@pytest.mark.parametrize(("rate", "answered"), [(0.0, False), (1.0, True)])
def test_the_ends_of_the_answer_rate_are_certain(rate, answered) -> None:
    settings = SimulatorSettings(answer_rate=rate)
    assert {attempt_played(settings, PLAIN, NUMBER, 0, rung, None).answered for rung in range(100)} == {answered}


@pytest.mark.parametrize(
    ("attempts", "place", "previous", "another"),
    [
        (1, 0, None, True),
        (1, 1, UNANSWERED, False),
        (3, 1, UNANSWERED, True),
        (3, 2, UNANSWERED, True),
        (3, 3, UNANSWERED, False),
        (3, 1, ANSWERED, False),
    ],
)
def test_an_unanswered_number_is_rung_again_as_often_as_was_set(attempts, place, previous, another) -> None:
    played = attempt_played(SimulatorSettings(attempts=attempts), PLAIN, NUMBER, place, place, previous)
    assert (played is not None) is another


def test_a_script_is_played_to_its_end_even_after_an_answer() -> None:
    scripted = ScriptedNumber(attempts=(ANSWERED, UNANSWERED))
    settings = SimulatorSettings(attempts=5)
    played = [attempt_played(settings, scripted, NUMBER, place, 7, ANSWERED) for place in range(3)]
    assert played == [ANSWERED, UNANSWERED, None]


def test_redelivery_doubles_its_distance_and_ends_an_hour_after_the_first_failure() -> None:
    *doubling, last = REDELIVERY_AFTER_SECONDS
    assert doubling == [30 * 2**step for step in range(7)]
    assert last == 3600


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "delivered"), (204, "delivered"), (None, "again"), (500, "again"), (503, "again"), (429, "again")]
    + [(400, "refused"), (401, "refused"), (404, "refused"), (302, "refused")],
)
def test_only_what_9bits_sends_again_is_sent_again(status, verdict) -> None:
    assert verdict_on(status) == verdict


@pytest.mark.parametrize(
    ("caller_id", "national"),
    [("2347080670000", "07080670000"), ("+2347080670000", "07080670000"), ("07080670000", "07080670000")]
    + [("441632960000", "441632960000"), ("9BITS", "9BITS")],
)
def test_a_caller_id_is_shown_in_national_form(caller_id, national) -> None:
    assert national_number(caller_id) == national
