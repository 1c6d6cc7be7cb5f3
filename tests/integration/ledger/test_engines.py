"""What the connections of a SQLite ledger are set to: durability is nowhere else to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerUnusable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        pytest.param("synchronous", 2, id="synchronous=FULL"),
        ("foreign_keys", 1),
        ("busy_timeout", 30_000),
        ("secure_delete", 1),
    ],
)
def test_a_sqlite_ledger_is_durable_and_has_one_writer(tmp_path: Path, pragma: str, value: object) -> None:
    database = Database(f"sqlite:///{tmp_path}/ninebits.db")
    with database.reading() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
    database.close()


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(LedgerUnusable, match="another file in each folder"):
        Database("sqlite:///ninebits.db")


def test_a_connection_that_is_in_use_while_others_close_the_ledger_is_closed_when_it_comes_back(
    database: Database,
) -> None:
    with database.reading() as connection:
        raw = connection.connection.dbapi_connection
        database.close()
        connection.execute(text("SELECT 1"))
    assert raw is not None
    with pytest.raises(Exception, match="closed"):
        raw.cursor().execute("SELECT 1")


def test_to_write_back_brings_what_is_in_the_log_into_the_file(tmp_path: Path) -> None:
    file = tmp_path / "ninebits.db"
    database = Database(f"sqlite:///{file}")
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE written (a)"))
    before = file.stat().st_size
    database.write_back()
    assert file.stat().st_size > before
    database.close()


def test_to_write_back_what_is_gone_is_no_error(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    folder.mkdir()
    database = Database(f"sqlite:///{folder}/ninebits.db")
    with database.reading():
        pass
    folder.rename(tmp_path / "elsewhere")
    database.write_back()
    database.close()
