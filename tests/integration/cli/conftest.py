"""A simulator, a ledger of either kind, and Airflow's options and connections that lead there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.cli.main import main
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.simulator import RunningSimulator

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def connected(database_url: str, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the ledger that the options name; connections lead to the simulator, and to nowhere."""
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", database_url)
    fields = {"conn_type": "ninebits", "password": "an-api-key", "host": simulator.base_url, "extra": {"timeout": 20}}
    monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_DEFAULT", json.dumps(fields))
    monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_BAD_KEY", json.dumps(fields | {"password": "bad"}))
    monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_NOWHERE", json.dumps(fields | {"host": "http://127.0.0.1:9"}))
    return database_url


@pytest.fixture
def receiver(connected: str, simulator: RunningSimulator) -> Iterator[str]:
    """The real receiver, which 9bits' callbacks come to."""
    with served(ReceiverSettings(connected, passwords=("secret",))) as url:
        simulator.set_callback_url(f"{url}/ninebits/callback".replace("://", "://ninebits:secret@"))
        yield url
        simulator.set_callback_url(None)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; gives its exit status, stdout and stderr."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_command
