"""``ninebits outcome``: one object for scripts, and an exit status that says whether everybody answered."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from tests.integration.ledger.scenes import ADA, BEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ninebits.simulator import RunningSimulator

    Run = Callable[..., tuple[int, str, str]]

BUSY = {"attempts": [{"answered": False}]}
LOST = {"lose_callback": True}


@pytest.fixture
def sent(run: Run, receiver: str, simulator: RunningSimulator) -> Callable[..., str]:
    """Ring some numbers, each as it is scripted, and give the ref_id back."""

    def send(**numbers: dict[str, Any]) -> str:
        scripted = {number.removeprefix("n"): how for number, how in numbers.items()}
        simulator.script({"numbers": scripted})
        asked = ("send", "--media-url", "https://media.test/a.mp3", "--to", *scripted, "--yes", "--output", "json")
        status, out, _ = run(*asked)
        assert status == 0
        simulator.wait_idle()
        (ref_id,) = json.loads(out)["ref_ids"]
        return str(ref_id)

    return send


def test_everybody_answered(run: Run, sent: Callable[..., str]) -> None:
    ref_id = sent(**{f"n{ADA}": {}, f"n{BEN}": {}})
    status, out, err = run("outcome", ref_id, "--output", "json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    with closing(NineBitsHook()) as hook:
        assert told == hook.outcome(ref_id).as_dict()
    assert (told["settled"], told["answered"], told["ref_ids"]) == (True, 2, [ref_id])
    assert {call["to_number"] for call in told["calls"]} == {ADA, BEN}


def test_yaml_is_the_same_object(run: Run, sent: Callable[..., str]) -> None:
    ref_id = sent(**{f"n{ADA}": {}})
    told = json.loads(run("outcome", ref_id, "--output", "json")[1])
    assert yaml.safe_load(run("outcome", ref_id, "--output", "yaml")[1]) == told


def test_somebody_did_not_answer(run: Run, sent: Callable[..., str]) -> None:
    ref_id = sent(**{f"n{ADA}": {}, f"n{BEN}": BUSY})
    status, out, _ = run("outcome", ref_id, "--output", "json")
    assert status == 1
    told = json.loads(out)
    assert (told["settled"], told["answered"], told["unanswered"]) == (True, 1, 1)


def test_several_are_one_sum(run: Run, sent: Callable[..., str]) -> None:
    first, second = sent(**{f"n{ADA}": {}}), sent(**{f"n{BEN}": {}})
    status, out, _ = run("outcome", first, second, "--output", "json")
    assert (status, json.loads(out)["recipients"]) == (0, 2)


def test_people_see_no_whole_number(run: Run, sent: Callable[..., str]) -> None:
    status, out, _ = run("outcome", sent(**{f"n{ADA}": {}}))
    assert status == 0
    assert "1 of 1 answered" in out
    assert ADA not in out


def test_what_is_open_is_told_when_the_wait_is_over(run: Run, sent: Callable[..., str]) -> None:
    ref_id = sent(**{f"n{ADA}": LOST})
    began = time.monotonic()
    status, out, _ = run("outcome", ref_id, "--wait", "1.5", "--output", "json")
    assert 1.5 <= time.monotonic() - began < 20
    assert (status, json.loads(out)["pending"]) == (1, 1)


def test_a_wait_ends_when_it_is_settled(run: Run, sent: Callable[..., str], receiver: str) -> None:
    ref_id = sent(**{f"n{ADA}": LOST})
    late = threading.Timer(1.0, deliver, args=(receiver, ref_id))
    late.start()
    began = time.monotonic()
    status, out, _ = run("outcome", ref_id, "--wait", "90", "--output", "json")
    late.join()
    assert time.monotonic() - began < 60
    assert (status, json.loads(out)["answered"]) == (0, 1)


def deliver(receiver: str, ref_id: str) -> None:
    """Play the callback that was lost."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    call = {"ref_id": ref_id, "to_number": ADA, "start_at": now, "answer_at": now, "end_at": now}
    answer = httpx.post(
        f"{receiver}/ninebits/callback", json=call, auth=("ninebits", "secret"), timeout=30, trust_env=False
    )
    assert answer.status_code == 200


@pytest.mark.usefixtures("connected")
class TestWhatGoesWrong:
    @pytest.mark.parametrize("wait", [(), ("--wait", "60")])
    def test_nobody_knows_it_and_that_is_told_at_once(self, run: Run, wait: tuple[str, ...]) -> None:
        began = time.monotonic()
        status, out, err = run("outcome", "nothing", *wait, "--output", "json")
        assert (status, out) == (3, "")
        assert "nothing" in err
        assert time.monotonic() - began < 30

    @pytest.mark.parametrize("ref_id", ["", " ", "None"])
    def test_what_is_none_is_wrong_usage(self, run: Run, ref_id: str) -> None:
        assert run("outcome", ref_id)[0] == 2

    @pytest.mark.parametrize("seconds", ["-1", "soon", "nan", "inf"])
    def test_a_wait_is_a_number_of_seconds(self, run: Run, seconds: str) -> None:
        with pytest.raises(SystemExit, match="2"):
            run("outcome", "r1", "--wait", seconds)

    def test_the_ledger_cannot_be_reached(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", "postgresql://user:secret@127.0.0.1:9/ledger")
        status, out, err = run("outcome", "r1", "--output", "json")
        assert (status, out) == (4, "")
        assert "secret" not in err

    def test_the_ledger_cannot_be_used(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", "sqlite:///relative.db")
        assert run("outcome", "r1", "--output", "json")[0] == 2
