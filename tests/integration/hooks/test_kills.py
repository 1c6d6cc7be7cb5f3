"""Workers that are killed with SIGKILL at each step of a send, and what the next try does."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.resolving import resolve
from tests.integration.hooks.killing import STEPS, End, Order, worker
from tests.integration.hooks.playing import Task
from tests.integration.ledger.scenes import ADA, BEN, lapse, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ninebits.simulator import RunningSimulator

PHONES = [ADA, BEN]
MANY = [str(2348020000000 + place) for place in range(25_000)]

# What the ledger holds at the step decides what a retry does.
SENDS = [
    "before the ledger hears of the attempt",
    "before the ledger's row",
    "planned, not committed",
    "planned",
    "claimed, not committed",
]
DOUBTS = [
    "sending",
    "sending, before the first byte",
    "the request has left",
    "answered",
    "answered, not committed",
]
KNOWS = ["accepted", "before XCom", "before the mark", "after the mark"]
LEFT = {"the request has left", "answered", "answered, not committed"}


@pytest.fixture
def ledger(
    database_url: str,
    connection: None,
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Database]:
    """A ledger in each kind of database, and 9bits."""
    # A line for each of 25,000 calls takes longer than the calls.
    caplog.set_level(logging.WARNING, "airflow_provider_ninebits.simulator")
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", database_url)
    database = Database(database_url)
    yield database
    database.close()


def killed_at(step: str, task: Task, to: list[str], occurrence: int = 1) -> None:
    with worker(Order(task, to, stop_at=step, occurrence=occurrence)) as victim:
        victim.wait_until_it_stops()
        victim.kill()


def tried(task: Task, to: list[str], **arguments: Any) -> End:
    with worker(Order(task, to, arguments=arguments)) as retrying:
        return retrying.end()


def let_leases_lapse(ledger: Database) -> None:
    for message in rows(ledger, schema.message, state="sending"):
        lapse(ledger, message["id"])


def wait_for_requests(simulator: RunningSimulator, count: int) -> None:
    """Wait until 9bits has read what was on its way when its sender died."""
    deadline = time.monotonic() + 30
    while sum(request["status"] is not None for request in simulator.requests()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_step_is_killed_at() -> None:
    # A process that is killed before the ledger hears of it was never there; one that wakes again is tested below.
    assert {*SENDS, *DOUBTS, *KNOWS, "before it begins"} == set(STEPS)


@pytest.mark.parametrize("step", SENDS)
def test_a_worker_killed_before_its_claim_leaves_all_to_the_retry(
    simulator: RunningSimulator, ledger: Database, step: str
) -> None:
    task = Task()
    killed_at(step, task, PHONES)
    assert simulator.requests() == []
    end = tried(task.retried(), PHONES)
    assert end.returned == end.pushed["ref_id"] == simulator.requests()[0]["ref_id"]
    assert simulator.rung() == {ADA: 1, BEN: 1}


@pytest.mark.parametrize("step", DOUBTS)
def test_a_worker_killed_between_claim_and_record_leaves_a_doubt(
    simulator: RunningSimulator, ledger: Database, step: str
) -> None:
    task, left = Task(), step in LEFT
    killed_at(step, task, PHONES)
    wait_for_requests(simulator, int(left))
    let_leases_lapse(ledger)
    end = tried(task.retried(), PHONES)
    [message] = rows(ledger, schema.message)
    assert end.raised == "MessageUncertain"
    assert message["id"] in end.says
    assert "ninebits messages resolve" in end.says
    once = {ADA: 1, BEN: 1}
    assert simulator.rung() == (once if left else {})

    # A person looks 9bits' dashboard through, says what is there, and clears the task.
    ref_id = simulator.requests()[0]["ref_id"] if left else None
    resolve(ledger, message["id"], placed=left, ref_id=ref_id, window=timedelta(days=1))
    end = tried(task.retried().cleared(), PHONES)
    assert end.returned == end.pushed["ref_id"] == simulator.requests()[0]["ref_id"]
    assert simulator.rung() == once


@pytest.mark.parametrize("step", KNOWS)
def test_a_worker_killed_after_the_record_has_rung_them_and_the_retry_knows(
    simulator: RunningSimulator, ledger: Database, step: str
) -> None:
    task = Task()
    killed_at(step, task, PHONES)
    assert simulator.rung() == {ADA: 1, BEN: 1}
    end = tried(task.retried(), PHONES)
    assert end.returned == end.pushed["ref_id"] == simulator.requests()[0]["ref_id"]
    assert simulator.rung() == {ADA: 1, BEN: 1}
    assert len(simulator.requests()) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_killed_between_two_parts_of_25_is_gone_on_from_there(
    simulator: RunningSimulator, ledger: Database
) -> None:
    task = Task()
    killed_at("accepted", task, MANY, occurrence=12)
    assert len(simulator.requests()) == 12
    assert sorted(simulator.rung()) == MANY[:12_000]
    end = tried(task.retried(), MANY)
    assert end.returned == [request["ref_id"] for request in simulator.requests()]
    assert len(end.returned) == 25
    assert simulator.rung() == dict.fromkeys(MANY, 1)


def test_a_worker_killed_in_the_middle_of_a_part_stops_the_retry_there(
    simulator: RunningSimulator, ledger: Database
) -> None:
    task, to = Task(), MANY[:3000]
    killed_at("the request has left", task, to, occurrence=2)
    wait_for_requests(simulator, 2)
    let_leases_lapse(ledger)
    assert tried(task.retried(), to).raised == "MessageUncertain"
    assert simulator.rung() == dict.fromkeys(to[:2000], 1)
    end = tried(task.retried().cleared(), to, on_uncertain="resend")
    assert len(end.returned) == 3
    # The price of "resend", and of nothing else.
    assert simulator.rung() == dict.fromkeys(to, 1) | dict.fromkeys(to[1000:2000], 2)


def test_of_a_zombie_and_its_replacement_one_sends_and_the_other_waits(
    simulator: RunningSimulator, ledger: Database
) -> None:
    task = Task()
    with worker(Order(task, PHONES, stop_at="the request has left")) as zombie:
        zombie.wait_until_it_stops()
        with worker(Order(task.retried(), PHONES, arguments={"on_uncertain": "resend"})) as replacement:
            replacement.wait_until_it_sleeps()
            zombie.go_on()
            ends = [zombie.end(), replacement.end()]
    assert [end.returned for end in ends] == [simulator.requests()[0]["ref_id"]] * 2
    assert simulator.rung() == {ADA: 1, BEN: 1}
    assert len(simulator.requests()) == 1


def test_a_zombie_that_begins_after_its_replacement_has_ended_rings_nobody(
    simulator: RunningSimulator, ledger: Database
) -> None:
    task = Task()
    replacement = task.retried()
    with worker(Order(task, PHONES, stop_at="before it begins")) as zombie:
        zombie.wait_until_it_stops()
        sent = tried(replacement, PHONES)
        zombie.go_on()
        assert zombie.end().returned == sent.returned == simulator.requests()[0]["ref_id"]
    assert simulator.rung() == {ADA: 1, BEN: 1}
    # Nor has it taken its replacement's place: a retry of that is one.
    assert tried(replacement.retried(), PHONES).returned == sent.returned
    assert simulator.rung() == {ADA: 1, BEN: 1}


@pytest.mark.parametrize("step", ["sending", "planned"])
def test_a_zombie_that_wakes_when_another_has_sent_writes_nothing(
    simulator: RunningSimulator, ledger: Database, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its lease is over for real, by the clock of the ledger: six seconds.
    monkeypatch.setenv(
        "AIRFLOW_CONN_NINEBITS_DEFAULT",
        f'{{"conn_type": "ninebits", "password": "key", "host": "{simulator.base_url}", "extra": {{"timeout": 1}}}}',
    )
    task = Task()
    with worker(Order(task, PHONES, stop_at=step)) as zombie:
        zombie.wait_until_it_stops()
        sent = tried(task.retried(), PHONES, on_uncertain="resend")
        zombie.go_on()
        assert zombie.end().returned == sent.returned == simulator.requests()[0]["ref_id"]
    assert simulator.rung() == {ADA: 1, BEN: 1}
    assert len(simulator.requests()) == 1


def test_a_worker_killed_with_four_requests_under_way_leaves_doubts_of_these_alone(
    simulator: RunningSimulator, ledger: Database
) -> None:
    task, to, four = Task(), MANY[:8000], {"max_parallel_requests": 4}
    # Their answers are held back until all four have left.
    simulator.script({"faults": [{"kind": "delay", "seconds": 3}] * 4})
    with worker(Order(task, to, stop_at="the request has left", occurrence=4, arguments=four)) as victim:
        victim.wait_until_it_stops()
        victim.kill()
    wait_for_requests(simulator, 4)
    let_leases_lapse(ledger)
    assert simulator.rung() == dict.fromkeys(to[:4000], 1)
    end = tried(task.retried(), to, **four)
    assert end.raised == "MessageUncertain"
    assert simulator.rung() == dict.fromkeys(to[:4000], 1)

    for message in rows(ledger, schema.message, state="sending"):
        resolve(ledger, message["id"], placed=True, ref_id=None, window=timedelta(days=1))
    end = tried(task.retried().cleared(), to, **four)
    assert (end.raised, len(end.returned)) == (None, 8)
    assert simulator.rung() == dict.fromkeys(to, 1)
