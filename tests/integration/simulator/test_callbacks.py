from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator
from airflow_provider_ninebits.simulator.outcomes import REDELIVERY_AFTER_SECONDS

ADA, BAYO, CHI = "2348020000000", "2348030000000", "2348040000000"
FAST = 1000.0
# An hour in well under a second.
INSTANT = 100_000.0
ANSWERED = {"answered": True, "ring_seconds": 3, "talk_seconds": 20}
UNANSWERED = {"answered": False, "ring_seconds": 3}


def stamp(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def states(simulator) -> list[str]:
    return [call["callback"]["state"] for call in simulator.calls()]


def test_each_number_of_a_send_gets_its_callback_in_the_documented_shape(receiver, send) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with running_simulator(SimulatorSettings(callback_url=receiver.url, answer_rate=1, speed=FAST)) as simulator:
        assert send(simulator.base_url, ADA, "+2348030000000", ADA).status_code == 200
        simulator.wait_idle(30)
        assert simulator.rung() == {ADA: 1, BAYO: 1}
    arrived = datetime.now(UTC)
    assert {body["to_number"] for body in receiver.bodies} == {ADA, BAYO}
    for body in receiver.bodies:
        assert set(body) == {
            *("start_at", "answer_at", "end_at", "total_duration", "call_duration"),
            *("call_direction", "from_number", "to_number", "total_amount"),
        }
        assert before <= stamp(body["start_at"]) <= stamp(body["answer_at"]) <= stamp(body["end_at"]) <= arrived
        assert (body["total_duration"], body["call_duration"], body["total_amount"]) == (25, 20, "6.67")


def test_the_credentials_of_the_url_come_as_basic_authentication(receiver, send) -> None:
    url = receiver.url.replace("://", "://ninebits:secret@")
    with running_simulator(SimulatorSettings(callback_url=url, speed=FAST)) as simulator:
        send(simulator.base_url, ADA)
        simulator.wait_idle(30)
    assert receiver.credentials == ["ninebits:secret"]


@pytest.mark.parametrize("failure", [500, 503, 429, None])
def test_a_failed_callback_comes_again_until_it_is_taken(receiver, send, failure) -> None:
    receiver.answers.extend([failure, failure, 204])
    with running_simulator(SimulatorSettings(callback_url=receiver.url, speed=INSTANT)) as simulator:
        send(simulator.base_url, ADA)
        simulator.wait_idle(30)
        (call,) = simulator.calls()
    assert [each["status"] for each in call["callback"]["tries"]] == [failure, failure, 204]
    assert call["callback"]["state"] == "delivered"
    assert receiver.bodies == [call["callback"]["body"]] * 3


def test_a_callback_that_always_fails_is_given_up_after_the_last_redelivery(receiver, send) -> None:
    receiver.answers.extend([500] * 100)
    with running_simulator(SimulatorSettings(callback_url=receiver.url, speed=INSTANT)) as simulator:
        send(simulator.base_url, ADA)
        simulator.wait_idle(30)
        assert states(simulator) == ["given_up"]
    assert len(receiver.bodies) == 1 + len(REDELIVERY_AFTER_SECONDS)


@pytest.mark.parametrize("refusal", [400, 401, 404])
def test_a_refused_callback_never_comes_again(receiver, send, refusal) -> None:
    receiver.answers.append(refusal)
    with running_simulator(SimulatorSettings(callback_url=receiver.url, speed=INSTANT)) as simulator:
        send(simulator.base_url, ADA)
        simulator.wait_idle(30)
        assert states(simulator) == ["refused"]
    assert len(receiver.bodies) == 1


def test_a_waiting_redelivery_goes_to_the_new_url(receiver, send) -> None:
    # Nobody listens on port 1. An early callback was tried once before the send is answered.
    settings = SimulatorSettings(callback_url="http://127.0.0.1:1/", early_rate=1, speed=30)
    with running_simulator(settings) as simulator:
        send(simulator.base_url, ADA)
        simulator.set_callback_url(receiver.url)
        simulator.wait_idle(60)
        (call,) = simulator.calls()
    assert call["callback"]["state"] == "delivered"
    assert [each["status"] for each in call["callback"]["tries"]] == [None, 200]
    assert len(receiver.bodies) == 1


def test_a_wrong_callback_url_is_refused_and_the_old_one_stays(receiver, send) -> None:
    with running_simulator(SimulatorSettings(callback_url=receiver.url, speed=FAST)) as simulator:
        with pytest.raises(ValueError, match="callback URL"):
            simulator.set_callback_url("ftp://example.com")
        send(simulator.base_url, ADA)
        simulator.wait_idle(30)
    assert len(receiver.bodies) == 1


def test_without_a_url_calls_are_played_and_nothing_is_sent(receiver, send) -> None:
    with running_simulator(SimulatorSettings(callback_url=receiver.url, speed=FAST)) as simulator:
        simulator.set_callback_url(None)
        send(simulator.base_url, ADA)
        simulator.wait_idle(30)
        assert states(simulator) == ["no_url"]
    assert receiver.bodies == []


def test_a_repeated_callback_comes_twice_word_for_word(receiver, send) -> None:
    settings = SimulatorSettings(callback_url=receiver.url, repeat_rate=1, speed=FAST)
    with running_simulator(settings) as simulator:
        send(simulator.base_url, ADA)
        simulator.wait_idle(30)
    first, second = receiver.bodies
    assert first == second


def test_an_early_callback_comes_before_the_answer_to_its_send(receiver, send) -> None:
    # At this speed a call lasts 25 s: only an early one is there when the answer is.
    settings = SimulatorSettings(callback_url=receiver.url, early_rate=1, ref_id="always", answer_rate=1)
    with running_simulator(settings) as simulator:
        ref_id = send(simulator.base_url, ADA, BAYO).json()["ref_id"]
        assert [body["ref_id"] for body in receiver.bodies] == [ref_id, ref_id]


def test_an_early_callback_that_fails_does_not_hold_the_answer_back(receiver, send) -> None:
    receiver.answers.append(500)
    with running_simulator(SimulatorSettings(callback_url=receiver.url, early_rate=1)) as simulator:
        assert send(simulator.base_url, ADA).status_code == 200
        assert states(simulator) == ["waiting"]
        assert simulator.summary()["idle"] is False


def test_shuffled_callbacks_arrive_in_another_order_than_the_calls_ended(receiver, send) -> None:
    numbers = [str(2348020000000 + n) for n in range(12)]
    settings = SimulatorSettings(callback_url=receiver.url, shuffle=True, answer_rate=1, speed=100)
    with running_simulator(settings) as simulator:
        for number in numbers:
            send(simulator.base_url, number)
        simulator.wait_idle(30)
    arrived = [body["to_number"] for body in receiver.bodies]
    assert sorted(arrived) == numbers
    assert arrived != numbers


def test_an_unanswered_number_is_rung_again_and_each_attempt_has_its_callback(receiver, send) -> None:
    settings = SimulatorSettings(callback_url=receiver.url, answer_rate=0, attempts=3, speed=INSTANT)
    with running_simulator(settings) as simulator:
        send(simulator.base_url, ADA)
        simulator.wait_idle(30)
        assert simulator.rung() == {ADA: 3}
        assert [call["attempt"] for call in simulator.calls(number=ADA)] == [1, 2, 3]
    assert len(receiver.bodies) == 3
    assert all("answer_at" not in body for body in receiver.bodies)


def test_scripted_numbers_do_as_they_are_told(receiver, send) -> None:
    with running_simulator(SimulatorSettings(callback_url=receiver.url, speed=FAST)) as simulator:
        simulator.script(
            {
                "numbers": {
                    ADA: {"attempts": [UNANSWERED, ANSWERED], "with_ref_id": True},
                    BAYO: {"attempts": [ANSWERED], "lose_callback": True},
                    CHI: {"attempts": [UNANSWERED]},
                }
            }
        )
        ref_id = send(simulator.base_url, ADA, BAYO, CHI).json()["ref_id"]
        simulator.wait_idle(30)
        assert simulator.rung() == {ADA: 2, BAYO: 1, CHI: 1}
        assert [call["answered"] for call in simulator.calls(number=f"+{ADA}")] == [False, True]
        assert [call["callback"]["state"] for call in simulator.calls(number=BAYO)] == ["lost"]
        assert len(simulator.calls(ref_id=ref_id)) == 4
        assert simulator.calls(ref_id="none") == []
    came = Counter((body["to_number"], "answer_at" in body, body.get("ref_id")) for body in receiver.bodies)
    assert came == {(ADA, False, ref_id): 1, (ADA, True, ref_id): 1, (CHI, False, None): 1}


def test_the_answer_to_the_send_comes_to_the_callback_url_too(receiver, send) -> None:
    with running_simulator(SimulatorSettings(callback_url=receiver.url, api_answer=True, speed=FAST)) as simulator:
        answer = send(simulator.base_url, ADA).json()
        simulator.wait_idle(30)
    assert answer in receiver.bodies
    assert len(receiver.bodies) == 2


def test_the_same_seed_plays_the_same_calls(send) -> None:
    numbers = [str(2348020000000 + n) for n in range(30)]
    played = []
    for seed in (1, 1, 2):
        with running_simulator(SimulatorSettings(seed=seed, answer_rate=0.5, speed=INSTANT)) as simulator:
            send(simulator.base_url, *numbers)
            send(simulator.base_url, *numbers)
            simulator.wait_idle(30)
            played.append([(call["number"], call["answered"]) for call in simulator.calls()])
    assert played[0] == played[1] != played[2]


def test_a_reset_stops_calls_and_redeliveries_and_forgets_them(receiver, send) -> None:
    receiver.answers.append(500)
    settings = SimulatorSettings(callback_url=receiver.url, ring_seconds=0, talk_seconds=0)
    with running_simulator(settings) as simulator:
        simulator.script({"numbers": {BAYO: {"attempts": [ANSWERED]}}})
        send(simulator.base_url, ADA, BAYO)
        receiver.wait_for(1)
        simulator.script({"faults": [{"kind": "drop"}]})
        simulator.reset()
        assert simulator.summary()["idle"] is True
        assert simulator.rung() == {}
        assert simulator.calls() == simulator.requests() == []
        assert send(simulator.base_url, ADA).status_code == 200
        receiver.wait_for(2)
    assert len(receiver.bodies) == 2
