"""Whether a ledger could be made is tried before it is, and nothing of the trial stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, inspect, make_url

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable
from airflow_provider_ninebits.ledger.making import probe_making

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL


def tables_at(url: str) -> list[str]:
    engine = create_engine(url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()


def test_where_it_could_nothing_is_made(empty_database_url: str, tmp_path: Path) -> None:
    probe_making(Database(empty_database_url))
    assert list(tmp_path.iterdir()) == []
    assert tables_at(empty_database_url) == []


def test_nor_in_a_file_that_is_there_and_empty(tmp_path: Path) -> None:
    (tmp_path / "n.db").touch()
    probe_making(Database(f"sqlite:///{tmp_path / 'n.db'}"))
    assert tables_at(f"sqlite:///{tmp_path / 'n.db'}") == []


@pytest.mark.parametrize("path", ["no/such/folder/n.db", "a-file/n.db"])
def test_what_is_no_folder_is_told(tmp_path: Path, path: str) -> None:
    (tmp_path / "a-file").touch()
    database = Database(f"sqlite:///{tmp_path / path}")
    for asked in (database.version, lambda: probe_making(database)):
        with pytest.raises(LedgerUnusable, match=r"the folder of the ledger, .* does not exist; create it"):
            asked()


def test_a_folder_that_takes_no_file_is_told_to_root_too() -> None:
    with pytest.raises(LedgerUnreachable, match="its folder /proc takes no new file"):
        probe_making(Database("sqlite:////proc/n.db"))


def test_a_folder_that_nobody_may_look_into_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Root, which tests may be, is let in everywhere.
    monkeypatch.setattr("pathlib.Path.is_dir", refused)
    with pytest.raises(LedgerUnusable, match=r"cannot be looked into \(Permission denied\)"):
        Database(f"sqlite:///{tmp_path / 'n.db'}").version()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_server_that_takes_no_write_is_told(empty_database_url: str) -> None:
    read_only = make_url(empty_database_url).update_query_dict({"options": "-c default_transaction_read_only=on"})
    with pytest.raises(LedgerUnreachable, match="read-only"):
        probe_making(Database(read_only.render_as_string(hide_password=False)))


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_user_who_may_make_no_tables_is_told(empty_database_url: str, postgres: URL) -> None:
    engine = create_engine(empty_database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS reader")
        connection.exec_driver_sql("CREATE ROLE reader LOGIN")
    engine.dispose()
    theirs = make_url(empty_database_url).set(username="reader", password=None)
    with pytest.raises(LedgerUnusable, match="GRANT CREATE ON SCHEMA public"):
        probe_making(Database(theirs.render_as_string(hide_password=False)))
