"""The benchmarks run: what they measure is for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator
from benchmarks.__main__ import main
from benchmarks.machine import machine_and_versions
from benchmarks.sends import one_send

if TYPE_CHECKING:
    from pathlib import Path


def test_a_send_is_measured_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bench.db'}"
    with running_simulator(SimulatorSettings(speed=1000)) as simulator:
        first, again = (one_send(1500, url, simulator.base_url, tmp_path) for _ in range(2))
        assert set(simulator.rung().values()) == {1}
        assert len(simulator.rung()) == 1500
    for measured in (first, again):
        assert (measured["recipients"], measured["parts"]) == (1500, 2)
        assert 10 < measured["peak_mib"] < 2000
        assert 0 < measured["planning_seconds"] < measured["seconds"]


def test_a_benchmark_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recieve"]) == 2
    assert "no benchmark recieve; there are " in capsys.readouterr().err


def test_figures_come_with_the_machine_and_the_versions() -> None:
    assert "cores" in machine_and_versions()
    assert "sqlalchemy 2." in machine_and_versions()
