"""
A ledger that cannot be used is told clearly, whoever meets it: the hook, the receiver, a command.

Its password is in none of them.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_ninebits.cli.main import UNREACHABLE, USAGE, main
from airflow_provider_ninebits.configuration import InvalidOption
from airflow_provider_ninebits.exceptions import LedgerUnavailable
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerError, LedgerUnreachable, LedgerUnusable
from airflow_provider_ninebits.plugin import mounted_app
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.wrong_ledgers import (
    PASSWORD,
    WRONG_BY_URL,
    WRONG_BY_USE,
    WRONG_LEDGERS,
    Place,
    WrongLedger,
)
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

CALL = {"to_number": "2348020000000"}
ROOT = Path(__file__).parents[3]
each_wrong_ledger = pytest.mark.parametrize("wrong", WRONG_LEDGERS.values(), ids=WRONG_LEDGERS.keys())


@pytest.fixture
def place(postgres: URL, migrated_postgres: str, migrated_sqlite: Path, tmp_path: Path) -> Place:
    return Place(postgres, migrated_postgres, tmp_path, migrated_sqlite)


@pytest.fixture
def url(wrong: WrongLedger, place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    made = wrong.make(place)
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", made)
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD", "secret")
    return made


def read(url: str) -> None:
    with Database(url).reading():
        pass


def everything_said(error: BaseException | None) -> str:
    """The texts of an error and of all that it came from, as a traceback shows them."""
    said = []
    while error is not None:
        said.append(str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(said)


@each_wrong_ledger
def test_the_ledger_says_what_is_wrong(wrong: WrongLedger, url: str) -> None:
    with pytest.raises(LedgerError, match=wrong.words) as raised:
        read(url)
    assert isinstance(raised.value, LedgerUnreachable if wrong.kind == "unreachable" else LedgerUnusable)
    assert PASSWORD not in everything_said(raised.value)


@each_wrong_ledger
def test_the_hook_says_what_is_wrong(wrong: WrongLedger, url: str) -> None:
    with pytest.raises(InvalidOption if wrong.kind == "option" else LedgerUnavailable, match=wrong.words) as raised:
        NineBitsHook().outcome("r1")
    assert PASSWORD not in everything_said(raised.value)
    assert ("Trying again does not help" in str(raised.value)) == (wrong.kind == "unusable")


@each_wrong_ledger
def test_a_command_says_what_is_wrong_in_one_line(
    wrong: WrongLedger, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["messages", "list"])
    out, err = capsys.readouterr()
    assert status == (UNREACHABLE if wrong.kind == "unreachable" else USAGE)
    assert out == ""
    assert wrong.words in err
    assert err.count("\n") == 1
    assert PASSWORD not in err


@pytest.mark.parametrize("wrong", WRONG_BY_USE.values(), ids=WRONG_BY_USE.keys())
def test_the_receiver_answers_503_and_logs_what_is_wrong(
    wrong: WrongLedger, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        served(ReceiverSettings(url, passwords=("secret",))) as receiver_url,
        httpx.Client(base_url=receiver_url, auth=CREDENTIALS, trust_env=False, timeout=30) as client,
    ):
        answers = [client.post("/ninebits/callback", json=CALL), client.get("/ninebits/health")]
    assert [(answer.status_code, "retry-after" in answer.headers) for answer in answers] == [(503, True)] * 2
    assert {answer.content for answer in answers} == {b"{}"}
    assert wrong.words in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("wrong", WRONG_BY_URL.values(), ids=WRONG_BY_URL.keys())
class TestWhereNoReceiverCanBeMade:
    def test_the_mounted_one_answers_503_and_the_api_server_starts(
        self, wrong: WrongLedger, url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        from starlette.testclient import TestClient

        with TestClient(mounted_app()) as client:
            answer = client.post("/callback", json=CALL)
        assert (answer.status_code, answer.content) == (503, b"{}")
        assert wrong.words in caplog.text
        assert PASSWORD not in caplog.text

    def test_the_one_that_runs_alone_ends_with_a_sentence(self, wrong: WrongLedger, url: str) -> None:
        ended = subprocess.run(
            [sys.executable, "-m", "airflow_provider_ninebits.webhook", "--port", "0"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert ended.returncode == USAGE
        assert wrong.words in ended.stderr
        assert "Traceback" not in ended.stderr
        assert PASSWORD not in ended.stderr


def test_a_host_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # The URL's own time-out is the one that counts; ours would be ten seconds.
        url = f"postgresql://ninebits:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/n?connect_timeout=2"
        with pytest.raises(LedgerUnreachable, match="timeout expired"):
            read(url)


def test_a_password_in_the_query_is_masked_too() -> None:
    database = Database(f"postgresql://127.0.0.1:1/n?user=a&password={PASSWORD}")
    with pytest.raises(LedgerUnreachable) as raised, database.reading():
        pass
    assert "password=***" in str(raised.value)
    assert PASSWORD not in everything_said(raised.value)


def test_without_the_driver_it_names_the_extra() -> None:
    """In a process whose interpreter has no psycopg, as after an install without the extra."""
    command = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from airflow_provider_ninebits.cli.main import main\n"
        "sys.exit(main(['messages', 'list']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", command],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": f"postgresql://a:{PASSWORD}@127.0.0.1/n",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == USAGE
    assert "pip install 'airflow-provider-ninebits[postgres]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_nothing_of_it_is_logged_with_the_password(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for wrong in WRONG_LEDGERS.values():
        with pytest.raises(LedgerError):
            read(wrong.make(place))
    assert PASSWORD not in caplog.text
