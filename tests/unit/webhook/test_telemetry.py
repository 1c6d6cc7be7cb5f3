from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from airflow_provider_ninebits import metrics
from airflow_provider_ninebits.webhook.telemetry import record_by_environment
from tests.integration.otlp import Counted, series

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "ours"},
        {**ENDPOINT, "OTEL_METRICS_EXPORTER": "none"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9"},
    ],
)
def test_nobody_takes_values_unless_the_environment_names_who(environment: dict[str, str]) -> None:
    assert record_by_environment(environment) is None


def test_an_exporter_that_is_none_is_said_and_keeps_nobody_from_taking_callbacks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        assert record_by_environment({"OTEL_METRICS_EXPORTER": "carrier-pigeon"}) is None
    assert "OTEL_METRICS_EXPORTER is 'carrier-pigeon'" in caplog.text


def test_opentelemetry_is_not_loaded_where_it_is_not_wanted() -> None:
    code = (
        "import sys\n"
        "from airflow_provider_ninebits.webhook.telemetry import record_by_environment\n"
        "assert record_by_environment({}) is None\n"
        "assert 'opentelemetry' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=True)


def test_each_metric_is_what_its_kind_says() -> None:
    counted = Counted()
    for metric in metrics.METRICS:
        for _ in range(2):
            counted.record(metric, 2.5)
    once = {metrics.Kind.COUNTER: 5.0, metrics.Kind.GAUGE: 2.5, metrics.Kind.TIMER: 2}
    expected = {series(metric.name.removeprefix("ninebits.")): once[metric.kind] for metric in metrics.METRICS}
    assert counted.totals() == expected
    # Seconds are given, and milliseconds exported, as Airflow does.
    assert counted.milliseconds("send_to_callback") == [(2500.0, 2500.0)]


def test_a_value_that_cannot_be_taken_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    counted = Counted()
    strange = metrics.Metric("ninebits.strange", metrics.Kind.COUNTER, "of them", "not in the list")
    counted.record(strange)
    counted.record(strange)
    assert caplog.text.count("A metric cannot be recorded") == 1
