from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable
from airflow_provider_ninebits.ledger.migrate import HEAD, current_version
from airflow_provider_ninebits.ledger.receivers import register
from tests.integration.ledger.scenes import rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

PROCESSES = 4


def come_first(url: str, barrier: Barrier) -> None:
    """What each process does: it uses a ledger that nobody has used before."""
    database = Database(url)
    barrier.wait(timeout=60)
    register(database, "a-host")
    database.close()


@pytest.fixture
def empty_ledger(empty_database_url: str) -> Iterator[Database]:
    ledger = Database(empty_database_url)
    yield ledger
    ledger.close()


def test_several_processes_that_come_first_at_once(empty_database_url: str, empty_ledger: Database) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    processes = [context.Process(target=come_first, args=(empty_database_url, barrier)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=90)

    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert len(rows(empty_ledger, schema.receiver)) == PROCESSES


def test_the_first_use_brings_the_schema(empty_ledger: Database) -> None:
    with empty_ledger.reading() as connection:
        assert current_version(connection) == HEAD
        assert set(schema.metadata.tables) <= set(inspect(connection).get_table_names())


def test_the_migrations_make_what_the_models_say(empty_ledger: Database) -> None:
    with empty_ledger.reading() as connection:
        options = {
            "version_table": schema.VERSION_TABLE,
            "compare_type": True,
            "compare_server_default": True,
        }
        context = MigrationContext.configure(connection, opts=options)

        assert compare_metadata(context, schema.metadata) == []


def test_a_newer_schema_is_not_written_to(empty_database_url: str, empty_ledger: Database) -> None:
    with empty_ledger.writing() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    newer = Database(empty_database_url)

    with pytest.raises(LedgerUnusable, match=r"9999.*upgrade the package"):
        register(newer, "a-host")

    assert rows(empty_ledger, schema.receiver) == []


def test_other_tables_in_the_same_database_are_left_alone(empty_ledger: Database) -> None:
    engine = create_engine(empty_ledger.url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('someone-elses')"))

    with empty_ledger.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "someone-elses"
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://a/b", "sqlite://", "sqlite:///:memory:", "no url", ""])
def test_what_cannot_be_a_ledger_is_refused_with_the_option_to_set(url: str) -> None:
    with pytest.raises(LedgerUnusable, match="sql_alchemy_conn"):
        Database(url)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'nowhere' / 'ninebits.db'}")

    with pytest.raises(LedgerUnusable, match="nowhere"), database.reading():
        pass


def test_a_server_that_is_not_there_is_an_outage_without_its_password() -> None:
    database = Database("postgresql://ninebits:secret@127.0.0.1:1/ninebits")

    with pytest.raises(LedgerUnreachable) as caught:
        register(database, "a-host")

    assert "secret" not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)


def test_a_write_that_fails_half_way_leaves_nothing(database: Database) -> None:
    register(database, "a-host")

    with pytest.raises(ZeroDivisionError):
        fail_half_way(database)

    assert len(rows(database, schema.receiver)) == 1


def fail_half_way(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(schema.receiver.delete())
        raise ZeroDivisionError
