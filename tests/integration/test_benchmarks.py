"""The benchmarks run: what they measure is for people to read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator
from benchmarks import parsing, receiver
from benchmarks.__main__ import main
from benchmarks.sends import one_send
from benchmarks.tools.bare_sender import BareSender
from benchmarks.tools.machine import machine_and_versions
from benchmarks.tools.nine_bits import nine_bits
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


def test_the_bare_sender_sends_what_it_planned(tmp_path: Path) -> None:
    with nine_bits() as url, closing(BareSender(f"sqlite:///{tmp_path / 'bench.db'}", url)) as bare:
        assert bare.plan("one", ["2348020000000"]) > 0
        assert bare.send("one", ["2348020000000"]) > 0
    with closing(sqlite3.connect(tmp_path / "bench.db")) as file:
        assert file.execute("SELECT state FROM bare_message").fetchall() == [("accepted",)]
        assert file.execute("SELECT state, status FROM bare_request").fetchall() == [("accepted", 200)]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["forked for each file", "one DagBag"])
@pytest.mark.parametrize("side", parsing.TASKS)
def test_the_dag_files_of_each_side_are_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, side: str
) -> None:
    monkeypatch.setattr(parsing, "FILES", 2)
    parsing._write_files(tmp_path / "dags", side)
    wall, cpu = parsing._said_by(dict(os.environ), "-m", "benchmarks.parsing", how, str(tmp_path / "dags"))
    assert wall > 0
    assert cpu > 0


def test_results_are_a_table_on_a_page_too() -> None:
    results = Results("Sides", ("side", "speed"))
    results.add("one", "1,000")
    assert results.as_markdown() == "**Sides**\n\n| side | speed |\n| --- | ---: |\n| one | 1,000 |\n"
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        results.add("two")
