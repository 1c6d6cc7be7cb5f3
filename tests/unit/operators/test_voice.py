from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import DAG

from airflow_provider_ninebits.operators.voice import SendVoiceOperator

MEDIA = "https://media.test/a.mp3"


def test_its_template_fields_are_a_contract() -> None:
    assert SendVoiceOperator.template_fields[:4] == ("to", "media_url", "from_number", "ninebits_conn_id")
    assert {"to_path", "to_column", "exclude"} <= set(SendVoiceOperator.template_fields)
    assert {"calling_hours", "calling_days", "timezone"} <= set(SendVoiceOperator.template_fields)


def test_what_is_left_out_has_the_documented_default() -> None:
    operator = SendVoiceOperator(task_id="ring", to="2348020000000", media_url=MEDIA)
    assert {
        "from_number": None,
        "ninebits_conn_id": "ninebits_default",
        "on_uncertain": "fail",
        "wait_for_outcome": False,
        "wait_for": "all",
        "fail_on_unanswered": False,
        "outcome_timeout": timedelta(days=1),
        "on_timeout": "fail",
        "deferrable": None,
        "to_path": None,
        "to_column": None,
        "max_requests_per_second": None,
        "max_recipients": None,
        "exclude": None,
        "dry_run_only": False,
        "calling_hours": None,
        "calling_days": None,
        "timezone": None,
        "opening_timeout": None,
    }.items() <= vars(operator).items()


def test_arguments_are_keyword_only() -> None:
    with pytest.raises(TypeError):
        SendVoiceOperator("2348020000000", MEDIA, task_id="ring")


def test_what_to_play_has_to_be_said() -> None:
    with pytest.raises(TypeError, match="media_url"):
        SendVoiceOperator(task_id="ring", to="2348020000000")


def test_a_dag_file_may_hold_what_is_wrong_until_the_task_runs() -> None:
    # A template says what it is at run time only; a DAG that does not import would hide every other task.
    operator = SendVoiceOperator(task_id="ring", to="{{ params.to }}", media_url="{{ params.media }}")
    assert operator.to == "{{ params.to }}"


def test_templates_are_rendered() -> None:
    with DAG("alerts", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
        operator = SendVoiceOperator(
            task_id="ring", to="{{ who }}", media_url="https://media.test/{{ what }}.mp3", ninebits_conn_id="{{ conn }}"
        )
    operator.render_template_fields({"who": "['2348020000000']", "what": "fire", "conn": "alerts"})
    assert (operator.to, operator.media_url, operator.ninebits_conn_id) == (
        "['2348020000000']",
        "https://media.test/fire.mp3",
        "alerts",
    )


def test_it_can_be_mapped_over_those_to_ring() -> None:
    with DAG("alerts", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        SendVoiceOperator.partial(task_id="ring", media_url=MEDIA, wait_for_outcome=True).expand(
            to=[["2348020000000"], ["2348030000000"]]
        )
    assert dag.get_task("ring").is_mapped
