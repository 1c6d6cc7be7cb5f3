"""Whoever waits for a local Airflow hears that a part of it has died."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from scripts.local_airflow import LocalAirflow, components_of, end_group

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# As standalone does: it starts its parts, and never looks after them.
STANDALONE = """
import subprocess, sys, time
for part in sys.argv[1:]:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", part])
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture
def airflow(tmp_path: Path) -> Iterator[LocalAirflow]:
    with standalone("scheduler", "dag-processor", "triggerer") as process, httpx.Client() as api:
        yield LocalAirflow(tmp_path, "http://127.0.0.1", {}, process, api, components_of(process))


@contextmanager
def standalone(*parts: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", STANDALONE, *parts]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        end_group(process)


def test_one_without_a_part_is_no_airflow() -> None:
    with standalone("scheduler", "triggerer") as process, pytest.raises(RuntimeError, match="without dag-processor"):
        components_of(process)


def test_a_part_that_died_is_named(airflow: LocalAirflow) -> None:
    airflow.check_alive()
    scheduler = airflow.components["scheduler"]
    scheduler.kill()
    deadline = time.monotonic() + 60
    while scheduler.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(RuntimeError, match="Airflow's scheduler has died; see the logs in"):
        airflow.check_alive()


def test_a_part_that_sleeps_has_not_died(airflow: LocalAirflow) -> None:
    airflow.components["triggerer"].suspend()
    airflow.check_alive()


def test_the_end_of_the_whole_is_told_too(airflow: LocalAirflow) -> None:
    airflow.process.kill()
    airflow.process.wait()
    with pytest.raises(RuntimeError, match="Airflow ended with -9"):
        airflow.check_alive()
