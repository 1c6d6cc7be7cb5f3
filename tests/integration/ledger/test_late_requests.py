"""Messages that were planned long before they were requested: their ids do not tell when that was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import bindparam, select

from airflow_provider_ninebits.ledger import ids, parts, schema
from airflow_provider_ninebits.ledger.columns import UtcDateTime
from airflow_provider_ninebits.ledger.driver import Query
from airflow_provider_ninebits.ledger.planning import Planned
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    a_call,
    a_plan,
    accepted,
    arrive,
    claimed,
    lapse,
    match_states,
    plan,
    row,
    sending,
    set_columns,
    states,
)

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database


def planned_before(database: Database, age: timedelta, *numbers: str) -> str:
    """Plan a message some time ago; return its id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "new_id", lambda now: ids.new_id(now - age))
        made: Planned = plan(database, a_plan(numbers))
    return made.parts[0].message_id


@pytest.mark.parametrize(
    ("age", "late"),
    [
        (timedelta(0), False),
        (ids.LATE_AFTER - timedelta(hours=1), False),
        (ids.LATE_AFTER + timedelta(hours=1), True),
        (ids.LATE_AFTER + timedelta(days=365), True),
    ],
)
@pytest.mark.parametrize("ref_id", [None, "its own", "one that nobody knows yet"])
def test_calls_of_it_are_found(database: Database, age: timedelta, late: bool, ref_id: str | None) -> None:
    request = claimed(database, planned_before(database, age, ADA, BEN))
    assert row(database, schema.request, id=request.id)["late"] is late
    request.answered(*(("uncertain", None) if ref_id == "one that nobody knows yet" else ("accepted", "its own")))
    arrive(database, a_call(ADA, ref_id=ref_id), a_call(BEN, ref_id=ref_id, answered=False))
    assert states(database, request) == ["answered", "unanswered"]
    assert match_states(database) == ["matched", "matched"]


def test_a_resend_of_it_is_late_too(database: Database) -> None:
    first = claimed(database, planned_before(database, timedelta(days=9), ADA))
    lapse(database, first.message_id)
    again = claimed(database, first.message_id, resend=True)
    assert row(database, schema.request, id=again.id)["late"] is True
    again.answered("accepted", "again")
    arrive(database, a_call(ADA))
    assert states(database, again) == ["answered"]


def test_calls_of_one_that_was_requested_long_ago_are_found_by_their_ref_id_alone(database: Database) -> None:
    ago = timedelta(days=9)
    request = claimed(database, planned_before(database, ago, ADA, BEN))
    request.answered("accepted", "of then")
    set_columns(database, schema.request, {"started_at": datetime.now(UTC) - ago, "late": False}, id=request.id)
    arrive(database, a_call(ADA), a_call(BEN, ref_id="of then"))
    assert states(database, request) == ["pending", "answered"]
    assert match_states(database) == ["unmatched", "matched"]


def test_a_late_one_and_a_new_one_are_both_candidates(database: Database) -> None:
    late = claimed(database, planned_before(database, timedelta(days=9), ADA))
    late.answered("accepted", "late")
    new = accepted(database, "new", ADA)
    arrive(database, a_call(ADA, identity="first"))
    arrive(database, a_call(ADA, identity="second"))
    assert sorted(states(database, late, new)) == ["answered", "answered"]


def test_a_call_that_says_it_began_long_ago_is_of_the_message_of_then(database: Database) -> None:
    ago = timedelta(days=9)
    request = claimed(database, planned_before(database, ago, ADA))
    request.answered("accepted", "of then")
    then = datetime.now(UTC) - ago
    set_columns(database, schema.request, {"started_at": then, "late": False}, id=request.id)
    arrive(database, a_call(ADA, start=then + timedelta(minutes=1)))
    assert states(database, request) == ["answered"]


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_a_call_may_say_that_it_began_whenever_it_likes(database: Database, year: int) -> None:
    request = sending(database, ADA)
    request.answered("accepted", "its own")
    arrive(database, a_call(ADA, start=datetime(year, 6, 1, tzinfo=UTC)))
    assert states(database, request) == ["answered"]


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "moment",
    [
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 2, 0, 0, 0, 1999, tzinfo=UTC),
        datetime(2026, 11, 30, 12, 34, 56, 789_999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_the_server_reckons_ids_as_we_do(database: Database, moment: datetime) -> None:
    asked = Query(select(ids.lowest_id_at(bindparam("moment", type_=UtcDateTime()))))
    with database.reading() as connection:
        [(found,)] = asked.rows(connection, moment=moment)
    assert found == ids.lowest_id(moment)
