"""What a connection to a PostgreSQL ledger is like: its time-outs, its locks, its pool."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from airflow_provider_ninebits.hooks.outages import opened_ledger
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database, lock_numbers
from airflow_provider_ninebits.ledger.driver import run
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable
from airflow_provider_ninebits.ledger.receivers import register
from tests.integration.conftest import create_on_server, run_on_server
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_plan, claimed, plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import URL


@pytest.fixture
def ledger_url(postgres: URL, migrated_postgres: str) -> URL:
    return create_on_server(postgres, migrated_postgres)


def opened(url: URL, options: str = "") -> Database:
    """A ledger, with settings of the server's that its URL asks for."""
    return Database(url.update_query_dict({"options": options}).render_as_string(hide_password=False))


def test_the_schema_that_a_url_asks_for_is_used(postgres: URL) -> None:
    """``options`` of the URL and our own time-outs go together."""
    fresh = create_on_server(postgres, None)
    run_on_server(fresh, "CREATE SCHEMA calls")
    database = opened(fresh, "-csearch_path=calls")
    with database.reading() as connection:
        found = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in ("statement_timeout", "lock_timeout")
        ]
        tables = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'calls' AND tablename LIKE 'ninebits_%%'"
        ).scalar_one()
    database.close()
    assert found == ["1min", "30s"]
    # And the one with the version.
    assert tables == len(schema.metadata.tables) + 1


