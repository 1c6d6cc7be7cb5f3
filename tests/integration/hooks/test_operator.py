from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, TaskDeferred

from airflow_provider_ninebits.exceptions import (
    CallsUnanswered,
    InvalidArgument,
    LedgerUnavailable,
    MessageUncertain,
    SendFailed,
)
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor
from tests.integration.hooks.playing import Task, resumed, run
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_call, arrive, rows

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

pytestmark = pytest.mark.usefixtures("connection", "ledger", "quick_polls")

MEDIA = "https://media.test/a.mp3"
MANY = [str(2348020000000 + place) for place in range(2500)]
ANSWERED = {"attempts": [{"answered": True}]}
UNANSWERED = {"attempts": [{"answered": False}]}
WAITS = pytest.mark.parametrize("deferrable", [False, True], ids=["in the worker", "deferred"])


def send(task: Task, to: Any = (ADA, BEN), **arguments: Any) -> Any:
    given = {"to": list(to) if isinstance(to, tuple) else to, "media_url": MEDIA} | arguments
    return run(lambda: SendVoiceOperator(task_id="ring", **given), task)


class TestWhatItReturns:
    def test_the_ref_id_and_pushes_it_too(self, simulator: RunningSimulator) -> None:
        task = Task()
        ref_id = send(task)
        assert ref_id == task.pushed["ref_id"] == simulator.requests()[0]["ref_id"]
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_a_list_of_them_for_several_parts(self, simulator: RunningSimulator) -> None:
        task = Task()
        ref_ids = send(task, MANY)
        assert ref_ids == task.pushed["ref_id"] == [request["ref_id"] for request in simulator.requests()]
        assert [len(request["to"]) for request in simulator.requests()] == [1000, 1000, 500]

    def test_the_ref_id_of_a_part_is_there_as_soon_as_it_is_placed(
        self, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Any] = []
        task = Task()
        monkeypatch.setattr(
            "airflow_provider_ninebits.hooks.sending.Sender._check_stopped",
            lambda *_: seen.append(task.pushed.get("ref_id")),
        )
        send(task, MANY)
        assert seen[:2] == [None, simulator.requests()[0]["ref_id"]]

    def test_what_was_placed_before_the_task_was_interrupted_is_there_too(
        self, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class TaskTimeout(BaseException):
            pass

        turns = iter(range(10))

        def interrupt(*_: Any) -> None:
            if next(turns) == 2:
                raise TaskTimeout

        monkeypatch.setattr("airflow_provider_ninebits.hooks.sending.Sender._check_stopped", interrupt)
        task = Task()
        with pytest.raises(TaskTimeout):
            send(task, MANY)
        assert task.pushed["ref_id"] == [request["ref_id"] for request in simulator.requests()]
        assert len(task.pushed["ref_id"]) == 2

    def test_lists_that_templates_made_are_read(self, simulator: RunningSimulator) -> None:
        send(Task(), f"['{ADA}', '+{BEN}']")
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_the_ledger_knows_who_asked(self, ledger: Database) -> None:
        send(Task(map_index=3))
        [asked] = rows(ledger, schema.send)
        assert (asked["dag_id"], asked["run_id"], asked["task_id"], asked["map_index"]) == (
            "alerts",
            "manual__1",
            "ring",
            3,
        )


class TestWhoIsRungHowOften:
    def test_a_retry_after_all_was_accepted_rings_nobody(self, simulator: RunningSimulator) -> None:
        task = Task()
        assert send(task) == send(task.retried())
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_the_same_attempt_that_comes_back_rings_nobody(self, simulator: RunningSimulator) -> None:
        task = Task()
        assert send(task) == send(task)
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_a_clear_after_its_end_rings_again_on_purpose(self, simulator: RunningSimulator) -> None:
        task = Task()
        assert send(task) != send(task.cleared())
        assert simulator.rung() == {ADA: 2, BEN: 2}

    def test_a_run_that_was_deleted_and_made_anew_rings_again(self, simulator: RunningSimulator) -> None:
        send(Task())
        send(Task())
        assert simulator.rung() == {ADA: 2, BEN: 2}

    def test_mapped_tasks_and_other_runs_ring_for_themselves(self, simulator: RunningSimulator) -> None:
        for task in (Task(map_index=0), Task(map_index=1), Task(run_id="manual__2"), Task(task_id="other")):
            send(task, ADA)
        assert simulator.rung() == {ADA: 4}

    def test_a_clear_in_the_middle_goes_on_where_it_stopped(self, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [{"kind": "delay", "seconds": 0}, {"kind": "status", "status": 403}]})
        task = Task()
        with pytest.raises(SendFailed):
            send(task, MANY)
        assert task.pushed["ref_id"] == simulator.requests()[0]["ref_id"]
        assert len(send(task.cleared(), MANY)) == 3
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_what_is_given_differently_in_a_retry_is_sent_as_given_less_those_rung(
        self, simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        simulator.script({"faults": [{"kind": "delay", "seconds": 0}, {"kind": "status", "status": 403}]})
        first, second = MANY[:1000], MANY[1000:1500]
        task = Task()
        with pytest.raises(SendFailed):
            send(task, first + second)
        corrected = [*first[500:], *second[:100], CAI.replace("0000003", "9999999")]
        ref_ids = send(task.retried(), corrected)
        assert len(ref_ids) == 2
        assert simulator.rung() == dict.fromkeys([*first, *second[:100], corrected[-1]], 1)
        assert "begun before with something else" in caplog.text

    def test_an_uncertain_send_is_not_retried_and_a_clear_meets_it_again(
        self, simulator: RunningSimulator, ledger: Database
    ) -> None:
        simulator.script({"faults": [{"kind": "drop", "placed": True}]})
        task = Task()
        with pytest.raises(MessageUncertain):
            send(task)
        [message] = rows(ledger, schema.message)
        with pytest.raises(MessageUncertain, match=message["id"]):
            send(task.cleared())
        assert simulator.rung() == {ADA: 1, BEN: 1}
        send(task.cleared().retried(), on_uncertain="resend")
        assert simulator.rung() == {ADA: 2, BEN: 2}

    def test_a_kill_stops_before_the_next_part(self, simulator: RunningSimulator, ledger: Database) -> None:
        operator = SendVoiceOperator(task_id="ring", to=MANY, media_url=MEDIA)
        # The answer to the first part is held back until the kill is there.
        simulator.script({"faults": [{"kind": "delay", "seconds": 2}]})
        task = Task()
        ended: list[BaseException] = []

        def work() -> None:
            try:
                operator.execute(task.context)
            except BaseException as error:
                ended.append(error)

        worker = threading.Thread(target=work)
        worker.start()
        while not simulator.requests():
            assert worker.is_alive()
        operator.on_kill()
        worker.join(30)
        assert isinstance(ended[0], SendFailed)
        assert "stopped" in str(ended[0])
        assert len(simulator.requests()) == 1
        # What was under way was recorded, and nothing of it is sent again.
        assert task.pushed["ref_id"] == simulator.requests()[0]["ref_id"]
        assert len(send(task.retried(), MANY)) == 3
        assert simulator.rung() == dict.fromkeys(MANY, 1)


class TestBeforeAnybodyIsRung:
    @pytest.mark.parametrize(
        "arguments",
        [
            {"to": None},
            {"to": "None"},
            {"to": []},
            {"to": "08020000000"},
            {"media_url": "ftp://x/a.mp3"},
            {"on_uncertain": "again"},
            {"wait_for_outcome": True, "wait_for": "both"},
            {"wait_for_outcome": True, "on_timeout": "skip"},
            {"wait_for_outcome": True, "outcome_timeout": "an hour"},
            {"evidence_timeout": -1},
            {"ninebits_conn_id": "ninebits_broken"},
        ],
        ids=str,
    )
    def test_what_cannot_be_is_an_error_without_retry(
        self, simulator: RunningSimulator, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_BROKEN", '{"conn_type": "ninebits", "password": "two words"}')
        with pytest.raises(InvalidArgument):
            send(Task(), **({"to": ADA} | arguments))
        assert simulator.requests() == []

    def test_a_ledger_that_is_away_is_an_outage(
        self, simulator: RunningSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/gone/ninebits.db")
        with pytest.raises(LedgerUnavailable):
            send(Task())
        assert simulator.requests() == []


class TestWaitingInOneTask:
    @WAITS
    @pytest.mark.parametrize("with_ref_id", [True, False], ids=["with ref_id", "without ref_id"])
    def test_it_returns_the_outcome_that_callbacks_bring(
        self, simulator: RunningSimulator, receiver: str, deferrable: bool, with_ref_id: bool
    ) -> None:
        named = {"with_ref_id": with_ref_id}
        simulator.script({"numbers": {ADA: ANSWERED | named, BEN: UNANSWERED | named}})
        task = Task()
        outcome = send(task, wait_for_outcome=True, deferrable=deferrable)
        assert (outcome["settled"], outcome["answered"], outcome["unanswered"]) == (True, 1, 1)
        assert outcome["ref_ids"] == [task.pushed["ref_id"]]
        assert simulator.rung() == {ADA: 1, BEN: 1}

    @WAITS
    def test_somebody_who_did_not_answer_may_be_a_failure(
        self, simulator: RunningSimulator, receiver: str, deferrable: bool
    ) -> None:
        simulator.script({"numbers": {ADA: ANSWERED, BEN: UNANSWERED}})
        task = Task()
        with pytest.raises(CallsUnanswered):
            send(task, wait_for_outcome=True, fail_on_unanswered="all", deferrable=deferrable)
        assert task.pushed["outcome"]["unanswered"] == 1

    @WAITS
    def test_the_time_out_leaves_the_outcome_so_far(self, simulator: RunningSimulator, deferrable: bool) -> None:
        task = Task()
        short = {"wait_for_outcome": True, "outcome_timeout": timedelta(seconds=0.3), "deferrable": deferrable}
        with pytest.raises(AirflowSensorTimeout):
            send(task, **short)
        assert task.pushed["outcome"]["pending"] == 2
        outcome = send(task.retried(), on_timeout="return", **short)
        assert (outcome["settled"], outcome["pending"]) == (False, 2)
        assert simulator.rung() == {ADA: 1, BEN: 1}
        # A wait that timed out has ended the work: to clear it now is to ring again.
        send(task.retried().cleared(), on_timeout="return", **short)
        assert simulator.rung() == {ADA: 2, BEN: 2}

    def test_a_resumed_task_sends_nothing_and_knows_its_generation(
        self, simulator: RunningSimulator, ledger: Database
    ) -> None:
        task = Task()
        operator = SendVoiceOperator(task_id="ring", to=ADA, media_url=MEDIA, wait_for_outcome=True, deferrable=True)
        with pytest.raises(TaskDeferred) as deferred:
            operator.execute(task.context)
        # Our own time-out comes well before Airflow's, which would lose the outcome so far.
        assert deferred.value.timeout >= timedelta(days=1, minutes=30)
        assert [each["finished"] for each in rows(ledger, schema.task)] == [False]
        arrive(ledger, a_call(ADA))
        again = SendVoiceOperator(task_id="ring", to="changed meanwhile", media_url="no URL", wait_for_outcome=True)
        outcome = resumed(again, deferred.value, task)
        assert outcome["answered"] == 1
        assert simulator.rung() == {ADA: 1}
        assert [each["finished"] for each in rows(ledger, schema.task)] == [True]

    def test_a_task_cleared_while_it_waits_goes_on_waiting_for_the_same_calls(
        self, simulator: RunningSimulator, ledger: Database
    ) -> None:
        task = Task()
        with pytest.raises(TaskDeferred):
            SendVoiceOperator(task_id="ring", to=ADA, media_url=MEDIA, wait_for_outcome=True, deferrable=True).execute(
                task.context
            )
        arrive(ledger, a_call(ADA))
        assert send(task.cleared(), ADA, wait_for_outcome=True)["answered"] == 1
        assert simulator.rung() == {ADA: 1}

    def test_an_event_of_an_outage_fails_and_a_retry_waits_on(
        self, simulator: RunningSimulator, ledger: Database
    ) -> None:
        task = Task()
        operator = SendVoiceOperator(task_id="ring", to=ADA, media_url=MEDIA, wait_for_outcome=True, deferrable=True)
        with pytest.raises(TaskDeferred) as deferred:
            operator.execute(task.context)
        with pytest.raises(LedgerUnavailable):
            operator.resume_execution(
                deferred.value.method_name,
                {**deferred.value.kwargs, "event": {"status": "error", "message": "the disk is full"}},
                task.context,
            )
        arrive(ledger, a_call(ADA))
        assert send(task.retried(), ADA, wait_for_outcome=True)["answered"] == 1
        assert simulator.rung() == {ADA: 1}


@pytest.mark.parametrize("with_ref_id", [True, False], ids=["with ref_id", "without ref_id"])
def test_operator_and_sensor_in_a_row(simulator: RunningSimulator, receiver: str, with_ref_id: bool) -> None:
    named = {"with_ref_id": with_ref_id}
    simulator.script({"numbers": {ADA: ANSWERED | named, BEN: UNANSWERED | named}})
    ref_id = send(Task())
    outcome = run(
        lambda: CallbackSensor(task_id="wait", ref_id=ref_id, deferrable=False, poke_interval=0.05), Task("wait")
    )
    assert {call["to_number"]: call["state"] for call in outcome["calls"]} == {ADA: "answered", BEN: "unanswered"}
    assert outcome["calls"][0]["to_number"] == BEN


def test_one_lost_callback_of_a_number_rung_again_and_again_spoils_no_other(
    simulator: RunningSimulator, receiver: str
) -> None:
    simulator.script({"numbers": {ADA: ANSWERED | {"with_ref_id": True}}})
    lost = 2
    ref_ids = []
    for hour in range(5):
        simulator.script({"numbers": {ADA: ANSWERED | {"with_ref_id": True, "lose_callback": hour == lost}}})
        ref_ids.append(send(Task(run_id=f"hour {hour}"), ADA))
        simulator.wait_idle()
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

    assert [NineBitsHook().outcome(ref_id).settled for ref_id in ref_ids] == [hour != lost for hour in range(5)]
