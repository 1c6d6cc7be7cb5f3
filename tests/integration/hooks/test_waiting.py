"""The table of modes by cases: whichever way a wait is waited, it comes to the same end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, TaskDeferred
from airflow.sdk.exceptions import AirflowRescheduleException

from airflow_provider_ninebits.exceptions import CallsUnanswered, InvalidArgument, LedgerUnavailable, UnknownRefId
from airflow_provider_ninebits.sensors.callback import SHORTEST_RESCHEDULE_SECONDS, CallbackSensor
from tests.integration.hooks.playing import MODES, Mode, Task, in_mode, resumed, run
from tests.integration.ledger.scenes import ADA, BEN, a_call, accepted, arrive
from tests.unit.triggers.outages import give_back, take_away

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ninebits.ledger.database import Database

pytestmark = pytest.mark.usefixtures("quick_polls")

SHORT = {"timeout": 0.3}


def answered_and_not(ledger: Database) -> None:
    accepted(ledger, "r1", ADA, BEN)
    arrive(ledger, a_call(ADA, ref_id="r1", amount="30"), a_call(BEN, ref_id="r1", answered=False))


def nobody_answered(ledger: Database) -> None:
    accepted(ledger, "r1", ADA, BEN)
    arrive(ledger, *(a_call(number, ref_id="r1", answered=False) for number in (ADA, BEN)))


def one_came_back(ledger: Database) -> None:
    accepted(ledger, "r1", ADA, BEN)
    arrive(ledger, a_call(ADA, ref_id="r1"))


def one_came_back_unanswered(ledger: Database) -> None:
    accepted(ledger, "r1", ADA, BEN)
    arrive(ledger, a_call(ADA, ref_id="r1", answered=False))


def never_sent(_: Database) -> None:
    pass


# scene, the sensor's arguments, (settled, answered, pending) of the returned outcome
RETURNED: dict[str, tuple[Any, dict[str, Any], tuple[bool, int, int]]] = {
    "everybody is settled": (answered_and_not, {}, (True, 1, 0)),
    "not answered is an outcome too": (nobody_answered, {}, (True, 0, 0)),
    "fail on any, and one answered": (answered_and_not, {"fail_on_unanswered": "any"}, (True, 1, 0)),
    "wait for any, and one answered": (one_came_back, {"wait_for": "any"}, (False, 1, 1)),
    "wait for any, and all are settled": (nobody_answered, {"wait_for": "any"}, (True, 0, 0)),
    "the time-out returns": (one_came_back, {"on_timeout": "return", **SHORT}, (False, 1, 1)),
    "the time-out returns, soft_fail or not": (
        one_came_back,
        {"on_timeout": "return", "soft_fail": True, **SHORT},
        (False, 1, 1),
    ),
    "an attempt window is open at the time-out": (
        nobody_answered,
        {"on_timeout": "return", "attempt_window": timedelta(hours=1), **SHORT},
        (False, 0, 0),
    ),
    "an attempt window that closes soon": (nobody_answered, {"attempt_window": 0.3}, (True, 0, 0)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("scene", "arguments", "expected"), RETURNED.values(), ids=RETURNED.keys())
def test_it_returns_the_outcome(
    ledger: Database, mode: Mode, scene: Any, arguments: dict[str, Any], expected: tuple[bool, int, int]
) -> None:
    scene(ledger)
    task = Task()
    outcome = run(lambda: CallbackSensor(task_id="wait", ref_id="r1", **arguments, **in_mode(mode)), task)
    assert (outcome["settled"], outcome["answered"], outcome["pending"]) == expected
    assert (outcome["ref_ids"], outcome["recipients"], len(outcome["calls"])) == (["r1"], 2, 2)
    assert task.pushed == {}


# scene, the sensor's arguments, the error, pending recipients of the outcome that it leaves in XCom (None: none)
FAILED: dict[str, tuple[Any, dict[str, Any], type[Exception], int | None]] = {
    "fail on all, and one did not answer": (
        answered_and_not,
        {"fail_on_unanswered": "all"},
        CallsUnanswered,
        0,
    ),
    "fail on any, and nobody answered": (nobody_answered, {"fail_on_unanswered": "any"}, CallsUnanswered, 0),
    "fail on all, and any is waited for": (
        one_came_back,
        {"fail_on_unanswered": "all", "wait_for": "any"},
        CallsUnanswered,
        1,
    ),
    "the time-out": (one_came_back, SHORT, AirflowSensorTimeout, 1),
    "the time-out of a wait for any": (
        one_came_back_unanswered,
        {"wait_for": "any", **SHORT},
        AirflowSensorTimeout,
        1,
    ),
    "a time-out before the unknown is known": (never_sent, SHORT, AirflowSensorTimeout, 0),
    "no ref_id": (never_sent, {"ref_id": "None"}, InvalidArgument, None),
    "one of several is none": (never_sent, {"ref_id": ["r1", None]}, InvalidArgument, None),
    "a misspelt argument": (answered_and_not, {"wait_for": "both"}, InvalidArgument, None),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("soft_fail", [False, True], ids=["fails", "skips where soft_fail is set"])
@pytest.mark.parametrize(("scene", "arguments", "error", "pending"), FAILED.values(), ids=FAILED.keys())
def test_it_ends_badly(
    ledger: Database,
    mode: Mode,
    soft_fail: bool,
    scene: Any,
    arguments: dict[str, Any],
    error: type[Exception],
    pending: int | None,
) -> None:
    scene(ledger)
    task = Task()
    given = {"ref_id": "r1", "soft_fail": soft_fail} | arguments
    with pytest.raises(AirflowSkipException if soft_fail else error) as raised:
        run(lambda: CallbackSensor(task_id="wait", **given, **in_mode(mode)), task)
    assert isinstance(raised.value.__cause__ if soft_fail else raised.value, error)
    pushed = task.pushed.get("outcome")
    assert (None if pushed is None else pushed["pending"]) == pending
    assert ADA not in str(raised.value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("soft_fail", [False, True], ids=["fails", "skips where soft_fail is set"])
def test_a_ref_id_that_stays_unknown_is_an_error_that_names_the_ledger(
    ledger: Database, mode: Mode, soft_fail: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.hooks.waiting.UNKNOWN_AFTER_SECONDS", 0.3)
    accepted(ledger, "r1", ADA)
    with pytest.raises(AirflowSkipException if soft_fail else UnknownRefId) as raised:
        run(
            lambda: CallbackSensor(task_id="w", ref_id=["r1", "r2"], soft_fail=soft_fail, **in_mode(mode)),
            Task(),
        )
    error = raised.value.__cause__ if soft_fail else raised.value
    assert isinstance(error, UnknownRefId)
    assert error.ref_ids == ("r2",)
    assert "ninebits.db" in str(error)


def test_the_minute_of_an_unknown_ref_id_survives_rescheduling(ledger: Database) -> None:
    task = Task(first_reschedule=datetime.now(UTC) - timedelta(seconds=61))
    with pytest.raises(UnknownRefId):
        CallbackSensor(task_id="wait", ref_id="r1", mode="reschedule", deferrable=False).execute(task.context)
    with pytest.raises(AirflowRescheduleException):
        CallbackSensor(task_id="wait", ref_id="r1", mode="reschedule", deferrable=False).execute(Task().context)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("soft_fail", [False, True], ids=["plain", "soft_fail"])
def test_a_ledger_that_cannot_be_read_fails_and_never_skips(
    tmp_path: Path, mode: Mode, soft_fail: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__OUTAGE_TOLERANCE", "0")
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/gone/ninebits.db")
    with pytest.raises(LedgerUnavailable, match=r"gone/ninebits\.db"):
        run(lambda: CallbackSensor(task_id="w", ref_id="r1", soft_fail=soft_fail, **in_mode(mode)), Task())


@pytest.mark.parametrize("soft_fail", [False, True], ids=["plain", "soft_fail"])
def test_a_ledger_that_goes_away_while_the_task_is_deferred_fails_and_never_skips(
    ledger: Database, soft_fail: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__OUTAGE_TOLERANCE", "0")
    accepted(ledger, "r1", ADA)

    def sensor() -> CallbackSensor:
        return CallbackSensor(task_id="wait", ref_id="r1", soft_fail=soft_fail, deferrable=True)

    with pytest.raises(TaskDeferred) as deferred:
        sensor().execute(Task().context)
    with ledger.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE ninebits_message RENAME TO gone")
    with pytest.raises(LedgerUnavailable):
        resumed(sensor(), deferred.value, Task())


def test_an_outage_that_is_short_enough_is_borne_while_the_task_runs(
    ledger: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answered_and_not(ledger)
    take_away(ledger)
    pauses = iter(range(7))

    def sleep(_: float) -> None:
        if next(pauses) == 6:
            give_back(ledger)

    monkeypatch.setattr("airflow_provider_ninebits.hooks.patience.time.sleep", sleep)
    outcome = CallbackSensor(task_id="wait", ref_id="r1", deferrable=False).execute(Task().context)
    assert outcome["settled"] is True
    assert "(7 times in a row)" in caplog.text


class TestAnOutageInRescheduleMode:
    """Nothing is kept from one look to the next, so each of those between the first and the last is simply made."""

    def look(self, *, begun_seconds_ago: float, timeout: float = 3600.0) -> None:
        task = Task(first_reschedule=datetime.now(UTC) - timedelta(seconds=begun_seconds_ago))
        CallbackSensor(task_id="wait", ref_id="r1", timeout=timeout, **in_mode("reschedule")).execute(task.context)

    def test_a_look_that_fails_is_made_again_at_the_next_poke(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accepted(ledger, "r1", ADA)
        take_away(ledger)
        slept: list[float] = []
        monkeypatch.setattr("airflow_provider_ninebits.hooks.patience.time.sleep", slept.append)
        with pytest.raises(AirflowRescheduleException):
            self.look(begun_seconds_ago=60)
        assert slept == []

    def test_the_last_look_bears_no_more_than_the_tolerance(
        self, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__NINEBITS__OUTAGE_TOLERANCE", "1")
        accepted(ledger, "r1", ADA)
        take_away(ledger)
        with pytest.raises(LedgerUnavailable):
            self.look(begun_seconds_ago=60, timeout=59)

    def test_without_tolerance_each_look_fails(self, ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__NINEBITS__OUTAGE_TOLERANCE", "0")
        accepted(ledger, "r1", ADA)
        take_away(ledger)
        with pytest.raises(LedgerUnavailable):
            self.look(begun_seconds_ago=60)

    def test_what_somebody_has_to_mend_fails_at_once(self, ledger: Database) -> None:
        with ledger.writing() as connection:
            connection.exec_driver_sql("UPDATE ninebits_version SET version_num = 'of the future'")
        with pytest.raises(LedgerUnavailable, match="does not help"):
            self.look(begun_seconds_ago=60)


def test_airflows_own_time_out_comes_after_an_outage_too(ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__OUTAGE_TOLERANCE", "86400")
    accepted(ledger, "r1", ADA)
    with pytest.raises(TaskDeferred) as deferred:
        CallbackSensor(task_id="wait", ref_id="r1", deferrable=True, timeout=100).execute(Task().context)
    assert deferred.value.timeout > timedelta(seconds=100 + 86400)


@pytest.mark.parametrize("mode", MODES)
def test_a_callback_that_comes_while_it_waits_ends_the_wait(
    ledger: Database, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(ledger, "r1", ADA)

    def sensor() -> CallbackSensor:
        return CallbackSensor(task_id="wait", ref_id="r1", **in_mode(mode))

    if mode == "poke":
        # It comes between two looks.
        monkeypatch.setattr("airflow.sdk.bases.sensor.time.sleep", lambda _: arrive(ledger, a_call(ADA, ref_id="r1")))
        outcome = sensor().execute(Task().context)
    elif mode == "reschedule":
        with pytest.raises(AirflowRescheduleException):
            sensor().execute(Task().context)
        arrive(ledger, a_call(ADA, ref_id="r1"))
        outcome = sensor().execute(Task(first_reschedule=datetime.now(UTC)).context)
    else:
        with pytest.raises(TaskDeferred) as deferred:
            sensor().execute(Task().context)
        arrive(ledger, a_call(ADA, ref_id="r1"))
        outcome = resumed(sensor(), deferred.value, Task())
    assert (outcome["settled"], outcome["answered"]) == (True, 1)


def test_what_is_settled_is_returned_without_a_deferral(ledger: Database) -> None:
    answered_and_not(ledger)
    outcome = CallbackSensor(task_id="wait", ref_id="r1", deferrable=True).execute(Task().context)
    assert outcome["settled"] is True


def test_airflows_own_time_out_comes_after_ours(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    with pytest.raises(TaskDeferred) as deferred:
        CallbackSensor(task_id="wait", ref_id="r1", deferrable=True, timeout=100).execute(Task().context)
    # Our own time-out comes well before Airflow's, which would lose the outcome so far.
    assert deferred.value.timeout >= timedelta(seconds=100, minutes=30)
    _, kwargs = deferred.value.trigger.serialize()
    assert kwargs["deadline"] - kwargs["first_look_at"] == 100


def test_deferrable_is_airflows_default_where_it_is_not_given(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    accepted(ledger, "r1", ADA)
    with pytest.raises(TaskDeferred):
        CallbackSensor(task_id="wait", ref_id="r1").execute(Task().context)


def test_lists_that_templates_made_are_read(ledger: Database) -> None:
    for ref_id, number in (("r1", ADA), ("r2", BEN)):
        accepted(ledger, ref_id, number)
        arrive(ledger, a_call(number, ref_id=ref_id))
    sensor = CallbackSensor(task_id="wait", ref_id="['r1', 'r2']", deferrable=False)
    outcome = sensor.execute(Task().context)
    assert (outcome["ref_ids"], outcome["answered"]) == (["r1", "r2"], 2)


def test_xcom_gets_at_most_100_calls_those_not_answered_first(ledger: Database) -> None:
    numbers = [str(2348020000000 + place) for place in range(120)]
    accepted(ledger, "r1", *numbers)
    arrive(ledger, *(a_call(number, ref_id="r1", answered=place > 0) for place, number in enumerate(numbers)))
    outcome = CallbackSensor(task_id="wait", ref_id="r1", deferrable=False).execute(Task().context)
    assert (outcome["recipients"], outcome["answered"], outcome["calls_truncated"]) == (120, 119, True)
    assert len(outcome["calls"]) == 100
    assert (outcome["calls"][0]["to_number"], outcome["calls"][0]["state"]) == (numbers[0], "unanswered")


def test_a_rescheduled_task_does_not_outrun_the_scheduler(ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", ledger.url.render_as_string())
    accepted(ledger, "r1", ADA)
    begun = datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as pause:
        CallbackSensor(task_id="wait", ref_id="r1", **in_mode("reschedule"), **SHORT).execute(Task().context)
    assert pause.value.reschedule_date >= begun + timedelta(seconds=SHORTEST_RESCHEDULE_SECONDS)


def test_a_poke_at_the_deadline_comes_before_the_interval_is_over(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    sensor = CallbackSensor(task_id="wait", ref_id="r1", deferrable=False, poke_interval=3600, **SHORT)
    # It would sleep for an hour, which pytest's own time-out does not wait for.
    with pytest.raises(AirflowSensorTimeout):
        sensor.execute(Task().context)


def test_with_never_fail_an_outage_at_the_first_look_is_a_skip(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__OUTAGE_TOLERANCE", "0")
    accepted(ledger, "r1", ADA)
    take_away(ledger)
    with pytest.raises(AirflowSkipException):
        CallbackSensor(task_id="wait", ref_id="r1", deferrable=True, never_fail=True).execute(Task().context)


def test_with_silent_fail_an_outage_at_the_first_look_is_waited_through(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__OUTAGE_TOLERANCE", "0")
    accepted(ledger, "r1", ADA)
    take_away(ledger)
    with pytest.raises(TaskDeferred):
        CallbackSensor(task_id="wait", ref_id="r1", deferrable=True, silent_fail=True).execute(Task().context)
