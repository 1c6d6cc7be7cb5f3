"""The benchmarks run: what they measure is for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator
from benchmarks import receiver, waits
from benchmarks.__main__ import main
from benchmarks.sends import one_send
from benchmarks.tools.machine import machine_and_versions
from benchmarks.tools.results import Results

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


@pytest.mark.slow
@pytest.mark.parametrize("side", receiver.SIDES)
def test_each_side_of_the_receivers_benchmark_takes_callbacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    monkeypatch.setattr(receiver, "RECIPIENTS", 30_000)
    monkeypatch.setattr(receiver, "SECONDS", 0.3)
    measured = receiver.one_round(side, f"sqlite:///{tmp_path / 'bench.db'}", tmp_path, with_ref_id=True)
    assert measured["per_second"] > 0
    assert 0 < measured["p50_ms"] <= measured["p99_ms"]


@pytest.mark.slow
def test_waits_in_a_process_of_their_own_are_woken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "WINDOW_SECONDS", 0.4)
    monkeypatch.setattr(waits, "SETTLE_SECONDS", 1.0)
    cost = waits.Waiting(tmp_path, f"sqlite:///{tmp_path / 'bench.db'}", 60).measured_alone()
    assert len(cost.wakes_ms) == waits.BUSY_WINDOWS * 20
    assert cost.busy_statements > 0


def test_results_are_a_table_on_a_page_too() -> None:
    results = Results("Sides", ("side", "speed"))
    results.add("one", "1,000")
    assert results.as_markdown() == "**Sides**\n\n| side | speed |\n| --- | ---: |\n| one | 1,000 |\n"
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        results.add("two")