def test_a_pooler_that_drops_the_settings_of_a_connection_is_refused(
    ledger_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind one that lends a connection for a transaction only, two sends would read each other's temporary tables."""
    connect = psycopg.connect

    def through_a_pooler(*given: Any, options: str = "", **named: Any) -> Any:
        return connect(*given, **named)

    monkeypatch.setattr("psycopg.connect", through_a_pooler)
    monkeypatch.setattr("psycopg.Connection.connect", through_a_pooler)
    database = opened(ledger_url)
    with pytest.raises(LedgerUnusable, match="a pooler stands in between"), database.reading():
        pass
    database.close()


def test_what_takes_too_long_is_an_outage_that_says_so(ledger_url: URL) -> None:
    hurried = opened(ledger_url, "-cstatement_timeout=100")
    with pytest.raises(LedgerUnreachable, match="overloaded, or another session blocks it"), hurried.reading() as busy:
        busy.exec_driver_sql("SELECT pg_sleep(60)")
    # The connection is good for the next one.
    with hurried.reading() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    hurried.close()


def test_a_lock_that_is_not_given_is_an_outage_that_says_so(ledger_url: URL) -> None:
    holder = opened(ledger_url)
    hurried = opened(ledger_url, "-clock_timeout=100")
    with holder.writing() as connection:
        connection.exec_driver_sql("LOCK TABLE ninebits_receiver IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LedgerUnreachable, match="another session holds it"):
            register(hurried, "a-host")
    assert register(hurried, "a-host")
    for database in (holder, hurried):
        database.close()


def test_who_is_suspended_in_a_transaction_loses_its_locks(ledger_url: URL) -> None:
    options = "-cidle_in_transaction_session_timeout=100"
    asleep = opened(ledger_url, options)
    awake = opened(ledger_url)

    def dream() -> None:
        with asleep.writing() as connection:
            connection.exec_driver_sql("LOCK TABLE ninebits_receiver IN ACCESS EXCLUSIVE MODE")
            # It waits until the other's session is ended, and has the lock then.
            with awake.reading() as other:
                other.exec_driver_sql("SELECT count(*) FROM ninebits_receiver")
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(LedgerUnreachable):
        dream()
    for database in (asleep, awake):
        database.close()


def test_a_pool_without_a_free_connection_is_an_outage(ledger_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.ledger.engines._POOL_SIZE", 1)
    monkeypatch.setattr("airflow_provider_ninebits.ledger.engines._POOL_OVERFLOW", 0)
    monkeypatch.setattr("airflow_provider_ninebits.ledger.engines.CONNECT_TIMEOUT_SECONDS", 0.1)
    database = opened(ledger_url)
    with database.reading(), pytest.raises(LedgerUnreachable, match="TimeoutError"), database.reading():
        pass
    database.close()


def test_a_task_waits_for_a_connection_as_long_as_the_others_may_take(
    ledger_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.ledger.engines._POOL_SIZE", 1)
    monkeypatch.setattr("airflow_provider_ninebits.ledger.engines.CONNECT_TIMEOUT_SECONDS", 0.1)
    database = opened_ledger(ledger_url.render_as_string(hide_password=False))

    def look() -> object:
        with database.reading() as connection:
            return connection.exec_driver_sql("SELECT 1").scalar_one()

    with ThreadPoolExecutor(3) as pool:
        with database.reading() as slow:
            waiting = [pool.submit(look) for _ in range(3)]
            slow.exec_driver_sql("SELECT pg_sleep(0.5)")
        assert [each.result() for each in waiting] == [1, 1, 1]
    database.close()


def end_sessions(url: URL) -> None:
    """What a restart of the server does to the connections that are open."""
    run_on_server(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


def test_a_connection_that_died_while_it_was_idle_is_replaced(ledger_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.ledger.engines._TRUSTED_SECONDS", -1.0)
    database = opened(ledger_url)
    assert register(database, "a-host")
    end_sessions(ledger_url)
    assert register(database, "a-host")
    database.close()


@pytest.mark.parametrize("use", [Database.writing, Database.reading])
def test_a_connection_that_is_lost_under_the_drivers_own_statements_is_an_outage_once(
    ledger_url: URL, use: Callable[[Database], AbstractContextManager[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """The hot statements go past SQLAlchemy, whose pool learns of it all the same."""
    database = opened(ledger_url)

    def ask() -> None:
        with use(database) as connection:
            run(connection, "SELECT 1")
            end_sessions(ledger_url)
            run(connection, "SELECT 1")

    with pytest.raises(LedgerUnreachable):
        ask()
    with database.writing() as connection:
        assert run(connection, "SELECT 1").fetchone() == (1,)
    database.close()
    assert [record.message for record in caplog.records] == []


def test_a_statement_of_the_drivers_own_that_takes_too_long_is_an_outage_that_says_so(ledger_url: URL) -> None:
    hurried = opened(ledger_url, "-cstatement_timeout=100")
    with pytest.raises(LedgerUnreachable, match="overloaded, or another session blocks it"), hurried.writing() as busy:
        run(busy, "SELECT pg_sleep(60)")
    hurried.close()


def test_what_is_written_past_sqlalchemy_is_committed_and_rolled_back_with_the_rest(ledger_url: URL) -> None:
    database = opened(ledger_url)
    with database.writing() as connection:
        run(connection, "CREATE TABLE kept (id integer)")

    def write_and_fail() -> None:
        with database.writing() as connection:
            run(connection, "CREATE TABLE lost (id integer)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with database.reading() as connection:
        found = run(connection, "SELECT to_regclass('kept')::text, to_regclass('lost')::text").fetchone()
    database.close()
    assert found == ("kept", None)


def test_a_transaction_that_matches_reads_no_table_as_a_whole(ledger_url: URL) -> None:
    """However empty it is, or was when the statement was first used."""
    database = opened(ledger_url)
    names = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "plan_cache_mode")
    with database.writing() as connection:
        lock_numbers(connection, ["2348020000000"])
        matching = [run(connection, f"SHOW {name}").fetchone()[0] for name in names]
        plan = run(connection, "EXPLAIN SELECT id FROM ninebits_recipient WHERE number = ANY (%s)", (["1"],)).fetchall()
    with database.writing() as connection:
        others = [run(connection, f"SHOW {name}").fetchone()[0] for name in names]
    database.close()
    assert (matching, others) == (["off"] * 3 + ["force_generic_plan"], ["on"] * 3 + ["force_custom_plan"])
    assert "Seq Scan" not in str(plan)


def test_a_claim_is_planned_once(ledger_url: URL) -> None:
    database = opened(ledger_url)
    for number in (ADA, BEN, CAI):
        claimed(database, plan(database, a_plan((number,))).parts[0].message_id)
    asked = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE starts_with(statement, 'WITH taken')"
    with database.reading() as connection:
        found = run(connection, asked).fetchall()
    database.close()
    assert found == [(3, 0)]


class TaskTimeout(BaseException):
    """As Airflow's: a time-out that no ``except Exception`` takes for an error of its own."""


@pytest.mark.parametrize("use", [Database.writing, Database.reading])
def test_a_time_out_in_the_middle_of_a_statement_comes_through(
    ledger_url: URL, use: Callable[[Database], AbstractContextManager[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    database, other = opened(ledger_url), opened(ledger_url)

    def end(*_: object) -> None:
        raise TaskTimeout

    def ask() -> None:
        with use(database) as connection:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            # It waits for the test's lock until the time-out comes.
            run(connection, "LOCK TABLE ninebits_receiver IN ACCESS EXCLUSIVE MODE")

    before = signal.signal(signal.SIGALRM, end)
    try:
        with other.writing() as holding:
            run(holding, "LOCK TABLE ninebits_receiver IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(TaskTimeout):
                ask()
        # And it holds nothing, nor is it what the next one gets.
        assert register(database, "a-host")
    finally:
        signal.signal(signal.SIGALRM, before)
        for each in (database, other):
            each.close()
    assert [record.message for record in caplog.records] == []
