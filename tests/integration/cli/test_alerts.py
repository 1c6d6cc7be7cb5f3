"""``ninebits alerts``: what rang, and what was held back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.cli.main import main
from airflow_provider_ninebits.ledger.alerts import Alert, ask, note_rung
from airflow_provider_ninebits.ledger.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALERT = Alert("a" * 64, "default", "etl manual__1", "etl", "manual__1", "load")


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'ninebits.db'}"
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", url)
    database = Database(url)
    yield database
    database.close()


def alerted(ledger: Database, alert: Alert, *, held_back: int) -> None:
    for _ in range(held_back + 1):
        how = {"cooldown": timedelta(minutes=15), "owner": "me", "lease": timedelta(seconds=14)}
        if (ring := ask(ledger, alert, **how).ring) is not None:  # type: ignore[arg-type]
            note_rung(ledger, alert, ring)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(["alerts", "list", *arguments])
    return status, capsys.readouterr().out


def test_what_rang_is_listed_with_what_was_held_back(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    alerted(ledger, ALERT, held_back=3)
    status, out = run(capsys, "--output", "json")
    assert status == 0
    [shown] = json.loads(out)
    assert (shown["dedup_key"], shown["rings"], shown["held_back"], shown["ringing"]) == ("etl manual__1", 1, 3, False)
    assert (shown["dag_id"], shown["run_id"], shown["task_id"]) == ("etl", "manual__1", "load")
    assert shown["rang_at"] is not None


def test_people_get_a_table(
    ledger: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    alerted(ledger, ALERT, held_back=41)
    status, out = run(capsys)
    assert status == 0
    assert "held_back" in out
    assert "etl manual__1" in out
    assert "41" in out


def test_the_newest_come_first_and_no_more_than_wanted(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    for place in range(3):
        alerted(ledger, replace(ALERT, key=str(place), dedup_key=f"key {place}"), held_back=0)
    _, out = run(capsys, "--limit", "2", "--output", "json")
    assert [shown["dedup_key"] for shown in json.loads(out)] == ["key 2", "key 1"]


def test_a_ledger_without_alerts_lists_none(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--output", "json") == (0, "[]\n")
