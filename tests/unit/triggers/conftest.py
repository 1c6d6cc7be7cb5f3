"""A real SQLite ledger, named by Airflow's options, and a watcher that polls quickly."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.triggers.watcher import Pace, Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def migrated_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ledger") / "template.db"
    template = Database(f"sqlite:///{file}")
    with template.reading():
        pass
    template.close()
    return file


@pytest.fixture
def ledger(tmp_path: Path, migrated_ledger: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    file = tmp_path / "ninebits.db"
    shutil.copy(migrated_ledger, file)
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    yield database
    database.close()


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Pace(looks_seconds=0.01, tail_seconds=0.01, sweep_seconds=0.05, deaf_seconds=0.01)
    monkeypatch.setattr(Watcher.__init__, "__defaults__", (quick,))
