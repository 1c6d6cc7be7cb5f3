"""How a wait ends in a real Airflow: resumed by a callback, timed out, disappointed; alike in each of the modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

MODES = ("poke", "reschedule", "deferrable")
# How each case ends: the task's state, how often it was tried, and the XCom where the outcome is (None: there is none).
ENDS: dict[str, tuple[str, int, str | None]] = {
    "answered": ("success", 1, "return_value"),
    "unanswered": ("failed", 1, "outcome"),
    "unanswered_skipped": ("skipped", 1, "outcome"),
    "somebody_answered": ("success", 1, "return_value"),
    "late": ("success", 1, "return_value"),
    "late_unanswered": ("failed", 1, "outcome"),
    "late_unanswered_skipped": ("skipped", 1, "outcome"),
    "timed_out": ("failed", 1, "outcome"),
    "timed_out_skipped": ("skipped", 1, "outcome"),
    "timed_out_returned": ("success", 1, "return_value"),
    "no_ref_id": ("failed", 1, None),
}


class Waits(NamedTuple):
    run_id: str
    refs: dict[str, str]


@pytest.fixture(scope="module")
def waits(stage: Stage) -> Waits:
    """One run with a task for each mode and case, ended."""
    to = {
        "settled": [*stage.answering(), *stage.silent()],
        "late": stage.silent(lose_callback=True, with_ref_id=True),
        "open": stage.holding(),
    }
    sent = {name: stage.airflow.trigger("ring", {"to": numbers}) for name, numbers in to.items()}
    for run_id in sent.values():
        assert stage.airflow.wait_for_run("ring", run_id) == "success"
    stage.simulator.wait_idle()
    refs = {name: stage.airflow.xcom("ring", run_id, "ring") for name, run_id in sent.items()}

    waiting = stage.airflow.trigger("waits", refs)
    for case in ("late", "late_unanswered", "late_unanswered_skipped"):
        stage.airflow.wait_for_task("waits", waiting, f"deferrable_{case}", {"deferred"})
        stage.airflow.wait_for_task("waits", waiting, f"reschedule_{case}", {"up_for_reschedule"})
    stage.deliver(to["late"][0])
    stage.airflow.wait_for_run("waits", waiting)
    return Waits(waiting, refs)


@pytest.mark.parametrize("case", ENDS)
@pytest.mark.parametrize("mode", MODES)
def test_a_wait_ends_alike_in_each_mode(stage: Stage, waits: Waits, mode: str, case: str) -> None:
    task_id = f"{mode}_{case}"
    state, tries, outcome_key = ENDS[case]
    instance = stage.task_instance("waits", waits.run_id, task_id)
    log = stage.airflow.task_log("waits", waits.run_id, task_id)
    assert (instance["state"], instance["try_number"]) == (state, tries), log
    if outcome_key is not None:
        outcome = stage.airflow.xcom("waits", waits.run_id, task_id, key=outcome_key)
        sent = {"timed": "open", "late": "late"}.get(case.partition("_")[0], "settled")
        assert counts(outcome) == COUNTS[sent]
        assert outcome["ref_ids"] == [waits.refs[sent]]


NONE = {"answered": 0, "unanswered": 0, "failed": 0, "pending": 0}
COUNTS = {
    "settled": {**NONE, "settled": True, "recipients": 2, "answered": 1, "unanswered": 1},
    "late": {**NONE, "settled": True, "recipients": 1, "unanswered": 1},
    "open": {**NONE, "settled": False, "recipients": 1, "pending": 1},
}


def counts(outcome: dict[str, Any]) -> dict[str, Any]:
    return {name: outcome[name] for name in COUNTS["open"]}


def test_a_ref_id_that_the_ledger_never_saw_fails_alike_in_each_mode(stage: Stage) -> None:
    run_id = stage.unknown_waits
    assert stage.airflow.wait_for_run("waits_for_unknown", run_id) == "failed"
    for mode in MODES:
        log = stage.airflow.task_log("waits_for_unknown", run_id, mode)
        instance = stage.task_instance("waits_for_unknown", run_id, mode)
        assert (instance["state"], instance["try_number"]) == ("failed", 1), log
        assert "has never been seen by this ledger" in log
        assert "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN" in log


def test_a_ledger_that_is_gone_fails_alike_in_each_mode_and_is_never_a_skip(stage: Stage) -> None:
    numbers = stage.holding()
    ring_id, _ = stage.run("ring", to=numbers)
    dag_id = "waits_through_outage"
    run_id = stage.airflow.trigger(dag_id, {"ref_id": stage.airflow.xcom("ring", ring_id, "ring")})
    for suffix in ("", "_skipping"):
        stage.airflow.wait_for_task(dag_id, run_id, f"deferrable{suffix}", {"deferred"})
        stage.airflow.wait_for_task(dag_id, run_id, f"reschedule{suffix}", {"up_for_reschedule"})
        stage.airflow.wait_for_task(dag_id, run_id, f"poke{suffix}", {"running"})
    with stage.ledger_gone():
        assert stage.airflow.wait_for_run(dag_id, run_id) == "failed"
    for mode in MODES:
        for task_id in (mode, f"{mode}_skipping"):
            log = stage.airflow.task_log(dag_id, run_id, task_id)
            assert stage.task_instance(dag_id, run_id, task_id)["state"] == "failed", log
            assert "LedgerUnavailable" in log
            assert "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN" in log


@pytest.mark.parametrize("with_ref_id", [True, False], ids=["with ref_id", "without ref_id"])
def test_a_deferred_wait_goes_on_when_the_callback_comes(stage: Stage, with_ref_id: bool) -> None:
    numbers = stage.answering(1, lose_callback=True, with_ref_id=with_ref_id)
    ring_id, _ = stage.run("ring", to=numbers)
    wait_id = stage.airflow.trigger("wait", {"ref_id": stage.airflow.xcom("ring", ring_id, "ring")})
    stage.airflow.wait_for_task("wait", wait_id, "wait", {"deferred"})
    # While it waits, too.
    ref_id = stage.airflow.xcom("ring", ring_id, "ring")
    assert stage.link("wait", wait_id, "wait") == {"ref_id": [ref_id]}
    assert stage.link("ring", ring_id, "ring") == {"dag_id": ["ring"], "run_id": [ring_id], "task_id": ["ring"]}

    stage.deliver(numbers[0])
    (call,) = stage.simulator.calls(number=numbers[0])
    assert ("ref_id" in call["callback"]["body"]) == with_ref_id
    assert stage.airflow.wait_for_run("wait", wait_id) == "success"
    outcome = stage.airflow.xcom("wait", wait_id, "wait")
    assert [(call["to_number"], call["state"]) for call in outcome["calls"]] == [(numbers[0], "answered")]


def test_an_operator_that_waits_goes_on_without_sending_again(stage: Stage) -> None:
    numbers = stage.holding()
    run_id = stage.airflow.trigger("ring_and_wait", {"to": numbers})
    stage.airflow.wait_for_task("ring_and_wait", run_id, "ring", {"deferred"})
    ref_id = stage.airflow.xcom("ring_and_wait", run_id, "ring", key="ref_id")

    stage.deliver(numbers[0])
    assert stage.airflow.wait_for_run("ring_and_wait", run_id) == "success"
    outcome = stage.airflow.xcom("ring_and_wait", run_id, "ring")
    assert (outcome["ref_ids"], outcome["answered"]) == ([ref_id], 1)
    assert stage.rung(numbers) == [1]
