"""9bits, connections and a ledger for notifiers, in each kind of database."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger.database import Database
from tests.integration.hooks.conftest import connection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["connection"]


@pytest.fixture
def ledger(database_url: str, connection: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", database_url)
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def sqlite_ledger(
    migrated_sqlite: Path, tmp_path: Path, connection: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """For what does not depend on the database."""
    file = tmp_path / "ninebits.db"
    shutil.copy(migrated_sqlite, file)
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    yield database
    database.close()
