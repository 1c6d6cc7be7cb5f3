"""What a PostgreSQL ledger tells those who listen, and when it is silent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from airflow_provider_ninebits.ledger import notices
from airflow_provider_ninebits.ledger.engines import listening_arguments
from airflow_provider_ninebits.ledger.notices import name_of, names_in
from airflow_provider_ninebits.ledger.purging import Policy, purge
from airflow_provider_ninebits.ledger.rematching import rematch
from airflow_provider_ninebits.ledger.resolving import resolve
from airflow_provider_ninebits.ledger.retention import Windows
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    CAI,
    WINDOW,
    a_call,
    a_plan,
    accepted,
    an_answer,
    arrive,
    plan,
    sending,
    uncertain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.ledger.database import Database

Told = list[set[str] | None]


@pytest.fixture(params=["postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def told(database: Database) -> Iterator[Callable[[], Told]]:
    """What was told since the last time that was asked."""
    with database.reading():
        pass
    with psycopg.connect(**listening_arguments(database.url), autocommit=True) as connection:
        connection.execute("LISTEN ninebits")

        def heard() -> Told:
            # Comes after all that was told before, whoever told it.
            with database.writing() as writing:
                writing.exec_driver_sql("NOTIFY ninebits, 'the end'")
            found: Told = []
            for notice in connection.notifies():
                if notice.payload == "the end":
                    break
                names = names_in(notice.payload)
                found.append(None if names is None else set(names))
            return found

        yield heard


def names(*message_ids: str) -> set[str]:
    return {name_of(message_id) for message_id in message_ids}


def test_a_group_of_callbacks_tells_once_of_all_its_messages(database: Database, told: Callable[[], Told]) -> None:
    requests = [accepted(database, f"r{number}", number) for number in (ADA, BEN, CAI)]
    told()
    arrive(database, a_call(ADA), a_call(ADA, answered=False), a_call(BEN))
    assert told() == [names(requests[0].message_id, requests[1].message_id)]


def test_what_changes_nothing_tells_nothing(database: Database, told: Callable[[], Told]) -> None:
    accepted(database, "x", ADA)
    arrive(database, a_call(ADA, identity="once"))
    told()
    arrive(database, a_call(ADA, identity="once"), a_call(BEN), a_call(ADA, inbound=True))
    assert told() == []


def test_a_send_tells_nothing(database: Database, told: Callable[[], Told]) -> None:
    """Else its parts, which are sent at the same time, would wait for each other's commits."""
    accepted(database, "x", ADA)
    assert told() == []


def test_what_is_rolled_back_is_never_told(database: Database, told: Callable[[], Told]) -> None:
    request = accepted(database, "x", ADA)

    def fail() -> None:
        with database.writing() as connection:
            notices.changed(connection, [request.message_id])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    # Nor by the next transaction of the same connection, which changes nothing.
    arrive(database, a_call(BEN))
    assert told() == []


class TestOtherChangesAreTold:
    def test_an_error_at_the_callback_url(self, database: Database, told: Callable[[], Told]) -> None:
        request = accepted(database, "x", ADA)
        arrive(database, an_answer("x"))
        assert told() == [names(request.message_id)]

    def test_a_refusal_that_takes_back_what_a_callback_had_shown(
        self, database: Database, told: Callable[[], Told]
    ) -> None:
        request = sending(database, ADA)
        arrive(database, a_call(ADA, ref_id="x"))
        told()
        request.answered("refused")
        assert told() == [names(request.message_id)]

    def test_an_answer_that_brings_another_ref_id(self, database: Database, told: Callable[[], Told]) -> None:
        request = sending(database, ADA)
        arrive(database, a_call(ADA, ref_id="x"))
        told()
        request.answered("accepted", "y")
        assert told() == [names(request.message_id)]

    def test_a_persons_word(self, database: Database, told: Callable[[], Told]) -> None:
        request = uncertain(database, ADA)
        resolve(database, request.message_id, placed=True, ref_id="x", window=WINDOW)
        assert told() == [names(request.message_id)]

    def test_a_callback_that_waited(self, database: Database, told: Callable[[], Told]) -> None:
        arrive(database, a_call(BEN, ref_id="x"))
        request = accepted(database, "x", BEN)
        assert told() == []
        rematch(database, window=WINDOW, ref_ids=["x"])
        assert told() == [names(request.message_id)]

    def test_a_plan_that_gives_way(self, database: Database, told: Callable[[], Told]) -> None:
        before = plan(database, a_plan((ADA,), key="k")).parts[0]
        plan(database, a_plan((BEN,), key="k"), replan=True)
        assert told() == [names(before.message_id)]

    def test_a_purge(self, database: Database, told: Callable[[], Told]) -> None:
        request = accepted(database, "x", ADA)
        arrive(database, a_call(ADA))
        told()
        nothing = timedelta()
        purge(database, Policy(nothing, Windows(nothing, nothing)), pause=lambda _: None)
        assert names(request.message_id) in told()
