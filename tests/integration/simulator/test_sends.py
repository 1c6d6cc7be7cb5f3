from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx
import pytest

from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator
from airflow_provider_ninebits.simulator.running import listening_socket

ADA, BAYO = "2348020000000", "2348030000000"


def asked(base_url: str, method: str, authorization: str | None) -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.request(method, f"{base_url}/v1/sendvoice", headers=headers, trust_env=False)


@pytest.fixture
def simulator():
    with running_simulator(SimulatorSettings(speed=1000)) as running:
        yield running


def test_a_send_is_answered_as_documented(simulator, send) -> None:
    answer = send(simulator.base_url, ADA)
    body = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch(r"[a-z0-9]{25}", body.pop("ref_id"))
    assert body == {"status_code": 200, "message": "Request is being processed"}


def test_a_bad_token_is_refused_and_nobody_is_rung(simulator, send) -> None:
    answer = send(simulator.base_url, ADA, token="bad")
    assert answer.status_code == 401
    assert answer.json() == {
        "status_code": 401,
        "message": "Authentication failed: Signature verification failed",
    }
    assert simulator.rung() == {}


def test_only_the_given_api_key_is_taken(send) -> None:
    with running_simulator(SimulatorSettings(api_key="right", speed=1000)) as simulator:
        statuses = [send(simulator.base_url, ADA, token=token).status_code for token in ("wrong", "right")]
        assert statuses == [401, 200]
        assert "right" not in str(simulator.requests())


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(simulator, method) -> None:
    answer = asked(simulator.base_url, method, "Bearer key")
    assert (answer.status_code, answer.json()["status_code"]) == (405, 405)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "POST"])
@pytest.mark.parametrize("authorization", ["Bearer bad", "Bearer", "Basic key", None])
def test_a_bad_token_is_refused_before_the_method_is_looked_at(simulator, method, authorization) -> None:
    answer = asked(simulator.base_url, method, authorization)
    assert (answer.status_code, answer.json()["status_code"]) == (401, 401)


def test_the_log_tells_what_was_asked_and_what_was_answered(simulator, send) -> None:
    asked(simulator.base_url, "GET", "Bearer key")
    ref_id = send(simulator.base_url, ADA, BAYO).json()["ref_id"]
    shown = [
        tuple(request[name] for name in ("method", "status", "ref_id", "recipients", "media_url"))
        for request in simulator.requests()
    ]
    assert shown == [("GET", 405, None, 0, None), ("POST", 200, ref_id, 2, "https://example.com/reminder.mp3")]


def test_a_body_that_is_too_large_is_refused_and_not_kept(simulator, send) -> None:
    assert send(simulator.base_url, ADA, note="x" * (1 << 20)).status_code == 400
    assert send(simulator.base_url, ADA, note="x" * (1 << 17)).status_code == 200
    assert [(request["status"], request["body"]) for request in simulator.requests()] == [(400, None), (200, None)]


def test_calls_come_in_pages(simulator, send) -> None:
    numbers = [str(2348020000000 + n) for n in range(5)]
    send(simulator.base_url, *numbers)
    page = httpx.get(f"{simulator.base_url}/simulator/calls?offset=3&limit=10", trust_env=False)
    assert page.headers["X-Total-Count"] == "5"
    assert [call["number"] for call in page.json()] == numbers[3:]
    assert [call["number"] for call in simulator.calls(limit=2)] == numbers[:2]
    assert simulator.calls(limit=0) == []


@pytest.mark.parametrize("query", ["limit=-1", "offset=x", "limit=", "offset=9999999999"])
def test_a_page_that_cannot_be_is_refused(simulator, query) -> None:
    answer = httpx.get(f"{simulator.base_url}/simulator/calls?{query}", trust_env=False)
    assert (answer.status_code, "no whole number" in answer.json()["message"]) == (400, True)


@pytest.mark.parametrize("garbage", ["???", 7, None])
def test_a_wrong_ref_id_is_told_while_the_calls_have_the_real_one(simulator, send, garbage) -> None:
    simulator.script({"faults": [{"kind": "wrong_ref_id", "ref_id": garbage}]})
    answer = send(simulator.base_url, ADA)
    assert (answer.status_code, answer.json()["ref_id"]) == (200, garbage)
    assert simulator.calls()[0]["ref_id"] == simulator.requests()[0]["ref_id"] != garbage


