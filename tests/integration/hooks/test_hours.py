"""The operator and its calling hours, by a clock that each test sets, on both databases."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_ninebits.exceptions import InvalidArgument, MessageUncertain, OpeningTooLate, SendFailed
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from tests.integration.hooks.killing import Order, worker
from tests.integration.hooks.playing import Task, resumed
from tests.integration.ledger.scenes import ADA, BEN, a_call, arrive, lapse, rows
from tests.integration.otlp import Counted, series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.simulator import RunningSimulator

MEDIA = "https://media.test/a.mp3"
MANY = [str(2348020000000 + place) for place in range(2500)]
KENYA = "254712345678"
TOLL_FREE = "18002530000"
HOURS = {"calling_hours": "09:00-20:00", "timezone": "Africa/Lagos"}
EACH_BY_ITS_OWN = {"calling_hours": "09:00-20:00", "timezone": "destination"}
# A Monday, by Lagos' clock: an hour ahead of UTC, and two behind Nairobi's.
NIGHT = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
ONLY_NAIROBI = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
OPENING = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
EVENING = datetime(2026, 3, 2, 19, tzinfo=UTC)
NEXT_OPENING = OPENING + timedelta(days=1)


@pytest.fixture(autouse=True)
def ledger(
    database_url: str,
    connection: None,
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Database]:
    """A ledger in each kind of database, and 9bits."""
    caplog.set_level(logging.WARNING, "airflow_provider_ninebits.simulator")
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", database_url)
    database = Database(database_url)
    yield database
    database.close()


class AtTime(SendVoiceOperator):
    """The operator, with a clock of its own."""

    def __init__(self, *, clock: Callable[[], datetime], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.clock = clock

    def _now(self) -> datetime:
        return self.clock()


def made(at: datetime | Callable[[], datetime], to: Any = (ADA, BEN), **arguments: Any) -> AtTime:
    clock = (lambda: at) if isinstance(at, datetime) else at
    given = {"to": list(to) if isinstance(to, tuple) else to, "media_url": MEDIA, **HOURS, **arguments}
    return AtTime(task_id="ring", clock=clock, **given)


def send(task: Task, at: datetime | Callable[[], datetime], to: Any = (ADA, BEN), **arguments: Any) -> Any:
    return made(at, to, **arguments).execute(task.context)


def deferred(task: Task, at: datetime | Callable[[], datetime], to: Any = (ADA, BEN), **arguments: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as left:
        send(task, at, to, **arguments)
    return left.value


def opens_at(left: TaskDeferred) -> datetime:
    path, kwargs = left.trigger.serialize()
    assert path.endswith("OpeningTrigger")
    return datetime.fromtimestamp(kwargs["moment"], UTC)


def gone_on(left: TaskDeferred, operator: SendVoiceOperator, task: Task) -> Any:
    """What a worker does when the trigger has fired."""
    kwargs = {**left.kwargs, "event": {"status": "open"}}
    return operator.resume_execution(left.method_name, kwargs, task.context)


class TestOutsideOfTheHours:
    def test_it_defers_until_they_open_and_rings_then(self, simulator: RunningSimulator, ledger: Database) -> None:
        task = Task()
        left = deferred(task, NIGHT)
        assert (opens_at(left), left.timeout) == (OPENING, None)
        assert simulator.requests() == []
        assert [message["state"] for message in rows(ledger, schema.message)] == ["planned"]
        ref_id = gone_on(left, made(OPENING), task)
        assert ref_id == task.pushed["ref_id"] == simulator.requests()[0]["ref_id"]
        assert simulator.rung() == {ADA: 1, BEN: 1}
        assert [each["finished"] for each in rows(ledger, schema.task)] == [True]

    def test_each_time_it_leaves_for_them_is_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        counted = Counted()
        monkeypatch.setattr("airflow_provider_ninebits.operators.deferring.record", counted.record)
        deferred(Task(), NIGHT)
        assert counted.totals() == {series("hours_deferrals"): 1}

    def test_inside_of_them_it_rings_at_once(self, simulator: RunningSimulator) -> None:
        send(Task(), NOON)
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_it_leaves_the_worker_whatever_deferrable_says(self) -> None:
        assert opens_at(deferred(Task(), NIGHT, deferrable=False)) == OPENING

    def test_a_day_that_is_none_of_the_calling_days_is_waited_out(self) -> None:
        assert opens_at(deferred(Task(), NOON, calling_days="tue,wed")) == NEXT_OPENING

    def test_a_number_that_cannot_be_sent_shows_in_the_evening_and_not_in_the_morning(self, ledger: Database) -> None:
        with pytest.raises(InvalidArgument, match="country code"):
            send(Task(), EVENING, ["08020000000"])
        assert rows(ledger, schema.send) == []

    def test_an_opening_that_a_slow_clock_has_not_come_to_is_waited_for_again(self) -> None:
        task = Task()
        left = deferred(task, NIGHT)
        with pytest.raises(TaskDeferred) as again:
            gone_on(left, made(OPENING - timedelta(seconds=1)), task)
        assert opens_at(again.value) == OPENING

    @pytest.mark.parametrize("event", [None, {}, {"status": "over"}, "open"])
    def test_a_resumed_task_does_not_ring_by_default(self, simulator: RunningSimulator, event: Any) -> None:
        task = Task()
        left = deferred(task, NIGHT)
        with pytest.raises(RuntimeError, match="does not say"):
            made(NOON).resume_execution(left.method_name, {**left.kwargs, "event": event}, task.context)
        assert simulator.requests() == []

    def test_without_hours_it_rings_at_night_and_so_does_the_hook(
        self, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = '{"conn_type": "ninebits", "password": "k", "host": "%s", "extra": {"calling_hours": "%s", %s}}'
        monkeypatch.setenv(
            "AIRFLOW_CONN_NINEBITS_CLOSED", closed % (simulator.base_url, closed_now(), '"timezone": "UTC"')
        )
        NineBitsHook("ninebits_closed").send_voice(ADA, MEDIA)
        send(Task(), NIGHT, ADA, ninebits_conn_id="ninebits_closed", calling_hours=False, timezone=None)
        assert simulator.rung() == {ADA: 2}
        with pytest.raises(TaskDeferred):
            SendVoiceOperator(task_id="ring", to=ADA, media_url=MEDIA, ninebits_conn_id="ninebits_closed").execute(
                Task(run_id="another").context
            )

    @pytest.mark.parametrize(
        "arguments",
        [
            {"calling_hours": "9 to 5"},
            {"calling_hours": "None"},
            {"calling_days": "weekdays"},
            {"timezone": "Lagos"},
            {"timezone": None},
            {"opening_timeout": "a day"},
        ],
        ids=str,
    )
    def test_what_cannot_be_is_an_error_before_anybody_is_rung(
        self, simulator: RunningSimulator, ledger: Database, arguments: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidArgument):
            send(Task(), NOON, **arguments)
        assert simulator.requests() == []
        assert rows(ledger, schema.task) == []

    def test_a_dry_run_counts_at_night_too(self, simulator: RunningSimulator) -> None:
        assert send(Task(), NIGHT, dry_run=True)["recipients"] == 2
        counted = send(Task(), NIGHT, [ADA, KENYA], dry_run=True, **EACH_BY_ITS_OWN)
        assert (counted["recipients"], counted["parts"]) == (2, 2)
        with pytest.raises(InvalidArgument):
            send(Task(), NIGHT, dry_run=True, calling_hours="9 to 5")
        assert simulator.requests() == []


class TestTooLate:
    def test_an_opening_after_the_time_out_is_an_error_that_names_it(self, simulator: RunningSimulator) -> None:
        task = Task()
        with pytest.raises(OpeningTooLate, match="2026-03-03T08:00") as late:
            send(task, EVENING, opening_timeout=timedelta(hours=12))
        assert (late.value.recipients, late.value.limit) == (2, "2026-03-03T07:00:00+00:00")
        assert simulator.requests() == []
        # It has not ended: cleared, it goes on.
        ref_id = send(task.cleared(), NEXT_OPENING, opening_timeout=timedelta(hours=12))
        assert simulator.requests()[0]["ref_id"] == ref_id

    def test_an_opening_before_it_is_waited_for(self) -> None:
        assert opens_at(deferred(Task(), EVENING, opening_timeout=timedelta(hours=13))) == NEXT_OPENING

    def test_it_counts_from_the_first_look_of_the_attempt(self) -> None:
        task, limit = Task(), {"opening_timeout": timedelta(hours=12)}
        left = deferred(task, NIGHT, **limit)
        with pytest.raises(OpeningTooLate):
            gone_on(left, made(EVENING, **limit), task)
        # Another try counts anew.
        assert opens_at(deferred(task.retried(), NEXT_OPENING - timedelta(hours=1), **limit)) == NEXT_OPENING


def rings_until(simulator: RunningSimulator, requests: int, then: datetime) -> Callable[[], datetime]:
    """A clock that shows noon until so many requests were made."""
    return lambda: NOON if len(simulator.requests()) < requests else then


class TestHoursThatEndInTheMiddle:
    def test_it_stops_between_two_parts_and_goes_on_with_the_same_plan(
        self, simulator: RunningSimulator, ledger: Database
    ) -> None:
        task = Task()
        left = deferred(task, rings_until(simulator, 1, EVENING), MANY)
        assert opens_at(left) == NEXT_OPENING
        assert len(simulator.requests()) == 1
        assert task.pushed["ref_id"] == simulator.requests()[0]["ref_id"]
        planned = {message["id"] for message in rows(ledger, schema.message)}
        ref_ids = gone_on(left, made(NEXT_OPENING, MANY), task)
        assert ref_ids == task.pushed["ref_id"] == [request["ref_id"] for request in simulator.requests()]
        assert {message["id"] for message in rows(ledger, schema.message)} == planned
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_so_it_does_with_several_requests_at_once(self, simulator: RunningSimulator) -> None:
        task = Task()
        left = deferred(task, rings_until(simulator, 1, EVENING), MANY, max_parallel_requests=2)
        assert 1 <= len(simulator.requests()) <= 2
        assert len(gone_on(left, made(NEXT_OPENING, MANY, max_parallel_requests=2), task)) == 3
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_what_waits_for_the_rate_limit_does_not_ring_at_night(self, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [{"kind": "status", "status": 429}]})
        task = Task()
        left = deferred(task, rings_until(simulator, 1, EVENING))
        assert (opens_at(left), simulator.rung()) == (NEXT_OPENING, {})
        gone_on(left, made(NEXT_OPENING), task)
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_what_opens_while_the_rest_is_sent_is_sent_too(self, simulator: RunningSimulator) -> None:
        clock = lambda: ONLY_NAIROBI if not simulator.requests() else NOON  # noqa: E731
        assert len(send(Task(), clock, [ADA, KENYA], **EACH_BY_ITS_OWN)) == 2
        assert [request["to"] for request in simulator.requests()] == [[KENYA], [ADA]]

    def test_a_doubt_is_not_sent_again_at_night(self, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [{"kind": "drop", "placed": False}]})
        task, resend = Task(), {"on_uncertain": "resend"}
        left = deferred(task, rings_until(simulator, 1, EVENING), **resend)
        assert opens_at(left) == NEXT_OPENING
        assert len(simulator.requests()) == 1
        gone_on(left, made(NEXT_OPENING, **resend), task)
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_evidence_is_not_waited_for_at_night(self, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [{"kind": "drop", "placed": True}]})
        task, evidence = Task(), {"on_uncertain": "evidence", "evidence_timeout": timedelta(hours=1)}
        left = deferred(task, rings_until(simulator, 1, EVENING), **evidence)
        assert opens_at(left) == NEXT_OPENING
        assert simulator.rung() == {ADA: 1, BEN: 1}

    def test_a_callback_of_the_night_settles_a_doubt(self, simulator: RunningSimulator, ledger: Database) -> None:
        simulator.script({"faults": [{"kind": "drop", "placed": True}]})
        task, evidence = Task(), {"on_uncertain": "evidence", "evidence_timeout": timedelta(hours=1)}
        left = deferred(task, rings_until(simulator, 1, EVENING), **evidence)
        arrive(ledger, a_call(ADA))
        [message] = rows(ledger, schema.message)
        assert gone_on(left, made(NEXT_OPENING, **evidence), task) == f"ledger:{message['id']}"
        assert len(simulator.requests()) == 1

    def test_a_doubt_of_a_send_without_zones_waits_for_all_of_its_numbers(self, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [{"kind": "drop", "placed": False}]})
        task, both = Task(), [ADA, KENYA]
        with pytest.raises(MessageUncertain):
            send(task, NOON, both)
        again = {**EACH_BY_ITS_OWN, "on_uncertain": "resend"}
        assert opens_at(deferred(task.retried(), ONLY_NAIROBI, both, **again)) == OPENING
        send(task.retried().retried(), OPENING, both, **again)
        assert simulator.rung() == {ADA: 1, KENYA: 1}


class TestEachNumberByItsOwnZone:
    def test_those_who_are_open_are_rung_and_the_others_when_they_are(
        self, simulator: RunningSimulator, ledger: Database
    ) -> None:
        task, both = Task(), [ADA, KENYA, BEN]
        left = deferred(task, ONLY_NAIROBI, both, **EACH_BY_ITS_OWN)
        assert (opens_at(left), simulator.rung()) == (OPENING, {KENYA: 1})
        assert {message["zones"] for message in rows(ledger, schema.message)} == {"Africa/Lagos", "Africa/Nairobi"}
        ref_ids = gone_on(left, made(OPENING, both, **EACH_BY_ITS_OWN), task)
        # In the order of the parts, which is that of the numbers given.
        assert ref_ids == [simulator.requests()[1]["ref_id"], simulator.requests()[0]["ref_id"]]
        assert simulator.rung() == {ADA: 1, BEN: 1, KENYA: 1}

    def test_at_night_it_waits_for_the_first_that_opens(self, simulator: RunningSimulator) -> None:
        left = deferred(Task(), NIGHT, [ADA, KENYA], **EACH_BY_ITS_OWN)
        assert (opens_at(left), simulator.rung()) == (datetime(2026, 3, 2, 6, tzinfo=UTC), {})

    def test_a_retry_keeps_the_zones_that_were_planned(
        self, simulator: RunningSimulator, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task = Task()
        deferred(task, NIGHT, [ADA, KENYA], **EACH_BY_ITS_OWN)
        monkeypatch.setattr("airflow_provider_ninebits.hooks.opening.zones_of_number", lambda _: ("Asia/Tokyo",))
        deferred(task.retried(), ONLY_NAIROBI, [ADA, KENYA], **EACH_BY_ITS_OWN)
        assert simulator.rung() == {KENYA: 1}

    @pytest.mark.parametrize(
        ("number", "says"),
        [("881612345678", "no time zone is known of the number 88161"), (TOLL_FREE, "never open in all of them")],
    )
    def test_a_number_that_never_opens_rings_nobody(
        self, simulator: RunningSimulator, ledger: Database, number: str, says: str
    ) -> None:
        with pytest.raises(InvalidArgument, match=says) as refused:
            # In eleven hours a day there would be a moment from Guam to Newfoundland.
            send(Task(), NOON, [ADA, number], **{**EACH_BY_ITS_OWN, "calling_hours": "09:00-18:00"})
        assert number not in str(refused.value)
        assert simulator.requests() == []
        assert rows(ledger, schema.send) == []

    def test_the_outcome_is_that_of_all(self, simulator: RunningSimulator, ledger: Database) -> None:
        task, both = Task(), [ADA, KENYA]
        given = {**EACH_BY_ITS_OWN, "wait_for_outcome": True, "deferrable": True}
        left = deferred(task, ONLY_NAIROBI, both, **given)
        with pytest.raises(TaskDeferred) as waiting:
            gone_on(left, made(OPENING, both, **given), task)
        arrive(ledger, a_call(ADA), a_call(KENYA))
        outcome = resumed(made(OPENING, both, **given), waiting.value, task)
        assert (outcome["answered"], outcome["settled"]) == (2, True)
        assert outcome["ref_ids"] == task.pushed["ref_id"]
        assert simulator.rung() == {ADA: 1, KENYA: 1}


def closed_now() -> str:
    """Hours of UTC that are not now, by the real clock."""
    now = datetime.now(UTC)
    return f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}"


class TestTriesThatComeToIt:
    def test_a_retry_after_a_failure_in_the_evening_waits_for_the_morning(self, simulator: RunningSimulator) -> None:
        simulator.script({"faults": [{"kind": "delay", "seconds": 0}, {"kind": "status", "status": 403}]})
        task = Task()
        with pytest.raises(SendFailed):
            send(task, NOON, MANY)
        left = deferred(task.retried(), EVENING, MANY)
        assert opens_at(left) == NEXT_OPENING
        assert len(gone_on(left, made(NEXT_OPENING, MANY), task.retried())) == 3
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_a_clear_of_a_task_that_waits_for_the_morning_goes_on_with_it(self, simulator: RunningSimulator) -> None:
        task = Task()
        deferred(task, rings_until(simulator, 1, EVENING), MANY)
        assert len(send(task.cleared(), NEXT_OPENING, MANY)) == 3
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_the_outcome_of_what_was_sent_before_needs_no_hours(self, simulator: RunningSimulator) -> None:
        task = Task()
        ref_id = send(task, NOON)
        assert send(task.retried(), EVENING) == ref_id

    def test_a_worker_that_is_killed_between_two_parts_leaves_the_rest_to_the_morning(
        self, simulator: RunningSimulator, ledger: Database
    ) -> None:
        task, open_now = Task(), {"calling_hours": "00:00-24:00", "timezone": "UTC"}
        with worker(Order(task, MANY, stop_at="accepted", arguments=open_now)) as victim:
            victim.wait_until_it_stops()
            victim.kill()
        assert len(simulator.requests()) == 1
        closed = {"calling_hours": closed_now(), "timezone": "UTC"}
        with worker(Order(task.retried(), MANY, arguments=closed)) as retrying:
            assert retrying.end().raised == "TaskDeferred"
        assert len(simulator.requests()) == 1
        with worker(Order(task.retried().retried(), MANY, arguments=open_now)) as retrying:
            assert len(retrying.end().returned) == 3
        assert simulator.rung() == dict.fromkeys(MANY, 1)

    def test_a_worker_that_is_killed_in_a_request_is_in_doubt_in_the_morning(
        self, simulator: RunningSimulator, ledger: Database
    ) -> None:
        task, open_now = Task(), {"calling_hours": "00:00-24:00", "timezone": "UTC"}
        with worker(Order(task, [ADA], stop_at="sending", arguments=open_now)) as victim:
            victim.wait_until_it_stops()
            victim.kill()
        [message] = rows(ledger, schema.message)
        lapse(ledger, message["id"])
        again = {"on_uncertain": "resend", "timezone": "UTC"}
        with worker(Order(task.retried(), [ADA], arguments={"calling_hours": closed_now(), **again})) as retrying:
            assert retrying.end().raised == "TaskDeferred"
        assert simulator.rung() == {}
        with worker(Order(task.retried().retried(), [ADA], arguments={**open_now, **again})) as retrying:
            assert retrying.end().returned == simulator.requests()[0]["ref_id"]
        assert simulator.rung() == {ADA: 1}
