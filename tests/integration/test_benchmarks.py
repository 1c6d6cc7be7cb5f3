"""The benchmarks run: what they measure is for people to read."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.outcomes import read_outcome
from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator
from benchmarks import callback, latency, mounted, parsing, receiver, waits
from benchmarks.__main__ import main
from benchmarks.sends import one_send
from benchmarks.tools import additions, filling
from benchmarks.tools.bare_sender import BareSender
from benchmarks.tools.ledgers import accept_messages, callbacks_of
from benchmarks.tools.machine import machine_and_versions
from benchmarks.tools.nine_bits import nine_bits
from benchmarks.tools.processes import said_by
from benchmarks.tools.results import Results


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


def test_the_parts_of_a_callback_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "CALLBACKS", 1000)
    parts = callback._parts(f"sqlite:///{tmp_path / 'bench.db'}", with_ref_id=True)
    assert parts.keys() == {"read", "take", "groups of 16", "groups of 64"}
    assert min(parts.values()) > 0


@pytest.mark.slow
@pytest.mark.parametrize("side", ["receiver", receiver.LIMIT])
def test_the_time_of_all_cores_is_told_of_while_callbacks_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    monkeypatch.setattr(callback, "CALLBACKS", 4000)
    monkeypatch.setattr(callback, "SECONDS", 0.3)
    found = callback._whole(side, f"sqlite:///{tmp_path / 'bench.db'}", tmp_path, with_ref_id=True)
    assert ("stores" in found) == (side == "receiver")
    # As much as there is, but for what the system counts late.
    assert found["all"] * found["per_second"] == pytest.approx(1e6 * os.cpu_count(), rel=0.5)


@pytest.mark.parametrize("side", additions.SIDES)
def test_what_events_and_metrics_add_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    monkeypatch.setattr(additions, "CALLBACKS", 200)
    used, served, took = additions._stored(f"sqlite:///{tmp_path / 'bench.db'}", *additions.SIDES[side])
    assert (used > 0, served, took > 0) == (True, 0.0, True)


@pytest.mark.slow
def test_waits_in_a_process_of_their_own_are_woken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "WINDOW_SECONDS", 0.4)
    monkeypatch.setattr(waits, "SETTLE_SECONDS", 1.0)
    cost = waits.Waiting(tmp_path, f"sqlite:///{tmp_path / 'bench.db'}", 60).measured_alone()
    assert len(cost.wakes_ms) == waits.BUSY_WINDOWS * 20
    assert cost.busy_statements > 0


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
    wall, cpu, first = said_by(dict(os.environ), "-m", "benchmarks.parsing", how, str(tmp_path / "dags"))
    assert wall > 0
    assert cpu > 0
    assert (first > 0) == (how == "one DagBag")


def test_all_that_a_dag_file_imports_from_here_is_measured() -> None:
    reference = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()
    named = set(re.findall(r"airflow_provider_ninebits\.(?:operators|sensors|notifications)\.\w+", reference))
    assert {*named, "airflow_provider_ninebits.triggers.events"} <= set(re.findall(r"from (\S+)", parsing.OURS))


def test_results_are_a_table_on_a_page_too() -> None:
    results = Results("Sides", ("side", "speed"))
    results.add("one", "1,000")
    assert results.as_markdown() == "**Sides**\n\n| side | speed |\n| --- | ---: |\n| one | 1,000 |\n"
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        results.add("two")


@pytest.mark.slow
def test_a_sender_keeps_to_its_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounted, "SECONDS", 0.3)
    rung = accept_messages(f"sqlite:///{tmp_path / 'bench.db'}", 1000)
    (tmp_path / "bodies").write_bytes(b"\n".join(callbacks_of(rung, with_ref_id=True)))
    with receiver.served(receiver.SIDES["receiver"][0], f"sqlite:///{tmp_path / 'bench.db'}", tmp_path) as port:
        measured = mounted._sent(
            f"http://ninebits:secret@127.0.0.1:{port}/ninebits/callback", tmp_path / "bodies", per_second=10
        )
    # In 0.3 s and the second before that: never sooner than at its time.
    assert 2 <= measured["statuses"]["200"] <= 14


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_filled_ledger_has_all_of_its_schema_again(empty_database_url: str, database_url: str) -> None:
    filling.fill(empty_database_url, 2500)
    assert _indexes_and_constraints(empty_database_url) == _indexes_and_constraints(database_url)
    with closing(Database(empty_database_url)) as ledger:
        outcome, _ = read_outcome(ledger, [filling.ref_id_of(2)], attempt_window=timedelta(0))
        # Numbers go on from there.
        accept_messages(empty_database_url, [filling.number_of(7), filling.number_of(8)], name="more")
    assert (outcome.recipients, outcome.answered, outcome.settled) == (500, 333, True)


def _indexes_and_constraints(url: str) -> list[str]:
    with closing(Database(url)) as ledger, ledger.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL SELECT conrelid::regclass || ' ' || "
            "conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1"
        )
        # PostgreSQL writes a condition otherwise once it has read its own writing of it.
        return [definition.partition(" WHERE ")[0] for (definition,) in rows]


def test_the_way_from_a_callback_to_the_next_task_has_no_gap() -> None:
    assert [end for _, _, end in latency.LEGS[:-1]] == [begin for _, begin, _ in latency.LEGS[1:]]
    moments = {stage: float(place) for place, stage in enumerate(["posted", *(end for _, _, end in latency.LEGS)])}
    [legs, ours] = latency._legs(dict.fromkeys(latency.PLAN, [moments] * 3)), latency._ours([moments] * 3)
    assert [row[1] for row in legs.rows if row[0] == "**all**"] == ["12,000"]
    assert [row[1] for row in ours.rows] == ["3,000", "9,000"]


def test_what_was_under_way_when_the_callback_came_counts_from_there_on() -> None:
    moments = latency._counted({"posted": 1.0, "answered": 2.0}, {"heard": 1.5, "wait scheduled": 3.0})
    assert moments == {"posted": 1.0, "answered": 2.0, "heard": 2.0, "wait scheduled": 3.0}
