"""What a PostgreSQL ledger tells those who listen, and when it is silent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from airflow_provider_ninebits.ledger import notices, schema
from airflow_provider_ninebits.ledger.engines import listening_arguments
from airflow_provider_ninebits.ledger.notices import MOST_COUNTED, Notice, name_of, read
from airflow_provider_ninebits.ledger.outcomes import look
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
    set_columns,
    uncertain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.ledger.database import Database

Told = list[set[str] | None]
Heard = list[Notice | None]


@pytest.fixture(params=["postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def heard(database: Database) -> Iterator[Callable[[], Heard]]:
    """What was told since the last time that was asked."""
    with database.reading():
        pass
    with psycopg.connect(**listening_arguments(database.url), autocommit=True) as connection:
        connection.execute("LISTEN ninebits")

        def heard() -> Heard:
            # Comes after all that was told before, whoever told it.
            with database.writing() as writing:
                writing.exec_driver_sql("NOTIFY ninebits, 'the end'")
            found: Heard = []
            for notice in connection.notifies():
                if notice.payload == "the end":
                    break
                found.append(read(notice.payload))
            return found

        yield heard


@pytest.fixture
def told(heard: Callable[[], Heard]) -> Callable[[], Told]:
    """Of which messages that was, by names or by counts."""

    def of(notice: Notice | None) -> set[str] | None:
        return None if notice is None else {*notice.names, *(name_of(each.id) for each in notice.counts)}

    return lambda: [of(notice) for notice in heard()]


def names(*message_ids: str) -> set[str]:
    return {name_of(message_id) for message_id in message_ids}


def test_a_group_of_callbacks_tells_once_of_all_its_messages(database: Database, told: Callable[[], Told]) -> None:
    requests = [accepted(database, f"r{number}", number) for number in (ADA, BEN, CAI)]
    told()
    arrive(database, a_call(ADA), a_call(ADA, answered=False), a_call(BEN))
    assert told() == [names(requests[0].message_id, requests[1].message_id)]


def test_a_callback_tells_how_far_its_message_is(database: Database, heard: Callable[[], Heard]) -> None:
    request = accepted(database, "x", ADA, BEN, CAI)
    arrive(database, a_call(BEN, answered=False))
    heard()
    arrive(database, a_call(ADA), a_call(BEN, answered=False))
    [notice] = heard()
    assert notice is not None
    assert notice.names == frozenset()
    [counts] = notice.counts
    seen = look(database, ["x"], attempt_window=timedelta()).messages
    assert (counts,) == seen
    assert (counts.id, counts.recipients, counts.answered, counts.unanswered) == (request.message_id, 3, 1, 1)


def test_a_callback_that_waited_tells_that_too(database: Database, heard: Callable[[], Heard]) -> None:
    arrive(database, a_call(BEN, ref_id="x"))
    accepted(database, "x", BEN)
    rematch(database, window=WINDOW, ref_ids=["x"])
    [notice] = heard()
    assert notice is not None
    assert notice.counts == look(database, ["x"], attempt_window=timedelta()).messages


@pytest.mark.parametrize(
    ("how_many", "notices_of"), [(MOST_COUNTED, [MOST_COUNTED]), (MOST_COUNTED + 1, [1, MOST_COUNTED])]
)
def test_of_more_messages_than_fit_several_notices_tell(
    database: Database, heard: Callable[[], Heard], how_many: int, notices_of: list[int]
) -> None:
    largest = 2**31 - 2
    numbers = [str(2348020000000 + place) for place in range(how_many)]
    for place, number in enumerate(numbers):
        accepted(database, f"r{place}", number)
    set_columns(database, schema.message, dict.fromkeys(("revision", "recipients", "answered", "unanswered"), largest))
    heard()
    arrive(database, *(a_call(number) for number in numbers))
    told = [notice for notice in heard() if notice is not None]
    assert sorted(len(notice.counts) for notice in told) == notices_of
    assert {counts.answered for notice in told for counts in notice.counts} == {largest + 1}
    assert [notice.names for notice in told if notice.names] == []


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
