"""A receiver on a SQLite ledger of its own, and a sender of callbacks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

CREDENTIALS = ("ninebits", "secret")


@pytest.fixture
def ledger_folder(tmp_path: Path, migrated_sqlite: Path) -> Path:
    folder = tmp_path / "ledger"
    folder.mkdir()
    shutil.copy(migrated_sqlite, folder / "ninebits.db")
    return folder


@pytest.fixture
def ledger_url(ledger_folder: Path) -> str:
    return f"sqlite:///{ledger_folder / 'ninebits.db'}"


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Database]:
    database = Database(ledger_url)
    yield database
    database.close()


@pytest.fixture
def receiver_url(ledger_url: str) -> Iterator[str]:
    with served(ReceiverSettings(ledger_url, passwords=("secret",))) as url:
        yield url


@pytest.fixture
def sender(receiver_url: str) -> Iterator[httpx.Client]:
    """Who knows the password."""
    with httpx.Client(base_url=receiver_url, auth=CREDENTIALS, trust_env=False, timeout=30) as client:
        yield client
