"""The example DAGs, run by a real Airflow against simulated phones."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.openings import opening
from tests.airflow.test_alerts import wait_for_alert

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


def test_send_and_wait_gives_the_next_task_the_outcome(stage: Stage) -> None:
    answers, misses = stage.answering(2), stage.silent(1)
    run_id, state = stage.run("ninebits_send_and_wait", to=[*answers, *misses])
    assert state == "success", stage.airflow.task_states("ninebits_send_and_wait", run_id)
    assert stage.rung([*answers, *misses]) == [1, 1, 1]
    assert stage.airflow.xcom("ninebits_send_and_wait", run_id, "report") == "2 of 3 answered"

    ref_id = stage.airflow.xcom("ninebits_send_and_wait", run_id, "ring")
    assert ref_id == stage.airflow.xcom("ninebits_send_and_wait", run_id, "ring", key="ref_id")
    assert_outcome(stage.airflow.xcom("ninebits_send_and_wait", run_id, "wait"), ref_id, answers, misses)


def assert_outcome(outcome: dict[str, Any], ref_id: str, answers: list[str], misses: list[str]) -> None:
    calls = outcome.pop("calls")
    amounts = outcome.pop("total_amount")
    assert outcome == {
        "ref_ids": [ref_id],
        "settled": True,
        "recipients": 3,
        "answered": 2,
        "unanswered": 1,
        "failed": 0,
        "pending": 0,
        "calls_truncated": False,
    }
    assert float(amounts) == sum(float(call["total_amount"]) for call in calls)
    # Those not answered come first: they are what a list of 100 must not lose.
    assert calls[0]["to_number"] == misses[0]
    assert {call["to_number"]: call["state"] for call in calls} == {
        **dict.fromkeys(answers, "answered"),
        **dict.fromkeys(misses, "unanswered"),
    }
    assert {call["call_duration"] for call in calls if call["state"] == "answered"} == {7}
    assert {call["attempts"] for call in calls} == {1}
    assert all((call["answered_at"] is None) == (call["state"] == "unanswered") for call in calls)
    assert set(calls[0]) == {
        "to_number",
        "state",
        "attempts",
        "started_at",
        "answered_at",
        "ended_at",
        "total_duration",
        "call_duration",
        "total_amount",
    }


def test_recurring_reminder_rings_each_region_in_a_task_of_its_own(stage: Stage) -> None:
    dag_id = "ninebits_recurring_reminder"
    (lagos,), (abuja,) = stage.answering(1), stage.silent(1)
    stage.airflow.api.post(
        "/api/v2/variables",
        json={"key": "ninebits_reminder_people", "value": f'{{"lagos": ["{lagos}"], "abuja": ["{abuja}"]}}'},
    ).raise_for_status()
    run_id, state = stage.run(dag_id)
    # A DAG with a schedule may be started by the scheduler too, and then rings in that run.
    stage.airflow.api.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": True}).raise_for_status()
    assert state == "success", stage.airflow.task_states(dag_id, run_id)
    for map_index, number in enumerate((abuja, lagos)):
        ref_id = stage.airflow.xcom(dag_id, run_id, "ring", map_index=map_index)
        assert [call["number"] for call in stage.simulator.calls(ref_id=ref_id)] == [number]
        outcome = stage.airflow.xcom(dag_id, run_id, "wait", map_index=map_index)
        assert [call["to_number"] for call in outcome["calls"]] == [number]
        assert outcome["answered"] == (number == lagos)
        sent = stage.link(dag_id, run_id, "ring", map_index)
        assert sent == {
            "dag_id": [dag_id],
            "run_id": [run_id],
            "task_id": ["ring"],
            # An index of 0 is one, too.
            "map_index": [str(map_index)],
        }
        assert stage.link(dag_id, run_id, "wait", map_index) == {"ref_id": [ref_id]}


def test_purge_the_ledger_takes_what_is_old_and_leaves_the_rest(stage: Stage) -> None:
    old, new = stage.answering(2)
    for number in (old, new):
        assert stage.run("ninebits_send_and_wait", to=[number])[1] == "success"
    stage.let_pass(old, days=100)
    assert stage.run("ninebits_purge_the_ledger")[1] == "success"
    # A DAG with a schedule may be started by the scheduler too.
    stage.airflow.api.patch("/api/v2/dags/ninebits_purge_the_ledger", json={"is_paused": True}).raise_for_status()
    assert (stage.message_states(old), stage.message_states(new)) == ([], ["accepted"])


def test_branch_on_answer_rings_again_whoever_did_not_answer(stage: Stage) -> None:
    reached, missed = stage.answering(1), stage.silent(1)
    run_id, state = stage.run("ninebits_branch_on_answer", to=[*reached, *missed])
    assert state == "success"
    states = stage.airflow.task_states("ninebits_branch_on_answer", run_id)
    assert (states["second_call"], states["everybody_answered"]) == ("success", "skipped")
    assert stage.rung([*reached, *missed]) == [1, 2]


def test_branch_on_answer_rings_nobody_again_when_everybody_answered(stage: Stage) -> None:
    reached = stage.answering(2)
    run_id, state = stage.run("ninebits_branch_on_answer", to=reached)
    assert state == "success"
    states = stage.airflow.task_states("ninebits_branch_on_answer", run_id)
    assert (states["second_call"], states["everybody_answered"]) == ("skipped", "success")
    assert stage.rung(reached) == [1, 1]


def test_the_tutorial_rings_once_more_who_did_not_answer_and_the_desk_when_that_fails(stage: Stage) -> None:
    dag_id = "ninebits_tutorial"
    reached, missed, desk = stage.answering(1), stage.silent(1), stage.answering(1)
    run_id, state = stage.run(dag_id, patients=[*reached, *missed], desk=desk[0])
    assert state == "failed"
    states = stage.airflow.task_states(dag_id, run_id)
    assert states == {
        **dict.fromkeys(("ring", "wait", "not_reached", "choose", "second_call"), "success"),
        "everybody_answered": "skipped",
        "everybody_reached": "failed",
    }
    assert wait_for_alert(stage, dag_id, run_id) == "everybody_reached"
    assert stage.rung([*reached, *missed, *desk]) == [1, 2, 1]


@pytest.mark.timeout(400)
def test_reminders_in_calling_hours_ring_each_country_in_its_own_and_the_rest_once_more(stage: Stage) -> None:
    dag_id, now = "ninebits_reminders_in_calling_hours", datetime.now(UTC).replace(microsecond=0)
    in_lagos, in_nairobi = stage.silent(1), stage.answering(1, prefix="2547")
    # Lagos is open, and Nairobi will be in a moment: their clocks are two hours apart.
    begins = now + timedelta(seconds=30)
    hours = [opening("Africa/Lagos", now - timedelta(minutes=1)), opening("Africa/Nairobi", begins)]
    conf = {"calling_hours": ",".join(hours), "calling_days": "mon-sun", "second_call_after_hours": 0}
    run_id = stage.airflow.trigger(dag_id, {"to": [*in_lagos, *in_nairobi], **conf})
    stage.airflow.wait_for_task(dag_id, run_id, "first_call", {"deferred"})
    # A busy machine may have come to it late.
    assert stage.rung([*in_lagos, *in_nairobi]) == [1, 0] or datetime.now(UTC) >= begins
    assert stage.airflow.wait_for_run(dag_id, run_id, timeout_seconds=300) == "success", stage.airflow.task_states(
        dag_id, run_id
    )
    assert stage.rung([*in_lagos, *in_nairobi]) == [2, 1]
    assert stage.airflow.xcom(dag_id, run_id, "report") == {"reached": 1, "not_reached": in_lagos}


def test_reminders_in_calling_hours_end_after_the_first_call_when_everybody_answered(stage: Stage) -> None:
    dag_id, numbers = "ninebits_reminders_in_calling_hours", stage.answering(2)
    run_id, state = stage.run(dag_id, to=numbers, calling_hours="00:00-24:00", calling_days="mon-sun")
    assert state == "success", stage.airflow.task_states(dag_id, run_id)
    assert stage.airflow.task_states(dag_id, run_id)["second_call"] == "skipped"
    assert stage.rung(numbers) == [1, 1]
    assert stage.airflow.xcom(dag_id, run_id, "report") == {"reached": 2, "not_reached": []}


def test_campaign_from_a_file_counts_and_then_rings_all_but_those_who_opted_out(stage: Stage, tmp_path: Path) -> None:
    dag_id = "ninebits_campaign_from_a_file"
    meant, opted_out = stage.answering(3), stage.answering(1)
    people, excluded = tmp_path / "people.csv", tmp_path / "opted-out.txt"
    people.write_text("name,phone\n" + "".join(f'"Doe, J.",+{number}\n' for number in [*meant, *opted_out, *meant]))
    excluded.write_text("\n".join([*opted_out, "2348099999999"]))
    run_id, state = stage.run(dag_id, people=f"file://{people}", opted_out=str(excluded))
    assert state == "success", stage.airflow.task_states(dag_id, run_id)
    assert stage.rung([*meant, *opted_out]) == [1, 1, 1, 0]
    assert stage.airflow.xcom(dag_id, run_id, "count") == {
        "dry_run": True,
        "recipients": 3,
        "parts": 1,
        "excluded": 1,
    }
    assert stage.airflow.xcom(dag_id, run_id, "ring", key="excluded") == 1
    assert stage.airflow.xcom(dag_id, run_id, "report") == "3 rung in 1 requests, 1 left out"


def test_wake_the_person_on_call_rings_once_for_two_tasks_that_fail(stage: Stage) -> None:
    numbers = stage.answering(1)
    run_id, state = stage.run("ninebits_wake_the_person_on_call", on_call=numbers[0])
    assert state == "failed"
    wait_for_alert(stage, "ninebits_wake_the_person_on_call", run_id, held_back=1)
    assert stage.rung(numbers) == [1]


def test_escalation_with_rota_rings_one_after_the_other_until_somebody_answers(stage: Stage) -> None:
    dag_id = "ninebits_escalation_with_rota"
    (on_call,), (deputy,), team = stage.silent(1), stage.silent(1), [*stage.answering(1), *stage.silent(1)]
    rota = {day: {"00:00": on_call} for day in ("weekday", "weekend")}
    run_id, state = stage.run(dag_id, rota=rota, deputy=deputy, team=team)
    assert state == "success", stage.airflow.task_states(dag_id, run_id)
    assert stage.rung([on_call, deputy, *team]) == [1, 1, 1, 1]
    found = stage.airflow.xcom(dag_id, run_id, "wake")
    assert (found["answered_by"], found["calls"]) == (team[0], 4)
    assert found["ref_ids"] == stage.airflow.xcom(dag_id, run_id, "wake", key="ref_id")
    assert stage.airflow.xcom(dag_id, run_id, "report") == f"{team[0][:6]}*** answered after 4 calls"


def test_escalate_a_failure_rings_on_where_the_first_does_not_answer(stage: Stage) -> None:
    follower = "ninebits_escalation"
    stage.airflow.unpause(follower)
    wait_until(stage, lambda: stage.ledger_rows("select deployment from ninebits_escalation_watch"))
    (on_call,), (deputy,), team = stage.silent(1), stage.answering(1), stage.answering(2)
    run_id, state = stage.run("ninebits_escalate_a_failure", on_call=on_call, deputy=deputy, team=team)
    assert state == "failed"
    [escalated] = wait_until(stage, lambda: stage.airflow.run_ids(follower))
    assert stage.airflow.wait_for_run(follower, escalated) == "success"
    assert stage.rung([on_call, deputy, *team]) == [1, 1, 0, 0]
    found = stage.airflow.xcom(follower, escalated, "ring", map_index=0)
    assert (found["answered_by"], found["calls"]) == (deputy, 2)
    log = stage.airflow.task_log("ninebits_escalate_a_failure", run_id, "load")
    assert "the escalation DAG rings the 2 further contacts" in log


def wait_until(stage: Stage, found: Callable[[], Any]) -> Any:
    """Wait until something is there, and return it."""
    deadline = time.monotonic() + 120
    while not (what := found()):
        stage.airflow.check_alive()
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return what
