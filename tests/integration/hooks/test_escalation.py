"""Contacts that are rung one after the other, over simulated phones, with the receiver that hears of their answers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_ninebits.exceptions import InvalidArgument, LedgerUnavailable, NobodyAnswered, SendFailed
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.operators.escalation import EscalateVoiceOperator
from tests.integration.hooks.killing import Order, worker
from tests.integration.hooks.playing import Task, resumed
from tests.integration.ledger.scenes import ADA, BEN, CAI, lapse, rows

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

pytestmark = pytest.mark.usefixtures("connection", "ledger", "quick_polls")

MEDIA = "https://media.test/a.mp3"
# The simulator's clock runs a thousand times as fast: without a ref_id, two calls of one second would be the same.
ANSWERED = {"attempts": [{"answered": True}], "with_ref_id": True}
UNANSWERED = {"attempts": [{"answered": False}], "with_ref_id": True}
SILENT = {"attempts": [{"answered": False}], "lose_callback": True}
# Not called back before the task has looked for it.
RINGING_FIRST = {"ring_seconds": 1000}
LATE = {"attempts": [{"answered": True, "ring_seconds": 4000}], "with_ref_id": True}
WAITS = pytest.mark.parametrize("deferrable", [False, True], ids=["in the worker", "deferred"])


def operator(contacts: Any = (ADA, BEN, CAI), **arguments: Any) -> EscalateVoiceOperator:
    given = {"media_url": MEDIA, "ring_for": timedelta(minutes=1), "deferrable": False, "task_id": "wake"}
    return EscalateVoiceOperator(
        contacts=list(contacts) if isinstance(contacts, tuple) else contacts, **given | arguments
    )


def climb(task: Task, contacts: Any = (ADA, BEN, CAI), **arguments: Any) -> Any:
    """Run it to its end; after each deferral another process goes on."""
    try:
        return operator(contacts, **arguments).execute(task.context)
    except TaskDeferred as pause:
        deferred = pause
    while True:
        try:
            return resumed(operator(contacts, **arguments), deferred, task)
        except TaskDeferred as pause:
            deferred = pause


def order(simulator: RunningSimulator) -> list[list[str]]:
    """Who was rung, request by request."""
    return [request["to"] for request in simulator.requests()]


@WAITS
def test_the_first_who_answers_ends_it(receiver: str, simulator: RunningSimulator, deferrable: bool) -> None:
    simulator.script({"numbers": {ADA: ANSWERED}})
    task = Task("wake")
    found = climb(task, deferrable=deferrable)
    assert (found["answered_by"], found["calls"]) == (ADA, 1)
    assert found["answered_at"] is not None
    assert found["ref_ids"] == task.pushed["ref_id"] == [simulator.requests()[0]["ref_id"]]
    assert order(simulator) == [[ADA]]


@WAITS
def test_who_does_not_answer_is_followed_by_the_next_at_once(
    receiver: str, simulator: RunningSimulator, deferrable: bool
) -> None:
    simulator.script({"numbers": {ADA: UNANSWERED, BEN: ANSWERED}})
    found = climb(Task("wake"), deferrable=deferrable, ring_for=timedelta(minutes=10))
    assert (found["answered_by"], found["calls"]) == (BEN, 2)
    assert order(simulator) == [[ADA], [BEN]]


@WAITS
def test_one_who_says_nothing_does_not_hold_up_those_after_the_next(
    receiver: str, simulator: RunningSimulator, ledger: Database, deferrable: bool
) -> None:
    simulator.script({"numbers": {ADA: SILENT, BEN: UNANSWERED, CAI: ANSWERED}})
    task, ring_for = Task("wake"), timedelta(seconds=25)
    assert climb(task, deferrable=deferrable, ring_for=ring_for)["answered_by"] == CAI
    assert order(simulator) == [[ADA], [BEN], [CAI]]
    # The first one's time was waited for, and nobody else's.
    ada, ben, cai = (row["started_at"] for row in rows(ledger, schema.request))
    assert ben - ada > ring_for - timedelta(seconds=2)
    assert cai - ben < ben - ada


def test_an_answer_counts_though_nobody_is_on_call_any_more(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"numbers": {ADA: {**ANSWERED, "attempts": [{"answered": True, **RINGING_FIRST}]}}})
    task = Task("wake")
    with pytest.raises(TaskDeferred) as pause:
        operator(deferrable=True).execute(task.context)
    simulator.wait_idle()
    assert resumed(operator(["None"]), pause.value, task)["answered_by"] == ADA


def test_who_says_nothing_in_time_is_followed_by_the_next(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"numbers": {ADA: SILENT, BEN: ANSWERED}})
    assert climb(Task("wake"), ring_for=timedelta(seconds=2))["answered_by"] == BEN
    assert order(simulator) == [[ADA], [BEN]]


def test_a_late_answer_of_the_first_counts(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"numbers": {ADA: LATE, BEN: SILENT, CAI: SILENT}})
    found = climb(Task("wake"), ring_for=timedelta(seconds=3))
    assert found["answered_by"] == ADA
    assert order(simulator)[:2] == [[ADA], [BEN]]


def test_all_of_a_contact_are_rung_at_once(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"numbers": {ADA: UNANSWERED, BEN: UNANSWERED, CAI: ANSWERED}})
    found = climb(Task("wake"), [ADA, [BEN, CAI]])
    assert (found["answered_by"], found["calls"]) == (CAI, 3)
    assert order(simulator) == [[ADA], [BEN, CAI]]


@WAITS
def test_nobody_answers_in_any_round(
    receiver: str, simulator: RunningSimulator, ledger: Database, deferrable: bool
) -> None:
    simulator.script({"numbers": {ADA: UNANSWERED, BEN: UNANSWERED}})
    task = Task("wake")
    with pytest.raises(NobodyAnswered, match="Of 4 recipients"):
        climb(task, (ADA, BEN), rounds=2, deferrable=deferrable)
    assert order(simulator) == [[ADA], [BEN], [ADA], [BEN]]
    assert task.pushed["outcome"]["unanswered"] == 4
    # A person clears it: it begins anew, on purpose.
    simulator.script({"numbers": {ADA: ANSWERED}})
    assert climb(task.cleared(), (ADA, BEN))["answered_by"] == ADA
    assert len(order(simulator)) == 5


def told_of(capfd: pytest.CaptureFixture[str], what: str) -> list[str]:
    # Airflow's own log of an operator goes to a stream.
    return re.findall(rf"(Contact \d+) {what}", "".join(capfd.readouterr()))


def test_a_contact_of_a_later_round_is_named_by_its_place(
    receiver: str, simulator: RunningSimulator, capfd: pytest.CaptureFixture[str]
) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 422, "times": 4}]})
    with pytest.raises(SendFailed):
        climb(Task("wake"), (ADA, BEN), rounds=2)
    assert told_of(capfd, "cannot be rung") == ["Contact 1", "Contact 2"] * 2


def test_so_is_one_who_may_have_been_rung(
    receiver: str, simulator: RunningSimulator, capfd: pytest.CaptureFixture[str]
) -> None:
    simulator.script({"numbers": {ADA: SILENT}})
    # Three tries for each of two calls.
    simulator.script({"faults": [{"kind": "drop", "placed": False, "times": 6}]})
    with pytest.raises(NobodyAnswered):
        climb(Task("wake"), (ADA,), rounds=2, ring_for=timedelta(seconds=2))
    assert told_of(capfd, "may have been rung") == ["Contact 1"] * 2


def test_a_contact_that_9bits_refuses_is_passed_over(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 422}], "numbers": {BEN: ANSWERED}})
    found = climb(Task("wake"))
    assert (found["answered_by"], found["calls"]) == (BEN, 1)


def test_an_account_that_9bits_refuses_fails_and_its_retry_begins_with_the_first(
    receiver: str, simulator: RunningSimulator
) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 401}], "numbers": {ADA: ANSWERED}})
    task = Task("wake")
    with pytest.raises(SendFailed):
        climb(task)
    assert climb(task.retried())["answered_by"] == ADA
    assert simulator.rung() == {ADA: 1}


def test_all_contacts_refused_is_no_success(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 422, "times": 4}]})
    with pytest.raises(SendFailed):
        climb(Task("wake"), (ADA, BEN), rounds=2)
    assert simulator.rung() == {}


def test_an_uncertain_answer_is_sent_again(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"faults": [{"kind": "drop", "placed": False}], "numbers": {ADA: ANSWERED}})
    assert climb(Task("wake"))["answered_by"] == ADA
    assert simulator.rung() == {ADA: 1}


def test_what_stays_uncertain_is_waited_for_like_a_call(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"faults": [{"kind": "drop", "placed": False, "times": 3}], "numbers": {BEN: ANSWERED}})
    assert climb(Task("wake"), ring_for=timedelta(seconds=2))["answered_by"] == BEN


@pytest.mark.parametrize(
    "contacts", [[ADA, "nobody"], [], None, [ADA, None]], ids=["no number", "empty", "None", "None within"]
)
def test_a_contact_that_cannot_be_rung_shows_before_anybody_is(simulator: RunningSimulator, contacts: Any) -> None:
    with pytest.raises(InvalidArgument):
        climb(Task("wake"), contacts)
    assert simulator.requests() == []


@pytest.mark.parametrize("arguments", [{"ring_for": -1}, {"rounds": 0}, {"media_url": "a.mp3"}], ids=str)
def test_so_does_any_argument(simulator: RunningSimulator, ledger: Database, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        climb(Task("wake"), **arguments)
    assert simulator.requests() == []
    assert rows(ledger, schema.task) == []


def test_a_retry_goes_on_where_the_ladder_stands(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"numbers": {ADA: SILENT, BEN: ANSWERED}})
    task, ring_for = Task("wake"), timedelta(seconds=4)
    with pytest.raises(TaskDeferred):
        operator(ring_for=ring_for, deferrable=True).execute(task.context)
    # The deferral is lost: a worker begins anew, and the first is not rung again.
    assert climb(task.retried(), ring_for=ring_for)["answered_by"] == BEN
    assert order(simulator) == [[ADA], [BEN]]


def test_who_is_on_call_is_asked_at_each_step(receiver: str, simulator: RunningSimulator) -> None:
    simulator.script({"numbers": {ADA: SILENT, BEN: SILENT, CAI: ANSWERED}})
    task = Task("wake")
    with pytest.raises(TaskDeferred) as pause:
        operator([ADA, BEN], deferrable=True, ring_for=timedelta(seconds=2)).execute(task.context)
    # Templates were rendered anew, and somebody else has the next hour.
    found = resumed(operator([ADA, CAI], ring_for=timedelta(seconds=2)), pause.value, task)
    assert found["answered_by"] == CAI
    assert order(simulator) == [[ADA], [CAI]]


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        pytest.param([ADA, BEN], [CAI], [[ADA], [CAI]], id="shorter"),
        pytest.param([ADA], [BEN, CAI], [[ADA], [BEN], [CAI]], id="longer"),
    ],
)
def test_all_who_are_on_call_by_now_are_rung_however_many_were_before(
    receiver: str, simulator: RunningSimulator, first: list[str], then: list[str], expected: list[list[str]]
) -> None:
    simulator.script({"numbers": {ADA: SILENT, BEN: UNANSWERED, CAI: ANSWERED}})
    task, given = Task("wake"), {"ring_for": timedelta(seconds=2), "rounds": 1}
    with pytest.raises(TaskDeferred) as pause:
        operator(first, deferrable=True, **given).execute(task.context)
    assert resumed(operator(then, **given), pause.value, task)["answered_by"] == CAI
    assert order(simulator) == expected


def test_a_retry_hears_the_late_answer_of_a_step_that_the_list_has_no_more(
    receiver: str, simulator: RunningSimulator
) -> None:
    ada = {**UNANSWERED, "attempts": [{"answered": False, **RINGING_FIRST}]}
    ben = {**ANSWERED, "attempts": [{"answered": True, **RINGING_FIRST}]}
    simulator.script({"numbers": {ADA: ada, BEN: ben, CAI: UNANSWERED}})
    task = Task("wake")
    with pytest.raises(TaskDeferred) as pause:
        operator([ADA, BEN], deferrable=True, rounds=1).execute(task.context)
    with pytest.raises(TaskDeferred):
        resumed(operator([ADA, BEN], deferrable=True, rounds=1), pause.value, task)
    simulator.wait_idle()
    # The deferral is lost, and one alone is on call by now.
    assert climb(task.retried(), [CAI], rounds=1)["answered_by"] == BEN
    assert order(simulator) == [[ADA], [BEN]]


@pytest.mark.parametrize("then", [[ADA, BEN, CAI], [CAI]], ids=["the same list", "another list"])
@pytest.mark.parametrize(("step", "most"), [("sending", 1), ("the request has left", 2), ("accepted", 1)])
def test_a_worker_that_is_killed_while_he_rings_the_second_has_his_retry_ring_nobody_else(
    receiver: str,
    simulator: RunningSimulator,
    ledger: Database,
    step: str,
    most: int,
    then: list[str],
) -> None:
    simulator.script({"numbers": {ADA: UNANSWERED, BEN: ANSWERED, CAI: ANSWERED}})
    task, given = Task("wake"), {"ring_for": timedelta(minutes=1), "deferrable": False}
    with worker(Order(task, [ADA, BEN, CAI], stop_at=step, occurrence=2, arguments=given, is_ladder=True)) as victim:
        victim.wait_until_it_stops()
        victim.kill()
    for message in rows(ledger, schema.message, state="sending"):
        lapse(ledger, message["id"])
    assert climb(task.retried(), then)["answered_by"] == BEN
    # What has left is in doubt, and sent again, unless its callback comes before the retry looks.
    assert order(simulator) in [[[ADA], *[[BEN]] * times] for times in range(1, most + 1)]


def test_a_worker_that_is_killed_before_he_rings_the_second_leaves_it_to_who_has_the_hour(
    receiver: str, simulator: RunningSimulator
) -> None:
    simulator.script({"numbers": {ADA: UNANSWERED, CAI: ANSWERED}})
    task, given = Task("wake"), {"ring_for": timedelta(minutes=1), "deferrable": False}
    with worker(Order(task, [ADA, BEN], stop_at="planned", occurrence=2, arguments=given, is_ladder=True)) as victim:
        victim.wait_until_it_stops()
        victim.kill()
    assert climb(task.retried(), [CAI])["answered_by"] == CAI
    assert order(simulator) == [[ADA], [CAI]]


def test_a_ladder_whose_list_never_stays_the_same_ends(
    receiver: str, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = {**UNANSWERED, "attempts": [{"answered": False, **RINGING_FIRST}]}
    simulator.script({"numbers": {ADA: ada, BEN: UNANSWERED, CAI: UNANSWERED}})
    monkeypatch.setattr("airflow_provider_ninebits.operators.escalation.MOST_STEPS", 2)
    task = Task("wake")
    with pytest.raises(TaskDeferred) as pause:
        operator([ADA], deferrable=True, rounds=1).execute(task.context)
    with pytest.raises(NobodyAnswered):
        resumed(operator([BEN, CAI], rounds=1), pause.value, task)
    assert order(simulator) == [[ADA], [BEN]]


def test_a_ledger_that_the_triggerer_cannot_read_is_an_outage(simulator: RunningSimulator) -> None:
    with pytest.raises(LedgerUnavailable):
        operator().execute_complete(
            Task("wake").context,
            {"status": "error", "message": "gone", "masked_url": "x"},
            place={},
            generation=0,
        )
