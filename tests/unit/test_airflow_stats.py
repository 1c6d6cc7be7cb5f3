"""Airflow's own Stats, as a task sets them up, and a StatsD that listens."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# As Airflow's task runner does before it runs a task.
BEGIN = """
import json, sys
from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)
"""
RECORD = """
from airflow_provider_ninebits import metrics
from airflow_provider_ninebits.airflow_stats import record
record(metrics.REQUESTS, 2, {"state": "accepted", "conn_id": "ninebits_default", "dag_id": "reminder"})
record(metrics.HOURS_DEFERRALS)
record(metrics.WAITS, 3, {"hostname": "a.host"})
record(metrics.CALLBACKS, 4, {"outcome": "answered", "match": "matched"})
record(metrics.CALLBACK_TO_RESUME, 0.25)
"""

BREAK = "import airflow.sdk._shared.observability.metrics.stats as shared\n"


@pytest.fixture
def statsd() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(5)
        yield sink


def in_a_process(code: str, home: Path, options: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AIRFLOW_HOME": str(home), **options}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)


def received(statsd: socket.socket, count: int) -> list[str]:
    """Return what came of ours; Airflow counts things of its own."""
    ours: list[str] = []
    while len(ours) < count:
        if "ninebits" in (line := statsd.recv(4096).decode()):
            ours.append(line)
    return sorted(ours)


def to(statsd: socket.socket, **more: str) -> dict[str, str]:
    return {
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(statsd.getsockname()[1]),
        **more,
    }


def test_a_statsd_without_tags_gets_what_counts_in_the_name(statsd: socket.socket, tmp_path: Path) -> None:
    in_a_process(BEGIN + RECORD, tmp_path, to(statsd))
    assert received(statsd, 5) == [
        "airflow.ninebits.callback_to_resume:250.000000|ms",
        "airflow.ninebits.callbacks.answered.matched:4|c",
        "airflow.ninebits.hours_deferrals:1|c",
        "airflow.ninebits.requests.accepted:2|c",
        "airflow.ninebits.waits.a_host:3|g",
    ]


def test_a_statsd_with_tags_gets_tags(statsd: socket.socket, tmp_path: Path) -> None:
    in_a_process(BEGIN + RECORD, tmp_path, to(statsd, AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED="True"))
    assert received(statsd, 5) == [
        "airflow.ninebits.callback_to_resume:250.000000|ms",
        "airflow.ninebits.callbacks,outcome=answered,match=matched:4|c",
        "airflow.ninebits.hours_deferrals:1|c",
        "airflow.ninebits.requests,state=accepted,conn_id=ninebits_default,dag_id=reminder:2|c",
        "airflow.ninebits.waits,hostname=a.host:3|g",
    ]


def test_it_is_the_stats_that_the_process_has_set_up(tmp_path: Path) -> None:
    # Airflow 3.3 has two copies; a second one would export beside the first.
    code = """
from airflow._shared.observability.metrics import stats as core
from airflow.sdk._shared.observability.metrics import stats as of_tasks
from airflow_provider_ninebits.airflow_stats import _stats
core._factory = core._backend = of_tasks._factory = of_tasks._backend = None
core.initialize(factory=core.NoStatsLogger, export_legacy_names=False)
assert _stats() is core
of_tasks.initialize(factory=of_tasks.NoStatsLogger, export_legacy_names=False)
assert _stats() is of_tasks
core.incr("something")
assert _stats() is core
of_tasks.incr("something")
assert _stats() is of_tasks
"""
    in_a_process(code, tmp_path, {})


def test_the_class_that_airflow_3_2_has_instead_is_taken_where_it_is_set_up(tmp_path: Path) -> None:
    code = """
import sys, types
class Meta(type):
    factory = instance = None
    def __getattr__(cls, name):
        raise AssertionError(f"{name} makes a client")
for name in ("airflow.sdk._shared", "airflow._shared"):
    module = sys.modules[f"{name}.observability.metrics.stats"] = types.ModuleType(name)
    module.Stats = Meta(name, (), {})
of_tasks, core = (sys.modules[f"{name}.observability.metrics.stats"].Stats for name in
                  ("airflow.sdk._shared", "airflow._shared"))
from airflow_provider_ninebits.airflow_stats import _stats
core.factory = object
assert _stats() is core
of_tasks.factory = object
assert _stats() is of_tasks
core.instance = object()
assert _stats() is core
"""
    in_a_process(code, tmp_path, {})


@pytest.mark.parametrize("broken", ["shared.incr = None", "shared._factory = lambda: 1 / 0"])
def test_a_stats_that_is_broken_fails_nobody_and_is_said_once(broken: str, tmp_path: Path) -> None:
    code = "import logging\nlogging.basicConfig()\n" + BEGIN + f"{BREAK}{broken}\n" + RECORD
    done = in_a_process(code, tmp_path, {})
    assert (done.stdout + done.stderr).count("Metrics do not reach Airflow's Stats") == 1


def test_nothing_of_airflow_is_imported_to_be_able_to_count(tmp_path: Path) -> None:
    code = "import airflow_provider_ninebits.airflow_stats, json, sys; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(in_a_process(code, tmp_path, {}).stdout)
    assert not [name for name in loaded if name.split(".")[0] in ("airflow", "opentelemetry", "statsd", "yaml")]
