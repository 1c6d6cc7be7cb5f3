"""
An Airflow of each version, running: what it shows of the provider, and DAGs run to their outcomes.

What differs between the versions is what is run: how a trigger's events reach an asset, who calls a notifier and how,
where a deferred task comes back, and what tells one attempt of a task from another.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.conftest import API_KEY, WEBHOOK_PASSWORD
from tests.airflow.openings import opening
from tests.integration.otlp import series

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.otlp import Series
    from tests.matrix.conftest import MatrixStage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(400)]

# In a traceback, or as the place of a warning.
OURS = re.compile(r'(│ |File \\?"|filename[":= ]+)[^" ]*site-packages/airflow_provider_ninebits')
OF_AIRFLOW = re.compile(
    r'category"?[=:]"?'
    r"(RemovedInAirflow\w+|AirflowProviderDeprecationWarning|DeprecatedImportWarning|DeprecationWarning)\b"
)
EXTRAS = {"timeout", "max_parallel_requests", "calling_hours", "calling_days", "timezone"}


@pytest.fixture(scope="session", autouse=True)
def begun(stage: MatrixStage) -> None:
    """Begin all runs, once those who wait for events do so."""
    for dag_id in ("told_of_missed_calls", "ninebits_escalation"):
        stage.airflow.unpause(dag_id)
    stage.until(lambda: stage.ledger("select id from ninebits_subscription"), "nobody waits for events")
    stage.until(lambda: stage.ledger("select deployment from ninebits_escalation_watch"), "nobody waits for ladders")

    (on_call,), (deputy,) = stage.silent(), stage.answering()
    stage.begin(
        "escalation",
        "ninebits_escalate_a_failure",
        [on_call, deputy],
        **{"on_call": on_call, "deputy": deputy, "team": stage.answering()},
    )
    stage.begin("event", "ring", stage.silent())
    stage.begin("outcome", "ninebits_send_and_wait", [*stage.answering(), *stage.silent(), *stage.holding()])
    stage.begin("deadline", "alert_of_a_deadline", stage.answering())
    stage.begin("dag_alert", "alert_of_a_dag", stage.answering())
    stage.begin("task_alert", "alerts_of_tasks", stage.answering())
    stage.begin("dies_once", "ring_and_die_once", stage.answering())
    stage.begin("installed", "matrix_installed", [])
    numbers, hours = stage.answering(), opening("Africa/Lagos", datetime.now(UTC) + timedelta(seconds=40))
    stage.begin("hours", "ring_in_hours", numbers, **{"to": numbers, "hours": hours, "timezone": "Africa/Lagos"})
    reached, missed = stage.answering(), stage.silent()
    stage.begin("branch", "ninebits_branch_on_answer", [*reached, *missed])


def asked(stage: MatrixStage, path: str) -> Any:
    answer = stage.airflow.api.get(path, params={"limit": 1000})
    answer.raise_for_status()
    return answer.json()


def rings(stage: MatrixStage, name: str) -> list[tuple[Any, ...]]:
    """How often an alert of a run rang, and was held back."""
    return stage.ledger(
        "select rings, held_back_in_all from ninebits_alert where run_id = :run_id", run_id=stage.begun[name].run_id
    )


def test_the_receiver_is_mounted_and_well(stage: MatrixStage) -> None:
    answer = stage.airflow.api.get("/ninebits/health")
    # The UI's page would be a 200 as well.
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, "application/json", {})
    assert stage.airflow.api.post("/ninebits/callback", json={}).status_code == 401


def test_provider_plugin_and_dag_files_are_loaded_without_an_error(stage: MatrixStage) -> None:
    providers = {each["package_name"]: each["version"] for each in asked(stage, "/api/v2/providers")["providers"]}
    assert providers["airflow-provider-ninebits"] == "0.1.0"
    (plugin,) = [each for each in asked(stage, "/api/v2/plugins")["plugins"] if each["name"] == "ninebits"]
    assert [app["url_prefix"] for app in plugin["fastapi_apps"]] == ["/ninebits/calls", "/ninebits"]
    page = stage.airflow.api.get("/ninebits/calls/")
    assert (page.status_code, "<title>" in page.text, "Voice calls" in page.text) == (200, True, True), page.text
    assert asked(stage, "/api/v2/plugins/importErrors")["import_errors"] == []
    assert asked(stage, "/api/v2/importErrors")["import_errors"] == []


def test_the_connection_form_asks_for_key_base_url_and_our_extras_with_help(stage: MatrixStage) -> None:
    (form,) = [each for each in asked(stage, "/ui/connections/hook_meta") if each["connection_type"] == "ninebits"]
    assert form["hook_name"] == "9bits"
    fields = form["standard_fields"]
    assert fields["password"]["title"] == "API key"
    assert fields["password"]["placeholder"] == "from the 9bits dashboard: settings > security"
    assert (fields["host"]["title"], fields["host"]["placeholder"]) == ("Base URL", "https://api.9bits.net")
    shown = {name for name, behaviour in fields.items() if behaviour is None or not behaviour.get("hidden")}
    assert shown - {"description"} == {"password", "host"}
    assert set(form["extra_fields"]) == EXTRAS
    for name, extra in form["extra_fields"].items():
        assert extra["description"], name
        kinds = extra["schema"]["type"]
        wanted = "integer" if name in ("timeout", "max_parallel_requests") else "string"
        assert wanted in (kinds if isinstance(kinds, list) else [kinds]), extra
        # Or an empty one could not be saved.
        assert "null" in kinds, extra


def test_a_stored_connection_shows_its_key_to_nobody(stage: MatrixStage) -> None:
    given = {
        "connection_id": "stored",
        "conn_type": "ninebits",
        "password": "key-to-be-masked",
        "extra": '{"timeout": 5}',
    }
    stage.airflow.api.post("/api/v2/connections", json=given).raise_for_status()
    answer = stage.airflow.api.get("/api/v2/connections/stored")
    assert answer.json()["conn_type"] == "ninebits"
    assert "key-to-be-masked" not in answer.text


def test_a_task_runs_what_was_installed_with_sqlalchemy_2(stage: MatrixStage) -> None:
    run, state = stage.ended("installed")
    assert state == "success"
    seen = stage.airflow.xcom(run.dag_id, run.run_id, "look")
    assert (seen["airflow"], seen["sqlalchemy"][:2]) == (stage.installed.version, "2.")
    assert seen["package"].startswith(str(stage.installed.python.parents[1]))


def test_a_dag_sends_defers_and_goes_on_with_the_outcome(stage: MatrixStage) -> None:
    waiting = stage.begun["outcome"]
    stage.airflow.wait_for_task(waiting.dag_id, waiting.run_id, "wait", {"deferred"})
    stage.deliver(waiting.numbers[-1])
    run, state = stage.ended("outcome")
    assert state == "success", stage.airflow.task_states(run.dag_id, run.run_id)
    assert stage.airflow.xcom(run.dag_id, run.run_id, "report") == "2 of 3 answered"
    outcome = stage.airflow.xcom(run.dag_id, run.run_id, "wait")
    assert (outcome["settled"], outcome["recipients"], outcome["answered"], outcome["unanswered"]) == (True, 3, 2, 1)
    assert stage.rung(run.numbers) == [1, 1, 1]


def test_an_operator_that_waits_is_branched_upon(stage: MatrixStage) -> None:
    run, state = stage.ended("branch")
    assert state == "success", stage.airflow.task_states(run.dag_id, run.run_id)
    assert stage.rung(run.numbers) == [1, 2]


def test_a_task_that_dies_after_sending_rings_nobody_again_until_it_is_cleared(stage: MatrixStage) -> None:
    run, state = stage.ended("dies_once")
    assert (state, stage.rung(run.numbers)) == ("success", [1])
    stage.clear(run.dag_id, run.run_id, ["ring"])
    stage.wait_for_try(run.dag_id, run.run_id, "ring", 3, "success")
    assert stage.rung(run.numbers) == [2]


def test_of_four_tasks_that_fail_one_rings(stage: MatrixStage) -> None:
    run, state = stage.ended("task_alert")
    assert state == "failed"
    stage.until(lambda: rings(stage, "task_alert") == [(1, 3)], "not one rang, and three were held back")
    assert stage.rung(run.numbers) == [1]


def test_the_callback_of_a_dag_rings_from_the_dag_processor(stage: MatrixStage) -> None:
    run, state = stage.ended("dag_alert")
    assert state == "failed"
    stage.until(lambda: rings(stage, "dag_alert") == [(1, 0)], "it did not ring")
    assert stage.rung(run.numbers) == [1]


def test_a_missed_deadline_rings_from_the_triggerer(stage: MatrixStage) -> None:
    stage.until(lambda: rings(stage, "deadline") == [(1, 0)], "it did not ring")
    run, state = stage.ended("deadline")
    assert (state, stage.rung(run.numbers)) == ("success", [1])


def test_a_send_outside_of_its_hours_defers_and_rings_when_they_open(stage: MatrixStage) -> None:
    run, state = stage.ended("hours")
    assert (state, stage.rung(run.numbers)) == ("success", [1])
    assert stage.task_instance(run.dag_id, run.run_id, "ring")["try_number"] == 1


def test_an_unanswered_call_starts_a_dag_and_its_event_leaves_the_ledger(stage: MatrixStage) -> None:
    run, _ = stage.ended("event")
    dag_id = "told_of_missed_calls"

    def told() -> list[dict[str, Any]]:
        ended = [each for each in stage.airflow.run_ids(dag_id) if stage.airflow.run_state(dag_id, each) == "success"]
        events = [event for each in ended for event in stage.airflow.xcom(dag_id, each, "told")]
        return [event for event in events if event["call"]["to_number"] == run.numbers[0]]

    events = stage.until(told, "nobody was told")
    assert (events[0]["dag_id"], events[0]["run_id"]) == (run.dag_id, run.run_id)
    stage.until(
        lambda: stage.ledger("select count(*) from ninebits_event") == [(0,)], "what was told stays in the ledger"
    )
    # The last of a burst is told once more, and others ring silent phones in this moment too.
    assert len({event["event_id"] for event in told()}) == 1


def test_an_alert_whose_first_contact_is_silent_rings_on_in_its_own_dag(stage: MatrixStage) -> None:
    run, state = stage.ended("escalation")
    assert state == "failed"
    follower = "ninebits_escalation"
    [escalated] = stage.until(lambda: stage.airflow.run_ids(follower), "nobody rings on")
    assert stage.airflow.wait_for_run(follower, escalated) == "success"
    assert stage.rung(run.numbers) == [1, 1]
    found = stage.airflow.xcom(follower, escalated, "ring", map_index=0)
    assert (found["answered_by"], found["calls"]) == (run.numbers[1], 2)


def test_the_commands_read_the_ledger(stage: MatrixStage, tmp_path: Path) -> None:
    stage.ended("task_alert")
    command = ["-m", "airflow_provider_ninebits.cli.main", "alerts", "list", "--output", "json"]
    listed = stage.installed.run(*command, home=tmp_path, AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN=stage.ledger_url)
    assert stage.begun["task_alert"].run_id in listed


def test_tasks_lead_to_their_calls_on_the_page(stage: MatrixStage) -> None:
    run, _ = stage.ended("outcome")
    ref_ids = stage.airflow.xcom(run.dag_id, run.run_id, "wait")["ref_ids"]
    assert stage.link(run.dag_id, run.run_id, "wait") == {"ref_id": ref_ids}


@pytest.mark.parametrize(
    "told",
    [
        series("requests", state="accepted", conn_id="ninebits_default", dag_id="ninebits_send_and_wait"),
        series("callbacks", outcome="answered", match="matched"),
    ],
    ids=["task", "API server"],
)
def test_metrics_arrive(stage: MatrixStage, told: Series) -> None:
    stage.ended("outcome")
    assert stage.collector is not None
    totals = stage.collector.totals
    stage.until(lambda: totals().get(told, 0) > 0, f"{told} did not arrive")


def test_a_triggerer_tells_how_many_wait(stage: MatrixStage) -> None:
    assert stage.collector is not None
    totals = stage.collector.totals
    stage.until(lambda: {each.name for each in totals()} & {series("waits").name}, "no triggerer told of waits")


def test_the_doctor_finds_the_running_airflow(stage: MatrixStage, tmp_path: Path) -> None:
    for name in ("outcome", "event"):
        stage.ended(name)
    names = ("NINEBITS", "_CONN_", "DATABASE", "CORE__EXECUTOR")
    environment = {
        name: value
        for name, value in stage.airflow.environment.items()
        if name.startswith("AIRFLOW") and any(each in name for each in names)
    }
    environment["AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN"] = stage.ledger_url
    url = f"{stage.airflow.url}/ninebits/callback"
    command = ["-m", "airflow_provider_ninebits.cli.main", "check", "--callback-url", url, "--output", "json"]
    # Another test has shown a receiver no password.
    printed = stage.installed.run(*command, home=tmp_path, status=1, **environment)
    codes = {finding["code"]: finding["level"] for finding in json.loads(printed)["findings"]}
    assert {code for code, level in codes.items() if level == "problem"} == {"callbacks_unauthorized"}
    assert "airflow_database_unseen" not in codes


def test_no_log_complains_of_this_package_or_tells_a_secret(stage: MatrixStage, dags_folder: Path) -> None:
    for name in stage.begun:
        stage.ended(name)
    files = [stage.airflow.home / "standalone.log", *(stage.airflow.home / "logs").rglob("*.log")]
    lines = [line for file in files for line in file.read_text(errors="replace").splitlines()]
    assert [line for line in lines if OURS.search(line)] == []
    assert [line for line in lines if API_KEY in line or WEBHOOK_PASSWORD in line] == []
    # In a DAG file any warning counts, elsewhere those of Airflow's kinds, wherever it says that their place is.
    warned = [line for line in lines if "category" in line and (str(dags_folder) in line or OF_AIRFLOW.search(line))]
    assert any("planted where a DAG file is read" in line for line in warned)
    assert any("planted in a task" in line for line in warned)
    if stage.installed.is_newest:
        assert [line for line in warned if "planted" not in line] == []
