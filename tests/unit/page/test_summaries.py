"""Calls grouped by what the reader's clock says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_ninebits.ledger.states import RecipientState
from airflow_provider_ninebits.ledger.statistics import Totals
from airflow_provider_ninebits.page.filters import Given, NotUnderstood
from airflow_provider_ninebits.page.summaries import DAGS_SHOWN, columns, delays, span_of, spend, week

ANSWERED, PENDING, UNANSWERED = RecipientState.ANSWERED, RecipientState.PENDING, RecipientState.UNANSWERED
# A Sunday on which New York's clocks go back: it has 25 hours.
SUNDAY = datetime(2026, 11, 1, 4, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def totals(by_quarter: dict[datetime, dict[RecipientState, int]]) -> Totals:
    return Totals(SUNDAY, False, SUNDAY, by_quarter)


def test_a_day_is_one_of_the_readers_and_none_is_left_out() -> None:
    late, next_day = SUNDAY + timedelta(hours=24, minutes=45), SUNDAY + timedelta(hours=25)
    found = columns(
        totals({late: {ANSWERED: 2}, next_day: {ANSWERED: 1, PENDING: 4}}), SUNDAY + timedelta(days=5), NEW_YORK
    )
    assert [(column.label, sum(column.counts.values())) for column in found] == [
        ("01 Nov", 2),
        ("02 Nov", 5),
        ("03 Nov", 0),
        ("04 Nov", 0),
        ("05 Nov", 0),
    ]
    assert found[1].counts["pending"] == 4


def test_a_short_span_is_shown_by_the_hour() -> None:
    found = columns(totals({SUNDAY + timedelta(hours=1, minutes=15): {ANSWERED: 3}}), SUNDAY + timedelta(hours=3), UTC)
    assert [(column.label, sum(column.counts.values())) for column in found] == [
        ("Sun 04:00", 0),
        ("Sun 05:00", 3),
        ("Sun 06:00", 0),
        ("Sun 07:00", 0),
    ]


def test_hours_of_the_week_are_the_readers_and_leave_out_who_waits() -> None:
    at = SUNDAY + timedelta(minutes=30)
    found = totals({at: {ANSWERED: 2, UNANSWERED: 1, PENDING: 7}, at + timedelta(hours=2): {PENDING: 1}})
    assert week(found, UTC) == {(6, 4): (3, 2)}
    assert week(found, ZoneInfo("Asia/Kathmandu")) == {(6, 10): (3, 2)}


def test_spend_is_the_dearest_first_and_hides_what_the_reader_may_not_read() -> None:
    some = totals({})
    some.by_dag = {f"d{place:02}": (place, Decimal(place)) for place in range(1, DAGS_SHOWN + 4)}
    some.by_dag |= {None: (1, Decimal("99.5")), "secret": (5, Decimal(1000)), "also": (5, Decimal(1))}
    found = spend(some, {f"d{place:02}" for place in range(50)})
    assert found[0] == ("outside of a task", None, 1, Decimal("99.5"))
    assert found[1][:2] == ("d15", "d15")
    assert len(found) == DAGS_SHOWN + 2
    assert found[-2] == ("other DAGs", None, 1 + 2 + 3 + 4, Decimal(10))
    assert found[-1] == ("DAGs that you may not read", None, 10, Decimal(1001))
    assert some.amount == sum(cost for *_, cost in found)


def test_delays_are_named_from_end_to_end() -> None:
    names = [name for name, _ in delays(totals({}))]
    assert names[:2] == ["up to 10 s", "10 s to 20 s"]
    assert names[-2:] == ["15 min to 1 h", "over 1 h"]


def test_days_begin_at_midnight_of_the_reader() -> None:
    lagos = ZoneInfo("Africa/Lagos")
    since, until = span_of(Given((("days", "7"), ("until", "2026-01-31"))), lagos)
    assert until == datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert since == datetime(2026, 1, 24, 23, tzinfo=UTC)
    since, until = span_of(Given(), UTC)
    assert (since.hour, since.minute) == (0, 0)
    assert timedelta(days=30) <= until - since < timedelta(days=31)


@pytest.mark.parametrize("query", [{"days": "0"}, {"days": "367"}, {"days": "-1"}, {"since": "2999-01-01"}])
def test_a_span_that_is_none_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(NotUnderstood):
        span_of(Given(tuple(query.items())), UTC)
