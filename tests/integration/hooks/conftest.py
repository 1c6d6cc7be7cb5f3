"""A simulator, a ledger, and Airflow's options and connection that lead there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.triggers.watcher import Pace, Watcher
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ninebits.simulator import RunningSimulator


@pytest.fixture
def ledger_url(tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    file = tmp_path / "ninebits.db"
    shutil.copy(migrated_sqlite, file)
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{file}")
    return f"sqlite:///{file}"


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Database]:
    database = Database(ledger_url)
    yield database
    database.close()


@pytest.fixture
def connection(simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"conn_type": "ninebits", "password": "an-api-key", "host": simulator.base_url, "extra": {"timeout": 20}}
    monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_DEFAULT", json.dumps(fields))
    monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_ELSEWHERE", json.dumps(fields))
    monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_BAD_KEY", json.dumps(fields | {"password": "bad"}))
    monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_IMPATIENT", json.dumps(fields | {"extra": {"timeout": 0.3}}))
    monkeypatch.setenv("AIRFLOW_CONN_NINEBITS_NOWHERE", json.dumps(fields | {"host": "http://127.0.0.1:9"}))


@pytest.fixture
def hook(connection: None, ledger: Database) -> Iterator[NineBitsHook]:
    made = NineBitsHook()
    yield made
    made.close()


@pytest.fixture
def receiver(ledger_url: str, simulator: RunningSimulator) -> Iterator[str]:
    """The real receiver, which 9bits' callbacks come to."""
    with served(ReceiverSettings(ledger_url, passwords=("secret",))) as url:
        simulator.set_callback_url(f"{url}/ninebits/callback".replace("://", "://ninebits:secret@"))
        yield url
        simulator.set_callback_url(None)


@pytest.fixture
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Pace(looks_seconds=0.02, tail_seconds=0.02, sweep_seconds=0.1, deaf_seconds=0.02)
    monkeypatch.setattr(Watcher.__init__, "__defaults__", (quick,))
    # No scheduler is here that could be outrun.
    monkeypatch.setattr("airflow_provider_ninebits.sensors.callback.SHORTEST_RESCHEDULE_SECONDS", 0.05)
