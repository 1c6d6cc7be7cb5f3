from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import DAG

from airflow_provider_ninebits.sensors.callback import CallbackSensor


def test_its_template_fields_are_a_contract() -> None:
    assert "ref_id" in CallbackSensor.template_fields


def test_what_is_left_out_has_the_documented_default() -> None:
    sensor = CallbackSensor(task_id="wait", ref_id="r1")
    assert {
        "wait_for": "all",
        "fail_on_unanswered": False,
        "attempt_window": None,
        "on_timeout": "fail",
        "deferrable": None,
    }.items() <= vars(sensor).items()


def test_arguments_are_keyword_only() -> None:
    with pytest.raises(TypeError):
        CallbackSensor("r1", task_id="wait")


@pytest.mark.parametrize(("mode", "seconds"), [("poke", 5.0), ("reschedule", 60.0)])
def test_each_mode_has_its_own_interval(mode: str, seconds: float) -> None:
    assert CallbackSensor(task_id="wait", ref_id="r1", mode=mode).poke_interval == seconds


def test_an_interval_that_is_given_stays() -> None:
    sensor = CallbackSensor(task_id="wait", ref_id="r1", mode="reschedule", poke_interval=timedelta(seconds=90))
    assert sensor.poke_interval == 90.0


def test_templates_are_rendered_into_lists_too() -> None:
    with DAG("alerts", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
        one = CallbackSensor(task_id="one", ref_id="{{ ref }}")
        several = CallbackSensor(task_id="several", ref_id=["{{ ref }}", "r2"])
    for sensor in (one, several):
        sensor.render_template_fields({"ref": "r1"})
    assert (one.ref_id, several.ref_id) == ("r1", ["r1", "r2"])


def test_it_can_be_mapped_over_ref_ids() -> None:
    with DAG("alerts", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        CallbackSensor.partial(task_id="wait", deferrable=True).expand(ref_id=["r1", "r2"])
    assert dag.get_task("wait").is_mapped