def test_the_next_sends_are_limited_and_then_one_is_taken(simulator, send) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 429, "times": 2}]})
    answers = [send(simulator.base_url, ADA) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert "Retry-After" not in answers[0].headers
    assert simulator.rung() == {ADA: 1}


def test_orders_can_be_there_from_the_start(send) -> None:
    orders = {"faults": [{"kind": "status", "status": 500}], "numbers": {ADA: {"attempts": [{"answered": False}]}}}
    with running_simulator(SimulatorSettings(script=orders, answer_rate=1, speed=1000)) as simulator:
        assert [send(simulator.base_url, ADA).status_code for _ in range(2)] == [500, 200]
        assert [call["answered"] for call in simulator.calls()] == [False]


def test_wrong_orders_are_an_error_at_the_start() -> None:
    settings = SimulatorSettings(script={"faults": [{"kind": "explode"}]})
    with pytest.raises(ValueError, match="kind is 'explode'"), running_simulator(settings):
        pytest.fail("it started")


def test_a_bad_body_is_refused_and_stays_in_the_log(simulator, send) -> None:
    assert send(simulator.base_url).status_code == 400
    assert send(simulator.base_url, ADA, media_url="file:///a.mp3").status_code == 400
    assert send(simulator.base_url, *(str(2348020000000 + n) for n in range(1001))).status_code == 400
    assert [request["status"] for request in simulator.requests()] == [400, 400, 400]
    assert simulator.rung() == {}


def test_a_thousand_numbers_are_rung(simulator, send) -> None:
    numbers = [str(2348020000000 + n) for n in range(1000)]
    assert send(simulator.base_url, *numbers).status_code == 200
    simulator.wait_idle(60)
    assert simulator.rung() == dict.fromkeys(numbers, 1)


@pytest.mark.parametrize("status", [401, 405, 429, 500, 503])
@pytest.mark.parametrize("placed", [True, False])
def test_a_status_comes_once_and_rings_only_if_told_to(simulator, send, status, placed) -> None:
    simulator.script({"faults": [{"kind": "status", "status": status, "placed": placed, "retry_after": "1"}]})
    answer = send(simulator.base_url, ADA)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "1")
    assert "ref_id" not in answer.json()
    assert simulator.rung() == ({ADA: 1} if placed else {})
    assert send(simulator.base_url, ADA).status_code == 200


def test_a_created_send_has_its_ref_id_and_rings(simulator, send) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 201}]})
    answer = send(simulator.base_url, ADA)
    assert answer.status_code == 201
    assert answer.json()["ref_id"] == simulator.calls()[0]["ref_id"]


@pytest.mark.parametrize("placed", [True, False])
def test_a_dropped_connection_answers_nothing(simulator, send, placed) -> None:
    simulator.script({"faults": [{"kind": "drop", "placed": placed}]})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        send(simulator.base_url, ADA)
    assert simulator.rung() == ({ADA: 1} if placed else {})
    assert send(simulator.base_url, BAYO).status_code == 200


def test_a_delayed_answer_comes_too_late_for_an_impatient_client_and_rings(simulator, send) -> None:
    simulator.script({"faults": [{"kind": "delay", "seconds": 2}]})
    with pytest.raises(httpx.ReadTimeout):
        send(simulator.base_url, ADA, timeout=0.5)
    assert simulator.rung() == {ADA: 1}


def test_a_short_delay_ends_in_an_answer(simulator, send) -> None:
    simulator.script({"faults": [{"kind": "delay", "seconds": 0.01}]})
    assert send(simulator.base_url, ADA).json()["ref_id"] == simulator.requests()[0]["ref_id"]


def test_an_answer_without_ref_id_still_rings(simulator, send) -> None:
    simulator.script({"faults": [{"kind": "no_ref_id"}]})
    answer = send(simulator.base_url, ADA)
    assert answer.status_code == 200
    assert "ref_id" not in answer.json()
    assert simulator.rung() == {ADA: 1}


def test_a_refused_send_uses_no_fault_up(simulator, send) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 429}]})
    assert send(simulator.base_url, ADA, token="bad").status_code == 401
    assert send(simulator.base_url).status_code == 400
    assert simulator.summary()["faults_waiting"] == 1
    assert send(simulator.base_url, ADA).status_code == 429


def test_a_wrong_script_is_refused_with_the_reason(simulator) -> None:
    with pytest.raises(ValueError, match="kind is 'explode'"):
        simulator.script({"faults": [{"kind": "explode"}]})


def test_waiting_for_idle_says_what_is_left(send) -> None:
    with running_simulator() as simulator:
        send(simulator.base_url, ADA)
        with pytest.raises(TimeoutError, match="'calls': 1"):
            simulator.wait_idle(0)


def test_a_taken_port_is_an_error_at_once() -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"), running_simulator(port=port):
            pytest.fail("two simulators on one port")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_is_and_ends_well_in_the_middle_of_a_call(send, ending) -> None:
    command = [sys.executable, "-m", "airflow_provider_ninebits.simulator", "--port", "0"]
    command += ["--callback-url", "http://ninebits:secret@127.0.0.1:1/", "--early-rate", "1", "--api-key", "hidden"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first_line = process.stdout.readline()
        base_url = first_line.split()[-1]
        assert send(base_url, ADA, token="hidden").status_code == 200
        process.send_signal(ending)
        out, logged = process.communicate(timeout=30)
    assert process.returncode == 0
    assert re.fullmatch(r"9bits simulator on http://127\.0\.0\.1:\d+\n", first_line)
    assert out == ""
    assert "ring 234802***0000" in logged
    assert not re.search("secret|hidden|2348020000000|Traceback", logged)
