"""Ladders that alerts have begun: written once, taken by one run, and left where nobody looks after them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import update

from airflow_provider_ninebits.ledger import escalations, schema
from airflow_provider_ninebits.ledger.database import Database, ledger_now
from airflow_provider_ninebits.ledger.escalations import LADDER_ENDS_WITHIN, TAKEN_WITHIN, WATCHED_WITHIN
from airflow_provider_ninebits.ledger.purging import Purged
from tests.integration.ledger.ladder import LADDER
from tests.integration.ledger.purge_scenes import let_pass, purged
from tests.integration.ledger.scenes import CAI

HOUR = timedelta(hours=1)


def make_older(database: Database, by: timedelta) -> None:
    with database.writing() as connection:
        at = ledger_now(connection) - by
        connection.execute(update(schema.escalation).values(created_at=at))


def test_it_is_read_as_it_was_written_and_written_once(database: Database) -> None:
    escalations.write(database, LADDER)
    escalations.write(database, replace(LADDER, contacts=[[CAI]]))
    assert escalations.read(database, LADDER.id) == LADDER
    assert escalations.read(database, "2" * 32) is None


def test_it_waits_until_one_run_has_taken_it(database: Database) -> None:
    escalations.write(database, LADDER)
    assert escalations.waiting(database, "default", within=HOUR) == [LADDER.id]
    assert escalations.waiting(database, "another", within=HOUR) == []
    assert escalations.take(database, [LADDER.id, LADDER.id, "2" * 32], "dag run_1") == [LADDER.id]
    assert escalations.waiting(database, "default", within=HOUR) == []
    # Its retry has it; a run that was started for it once more has not.
    assert escalations.take(database, [LADDER.id], "dag run_1") == [LADDER.id]
    assert escalations.take(database, [LADDER.id], "dag run_2") == []


def test_of_many_runs_at_once_one_takes_it(database: Database) -> None:
    escalations.write(database, LADDER)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda run: escalations.take(database, [LADDER.id], f"run {run}"), range(16)))
    assert sorted(map(len, taken)) == [0] * 15 + [1]


def test_an_old_one_is_left(database: Database) -> None:
    escalations.write(database, LADDER)
    make_older(database, HOUR)
    assert escalations.waiting(database, "default", within=HOUR - timedelta(minutes=1)) == []
    assert escalations.waiting(database, "default", within=HOUR + timedelta(minutes=1)) == [LADDER.id]


def test_somebody_looks_after_it_while_the_watch_is_fresh(database: Database) -> None:
    assert not escalations.is_followed(database, "default")
    for _ in range(2):
        escalations.note_watch(database, "default")
    assert escalations.is_followed(database, "default")
    assert not escalations.is_followed(database, "another")
    with database.writing() as connection:
        at = ledger_now(connection) - WATCHED_WITHIN - timedelta(seconds=1)
        connection.execute(update(schema.escalation_watch).values(seen_at=at))
    assert not escalations.is_followed(database, "default")


def test_nobody_does_where_one_is_left_lying(database: Database) -> None:
    escalations.note_watch(database, "default")
    escalations.write(database, LADDER)
    assert escalations.is_followed(database, "default")
    make_older(database, TAKEN_WITHIN + timedelta(seconds=1))
    assert not escalations.is_followed(database, "default")
    escalations.take(database, [LADDER.id], "dag run_1")
    assert escalations.is_followed(database, "default")


def test_a_purge_takes_it_when_nobody_rings_it_any_more(database: Database) -> None:
    escalations.write(database, LADDER)
    assert purged(database, older_than=timedelta(0)) == Purged()
    let_pass(database, LADDER_ENDS_WITHIN + timedelta(minutes=1))
    assert purged(database) == Purged()
    assert purged(database, older_than=timedelta(0)) == Purged(alerts=1)
    assert escalations.read(database, LADDER.id) is None
