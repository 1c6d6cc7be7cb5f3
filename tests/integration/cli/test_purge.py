"""``ninebits purge``: what people and cron type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ninebits.cli.main import main
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from tests.integration.ledger.purge_scenes import holding_a_number, let_pass, settled
from tests.integration.ledger.scenes import ADA, BEN, rows, uncertain


@pytest.fixture
def ledger(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    url = database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", url)
    return database


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(("purge", *arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def purged(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    status, out, err = run(capsys, *arguments, "--output", "json")
    assert (status, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


COUNTED = {
    **{"sends": 1, "messages": 1, "recipients": 1, "callbacks": 1, "receivers": 0, "keys": 0, "unsettled_sends": 0},
    "alerts": 0,
}


def test_it_tells_what_has_gone(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    settled(ledger, "r1", ADA)
    let_pass(ledger, timedelta(days=90))
    assert purged(capsys, "--older-than-days", "90", "--dry-run") == {**COUNTED, "mask": False, "dry_run": True}
    assert purged(capsys, "--older-than-days", "90") == {**COUNTED, "mask": False, "dry_run": False}
    assert holding_a_number(ledger) == []


def test_it_masks(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    settled(ledger, "r1", ADA)
    let_pass(ledger, timedelta(days=90))
    assert purged(capsys, "--older-than-days", "90", "--mask") == {**COUNTED, "mask": True, "dry_run": False}
    assert len(rows(ledger, schema.recipient)) == 1
    assert holding_a_number(ledger) == []


def test_what_is_unsettled_is_counted_and_goes_where_it_is_asked_for(
    ledger: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    uncertain(ledger, ADA)
    let_pass(ledger, timedelta(days=90))
    assert purged(capsys, "--older-than-days", "90")["unsettled_sends"] == 1
    assert purged(capsys, "--older-than-days", "90", "--unsettled")["messages"] == 1


def test_keys_are_forgotten_where_it_is_asked_for(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    settled(ledger, "r1", ADA, key="k")
    let_pass(ledger, timedelta(days=90))
    assert purged(capsys, "--older-than-days", "30")["keys"] == 0
    assert purged(capsys, "--older-than-days", "30", "--keys-older-than-days", "90")["keys"] == 1


def test_people_get_a_table(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    settled(ledger, "r1", ADA)
    status, out, _ = run(capsys, "--older-than-days", "0", "--dry-run")
    assert status == 0
    assert "would be purged" in out
    assert ADA not in out


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_sqlite_file_is_rewritten_where_it_is_asked_for(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = [str(2348020000000 + place) for place in range(900)]
    settled(ledger, "r1", *numbers)
    let_pass(ledger, timedelta(days=90))
    ledger.close()
    file = Path(str(ledger.url.database))
    assert numbers[0].encode() in file.read_bytes()
    before = file.stat().st_size

    assert purged(capsys, "--older-than-days", "90", "--vacuum")["recipients"] == 900

    assert file.stat().st_size < before
    left = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert not any(number.encode() in left for number in numbers)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_postgresql_needs_no_vacuum_of_ours(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    settled(ledger, "r1", BEN)
    status, out, err = run(capsys, "--older-than-days", "0", "--vacuum")
    assert (status, out) == (2, "")
    assert "autovacuum" in err
    assert len(rows(ledger, schema.recipient)) == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_it_runs_in_a_task_which_is_not_let_into_airflows_database(ledger: Database) -> None:
    settled(ledger, "r1", ADA)
    let_pass(ledger, timedelta(days=90))
    ended = subprocess.run(
        [sys.executable, "-m", "airflow_provider_ninebits.cli.main", "purge", "--older-than-days=90", "--output=json"],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            # As Airflow's supervisor of a task sets it.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "airflow-db-not-allowed:///",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["messages"] == 1


@pytest.mark.parametrize("days", ["-1", "many", "1.5", "99999999999999"])
def test_days_are_a_number_of_them(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["purge", f"--older-than-days={days}"])
    assert ended.value.code == 2
    assert "is no number of days" in capsys.readouterr().err


def test_keys_outlive_what_they_stand_for(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "--older-than-days", "30", "--keys-older-than-days", "29")
    assert status == 2
    assert "--keys-older-than-days must be at least --older-than-days" in err
    assert "at least as long" in err
