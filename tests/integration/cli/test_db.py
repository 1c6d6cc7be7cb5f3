"""``ninebits db``: looking changes nothing, and upgrading is looked at afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, inspect, text

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.migrate import HEAD
from airflow_provider_ninebits.ledger.schema import VERSION_TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def empty(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", empty_database_url)
    return empty_database_url


def tables(url: str) -> list[str]:
    engine = create_engine(Database(url).url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()


def test_looking_at_an_empty_database_makes_nothing(empty: str, run: Run, backend: str) -> None:
    status, out, _ = run("db", "current", "--output", "json")
    told = json.loads(out)
    assert (status, told["version"], told["package_version"], told["is_newest"]) == (1, None, HEAD, False)
    if backend == "sqlite":
        assert not Path(str(Database(empty).url.database)).exists()
    assert tables(empty) == []


def test_it_is_brought_up_to_date(empty: str, run: Run) -> None:
    status, out, _ = run("db", "upgrade", "--output", "json")
    told = json.loads(out)
    assert (status, told["before"], told["version"]) == (0, None, HEAD)
    assert VERSION_TABLE in tables(empty)
    status, out, _ = run("db", "current", "--output", "json")
    assert (status, json.loads(out)["is_newest"]) == (0, True)
    assert json.loads(run("db", "upgrade", "--output", "json")[1])["before"] == HEAD


@pytest.mark.usefixtures("empty")
def test_people_get_a_table(run: Run) -> None:
    status, out, _ = run("db", "current")
    assert status == 1
    assert "none: there are no tables yet" in out


def test_a_newer_one_is_told_and_left_alone(empty: str, run: Run) -> None:
    run("db", "upgrade")
    engine = create_engine(Database(empty).url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    engine.dispose()
    status, out, _ = run("db", "current", "--output", "json")
    assert (status, json.loads(out)["version"]) == (1, "9999")
    status, out, err = run("db", "upgrade", "--output", "json")
    assert (status, out) == (2, "")
    assert "9999" in err


@pytest.mark.parametrize("command", ["current", "upgrade"])
def test_one_that_cannot_be_reached(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", "postgresql://user:secret@127.0.0.1:9/ledger")
    status, out, err = run("db", command)
    assert (status, out) == (4, "")
    assert "secret" not in err
