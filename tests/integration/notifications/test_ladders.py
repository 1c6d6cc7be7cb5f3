"""Alerts with further contacts: the first is rung by the alert itself, the others by the DAG that finds the ladder."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument, NobodyAnswered
from airflow_provider_ninebits.ledger import escalations, schema
from airflow_provider_ninebits.notifications.escalation import EscalateAlertOperator, escalation_dag, taken_by_run
from airflow_provider_ninebits.triggers import escalation as trigger_module
from airflow_provider_ninebits.triggers.escalation import EscalationTrigger
from tests.integration.hooks.conftest import receiver
from tests.integration.hooks.playing import Task
from tests.integration.ledger.scenes import rows
from tests.integration.notifications.notifying import ADA, MEDIA, context, notifier

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

__all__ = ["receiver"]

BEN, CAI = "2348030000002", "2348050000003"
ANSWERED = {"attempts": [{"answered": True}], "with_ref_id": True}
UNANSWERED = {"attempts": [{"answered": False}], "with_ref_id": True}


@pytest.fixture
def ledger_url(ledger: Database) -> str:
    return ledger.url.render_as_string(hide_password=False)


def order(simulator: RunningSimulator) -> list[list[str]]:
    return [request["to"] for request in simulator.requests()]


def the_ladder(ledger: Database) -> Any:
    [row] = rows(ledger, schema.escalation)
    found = escalations.read(ledger, row["id"])
    assert found is not None
    return found


def ring_on(escalation_id: str, task: Task | None = None, **arguments: Any) -> Any:
    given = {"ring_for": timedelta(minutes=1), "rounds": 1, "deferrable": False, **arguments}
    operator = EscalateAlertOperator(task_id="ring", escalation_id=escalation_id, **given)
    return operator.execute((task or Task("ring", "ninebits_escalation")).context)


def test_the_first_contact_is_rung_by_the_alert_and_the_others_are_written_down(
    simulator: RunningSimulator, ledger: Database, caplog: pytest.LogCaptureFixture
) -> None:
    escalations.note_watch(ledger, "default")
    notifier(ADA, escalate=[BEN, [CAI, ADA]], media_url=f"{MEDIA}?signature=1")(context())
    assert order(simulator) == [[ADA]]
    found = the_ladder(ledger)
    assert found.contacts == [[ADA], [BEN], [CAI, ADA]]
    assert (found.dag_id, found.run_id, found.task_id) == ("etl", "manual__1", "load")
    assert found.media_url == f"{MEDIA}?signature=1"
    assert "the escalation DAG rings the 2 further contacts" in caplog.text


def test_without_the_dag_the_log_says_that_nobody_rings_on(
    simulator: RunningSimulator, ledger: Database, caplog: pytest.LogCaptureFixture
) -> None:
    notifier(None, escalate=[ADA, BEN])(context())
    assert order(simulator) == [[ADA]]
    [warning] = [each for each in caplog.records if "Nobody rings the 1 further" in each.getMessage()]
    assert warning.levelno == logging.WARNING
    assert "escalation_dag()" in warning.getMessage()


def test_the_ladder_goes_on_after_the_first_contact(
    receiver: str, simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script({"numbers": {ADA: UNANSWERED, BEN: ANSWERED}})
    notifier(ADA, escalate=[BEN, CAI])(context())
    task = Task("ring", "ninebits_escalation")
    found = ring_on(the_ladder(ledger).id, task)
    assert (found["answered_by"], found["calls"]) == (BEN, 2)
    assert order(simulator) == [[ADA], [BEN]]
    assert len(task.pushed["ref_id"]) == 2


def test_where_the_first_contact_answers_nobody_else_is_rung(
    receiver: str, simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script({"numbers": {ADA: ANSWERED}})
    notifier(ADA, escalate=[BEN])(context())
    assert ring_on(the_ladder(ledger).id)["answered_by"] == ADA
    assert order(simulator) == [[ADA]]


def test_a_first_contact_that_could_not_be_rung_is_rung_by_the_ladder(
    receiver: str, simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 401}], "numbers": {ADA: ANSWERED}})
    notifier(ADA, escalate=[BEN])(context())
    assert simulator.rung() == {}
    assert ring_on(the_ladder(ledger).id)["answered_by"] == ADA
    assert simulator.rung() == {ADA: 1}


def test_nobody_answers(receiver: str, simulator: RunningSimulator, ledger: Database) -> None:
    simulator.script({"numbers": dict.fromkeys((ADA, BEN), UNANSWERED)})
    notifier(ADA, escalate=[BEN])(context())
    with pytest.raises(NobodyAnswered):
        ring_on(the_ladder(ledger).id, rounds=2)
    assert order(simulator) == [[ADA], [BEN], [ADA], [BEN]]


def test_a_storm_begins_one_ladder(simulator: RunningSimulator, ledger: Database) -> None:
    for task_id in ("load", "clean", "publish"):
        notifier(ADA, escalate=[BEN])(context(task_id))
    assert len(rows(ledger, schema.escalation)) == 1
    assert order(simulator) == [[ADA]]


@pytest.mark.parametrize(
    ("to", "escalate", "rung"),
    [
        pytest.param(ADA, ["nobody"], [ADA], id="the others cannot be read"),
        pytest.param(None, ["nobody", BEN], [BEN], id="the first of several cannot be read"),
        pytest.param("{{ missing_thing }}", [BEN], [BEN], id="the first was rendered as nothing"),
        pytest.param(None, [[ADA, BEN]], [ADA, BEN], id="a list is the first"),
    ],
)
def test_an_alert_is_not_lost_for_a_contact_that_cannot_be_rung(
    simulator: RunningSimulator, ledger: Database, to: Any, escalate: Any, rung: list[str]
) -> None:
    notifier(to, escalate=escalate)(context())
    assert order(simulator) == [rung]


def test_the_others_are_rung_without_one_that_cannot_be(simulator: RunningSimulator, ledger: Database) -> None:
    notifier(ADA, escalate=["{{ missing_thing }}", BEN, [CAI, "nobody"], CAI])(context())
    assert the_ladder(ledger).contacts == [[ADA], [BEN], [CAI]]


def test_a_ladder_that_is_cleared_begins_with_the_first_contact_again(
    receiver: str, simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script({"numbers": dict.fromkeys((ADA, BEN), UNANSWERED)})
    notifier(ADA, escalate=[BEN])(context())
    task = Task("ring", "ninebits_escalation")
    with pytest.raises(NobodyAnswered):
        ring_on(the_ladder(ledger).id, task)
    with pytest.raises(NobodyAnswered):
        ring_on(the_ladder(ledger).id, task.cleared())
    assert order(simulator) == [[ADA], [BEN], [ADA], [BEN]]


def test_two_ladders_of_one_run_ring_the_same_person_each(
    receiver: str, simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script({"numbers": {ADA: UNANSWERED, BEN: ANSWERED}})
    for run_id in ("manual__1", "manual__2"):
        notifier(ADA, escalate=[BEN])(context(run_id=run_id))
    for place, row in enumerate(rows(ledger, schema.escalation)):
        ring_on(row["id"], Task("ring", "ninebits_escalation", map_index=place))
    assert order(simulator) == [[ADA], [ADA], [BEN], [BEN]]


def test_nobody_to_ring_is_told(
    simulator: RunningSimulator, ledger: Database, caplog: pytest.LogCaptureFixture
) -> None:
    notifier(None)(context())
    assert simulator.requests() == []
    assert "to is None, and so is escalate" in caplog.text


def test_a_ladder_that_is_gone_is_told(ledger: Database, connection: None) -> None:
    with pytest.raises(InvalidArgument, match="no escalation"):
        ring_on("1" * 32)


class TestTheTrigger:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trigger_module, "LOOK_SECONDS", 0.05)

    async def events(self, how_many: int, within_seconds: float) -> list[Any]:
        found: list[Any] = []
        run = EscalationTrigger().run()
        try:
            async with asyncio.timeout(within_seconds):
                async for event in run:
                    found.append(event.payload)
                    if len(found) == how_many:
                        break
        except TimeoutError:
            pass
        await run.aclose()  # type: ignore[attr-defined]
        return found

    async def test_it_fires_for_each_that_nobody_has_taken(self, simulator: RunningSimulator, ledger: Database) -> None:
        await asyncio.to_thread(notifier(ADA, escalate=[BEN]), context())
        ladder = await asyncio.to_thread(the_ladder, ledger)
        assert await self.events(2, 1.5) == [{"escalation_id": ladder.id}]
        assert escalations.is_followed(ledger, "default")
        # Another triggerer, which does not know that it was offered.
        assert await self.events(1, 60) == [{"escalation_id": ladder.id}]
        escalations.take(ledger, [ladder.id], "a run")
        assert await self.events(1, 1) == []

    async def test_it_is_offered_again_where_its_run_did_not_take_it(
        self, simulator: RunningSimulator, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trigger_module, "_OFFER_AGAIN_SECONDS", 0.3)
        await asyncio.to_thread(notifier(ADA, escalate=[BEN]), context())
        assert len(await self.events(2, 60)) == 2

    async def test_it_lives_through_an_outage(
        self, ledger: Database, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from airflow_provider_ninebits.ledger.errors import LedgerUnreachable

        real, failures = escalations.waiting, iter([True, True])

        def waiting(*given: Any, **named: Any) -> list[str]:
            if next(failures, False):
                raise LedgerUnreachable("gone", "sqlite:///x")
            return real(*given, **named)

        monkeypatch.setattr(escalations, "waiting", waiting)
        await asyncio.to_thread(notifier(ADA, escalate=[BEN]), context())
        assert len(await self.events(1, 60)) == 1

    def test_it_is_made_again_from_what_it_says(self) -> None:
        path, kwargs = EscalationTrigger(forget_after_seconds=60).serialize()
        assert path.rpartition(".")[2] == "EscalationTrigger"
        assert EscalationTrigger(**kwargs).forget_after_seconds == 60


def test_the_dag_is_one(ledger: Database) -> None:
    dag = escalation_dag("wake", rounds=3, max_active_runs=5)
    assert (dag.dag_id, dag.max_active_runs) == ("wake", 5)
    assert set(dag.task_ids) == {"take", "ring"}
    assert taken_by_run({"triggering_asset_events": {}, "ti": Task()}) == []
