"""``ninebits messages``: what the error of an uncertain message tells people to type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.cli.main import main
from airflow_provider_ninebits.ledger import planning, sends
from airflow_provider_ninebits.ledger.claims import claim
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.states import RequestState
from tests.integration.ledger.scenes import lapse, sending

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBER = "2348020000000"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'ninebits.db'}"
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", url)
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def uncertain(ledger: Database) -> str:
    plan = sends.SendPlan(
        "key", "ninebits_default", f"https://example.com/{NUMBER}.mp3", None, (NUMBER,), sends.AskedBy("default", "dag")
    )
    message_id = planning.plan_send(ledger, plan, replan=False, part_size=1000).parts[0].message_id
    claimed = claim(ledger, message_id, plan, owner="me", lease_seconds=35)
    assert claimed is not None
    record_answer(ledger, claimed.request_id, Answer(RequestState.UNCERTAIN, status=500, detail="server error"))
    return message_id


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_an_uncertain_message_is_listed(uncertain: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "messages", "list", "--state", "uncertain", "--output", "json")
    assert status == 0
    assert [(row["message_id"], row["dag_id"]) for row in json.loads(out)] == [(uncertain, "dag")]
    assert run(capsys, "messages", "list", "--state", "accepted", "--output", "json")[1].strip() == "[]"


def test_a_message_is_shown_with_its_requests_and_no_number(
    uncertain: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    status, out, _ = run(capsys, "messages", "show", uncertain)
    assert status == 0
    assert "server error" in out
    assert NUMBER not in out
    shown = json.loads(run(capsys, "messages", "show", uncertain, "--output", "json")[1])
    assert shown["media_url"] == f"https://example.com/{NUMBER}.mp3"


def test_what_was_placed_is_accepted_under_its_ref_id(uncertain: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "messages", "resolve", uncertain, "--placed", "--ref-id", "r1", "--output", "json")
    assert (status, json.loads(out)["state"]) == (0, "accepted")
    shown = json.loads(run(capsys, "messages", "show", uncertain, "--output", "json")[1])
    assert [(request["ref_id"], request["known_by"]) for request in shown["requests"]] == [("r1", "person")]


def test_what_was_not_placed_may_be_sent(ledger: Database, uncertain: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "messages", "resolve", uncertain, "--not-placed", "--output", "json")
    assert (status, json.loads(out)["state"]) == (0, "refused")
    part, _ = sends.read_part(ledger, uncertain)
    assert part.state == "refused"


def test_an_unknown_message_is_not_found(ledger: Database, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "messages", "show", "nothing")
    assert (status, out) == (3, "")
    assert "no message nothing" in err


def test_a_ref_id_goes_with_placed_only(uncertain: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "messages", "resolve", uncertain, "--not-placed", "--ref-id", "r1")
    assert status == 2
    assert "not placed has no ref_id" in err


def test_a_ref_id_that_stands_against_the_known_one_is_not_dropped_silently(
    uncertain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "messages", "resolve", uncertain, "--placed", "--ref-id", "r1")
    status, out, err = run(capsys, "messages", "resolve", uncertain, "--placed", "--ref-id", "r2")
    assert (status, out) == (2, "")
    assert f"message {uncertain} has the ref_id r1 already" in err


def test_an_unreachable_ledger_has_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "ninebits.db"
    path.write_bytes(b"this is no database at all, and long enough to be read as a header of one" * 20)
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{path}")
    status, _, err = run(capsys, "messages", "list")
    assert status == 4
    assert "sql_alchemy_conn" in err


@pytest.mark.parametrize("ref_id", ["", " ", "two words", "ä", "r" * 200])
def test_a_ref_id_that_can_be_none_is_refused(uncertain: str, capsys: pytest.CaptureFixture[str], ref_id: str) -> None:
    status, out, err = run(capsys, "messages", "resolve", uncertain, "--placed", "--ref-id", ref_id)
    assert (status, out) == (2, "")
    assert "--ref-id is not a ref_id" in err


def test_a_word_that_changes_nothing_is_no_success(uncertain: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "messages", "resolve", uncertain, "--not-placed")
    status, out, err = run(capsys, "messages", "resolve", uncertain, "--placed")
    assert (status, out) == (2, "")
    assert f"message {uncertain} is refused" in err


def test_a_message_whose_sender_did_not_come_back_is_listed_as_uncertain(
    ledger: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    died = sending(ledger)
    assert run(capsys, "messages", "list", "--state", "uncertain", "--output", "json")[1].strip() == "[]"
    lapse(ledger, died.message_id)
    for query in ([], ["--state", "uncertain"]):
        rows = json.loads(run(capsys, "messages", "list", *query, "--output", "json")[1])
        assert [(row["message_id"], row["state"]) for row in rows] == [(died.message_id, "uncertain")]
    shown = json.loads(run(capsys, "messages", "show", died.message_id, "--output", "json")[1])
    assert (shown["state"], [request["state"] for request in shown["requests"]]) == ("uncertain", ["uncertain"])
    assert run(capsys, "messages", "list", "--state", "sending", "--output", "json")[1].strip() == "[]"


def test_less_than_one_message_cannot_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(capsys, "messages", "list", "--limit", "0")
