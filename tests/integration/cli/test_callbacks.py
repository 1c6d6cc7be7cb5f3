"""``ninebits callbacks``: what arrived and settled nobody is seen, and can be tried again."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.cli.main import main
from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.webhook.arrivals import read_arrivals
from tests.integration.ledger.scenes import ADA, WINDOW, accepted

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = b"[/red] \x1b[31m\r\nforged line \xff 2348020000001"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'ninebits.db'}"
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", url)
    monkeypatch.setenv("COLUMNS", "250")
    database = Database(url)
    for body in (HOSTILE, json.dumps({"to_number": ADA, "ref_id": "[bold]r1"}).encode()):
        store(database, read_arrivals(body, "[/conn]", "UTC"), window=WINDOW)
    yield database
    database.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["callbacks", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    status, out, _ = run(capsys, *arguments, "--output", "json")
    assert status == 0
    return json.loads(out)


def test_what_settled_nobody_is_listed_with_its_reason(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys, "list")
    assert [(row["match_state"], row["number"], row["detail"]) for row in found] == [
        ("unmatched", ADA, None),
        ("unreadable", None, "the body is no JSON"),
    ]
    [unreadable] = shown(capsys, "list", "--state", "unreadable")
    assert unreadable == found[1]
    assert shown(capsys, "list", "--state", "inbound") == shown(capsys, "list", "--state", "ambiguous") == []


def test_a_table_counts_them_and_masks_numbers(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "list")
    assert status == 0
    assert "1 unmatched, 1 unreadable, 0 inbound, 0 ambiguous" in out
    assert "234802***0001" in out
    assert ADA not in out
    # As they were written: they are no commands to the terminal or its library.
    assert "[bold]r1" in out
    assert "[/conn]" in out


def test_one_is_shown_with_its_body(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    [unreadable] = shown(capsys, "list", "--state", "unreadable")
    found = shown(capsys, "show", str(unreadable["callback_id"]))
    assert base64.b64decode(found["raw_base64"]) == HOSTILE
    assert found["raw"].endswith("\\xff 2348020000001")
    status, out, _ = run(capsys, "show", str(unreadable["callback_id"]))
    assert status == 0
    assert "[/red] \\x1b[31m\\r\\nforged line" in out
    assert "\x1b[31m" not in out
    assert ADA not in out


def test_one_that_is_not_there_is_not_found(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "show", "12345")
    assert (status, out) == (3, "")
    assert "callbacks list" in err
    with pytest.raises(SystemExit) as stopped:
        main(["callbacks", "show", "what"])
    assert stopped.value.code == 2


def test_rematch_says_how_many_found_their_recipient(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "rematch") == {"tried": 0, "matched": 0}
    accepted(ledger, "other", ADA, conn_id="[/conn]")
    with ledger.writing() as connection:
        # What a process that died before it tried the callbacks again would have left.
        connection.exec_driver_sql("UPDATE ninebits_request SET ref_id = '[bold]r1'")
    assert shown(capsys, "rematch") == {"tried": 1, "matched": 1}
    status, out, _ = run(capsys, "rematch")
    assert status == 0
    assert "tried again" in out


def test_a_ledger_that_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database" * 100)
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{path}")
    assert run(capsys, "list")[0] == 4
