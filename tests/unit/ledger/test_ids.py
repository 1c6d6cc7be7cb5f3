"""Ids in the order of planning, and which of them a request at some moment can belong to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.ids import LATE_AFTER, lowest_id, new_id

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MS = timedelta(milliseconds=1)
PLANNED = st.timedeltas(timedelta(0), LAST - FIRST).map(FIRST.__add__)


@given(PLANNED)
def test_an_id_is_as_long_as_its_column(planned: datetime) -> None:
    assert len(new_id(planned)) == 32


@given(PLANNED)
def test_what_is_compared_is_digits_alone(planned: datetime) -> None:
    """In Danish `aa` is a letter behind z, and numbers in texts may be compared as numbers: so are databases set up."""
    assert re.fullmatch(r"\d{5}x\d{5}x\d{5}r[a-p]{14}", new_id(planned))
    assert re.fullmatch(r"\d{5}x\d{5}x\d{5}", lowest_id(planned))


@given(PLANNED, PLANNED)
def test_what_is_planned_later_has_a_larger_one(one: datetime, other: datetime) -> None:
    if abs(one - other) >= MS:
        assert (new_id(one) < new_id(other)) == (one < other)


def test_no_two_are_the_same() -> None:
    at = datetime(2026, 11, 30, tzinfo=UTC)
    assert len({new_id(at) for _ in range(1000)}) == 1000


@given(PLANNED, st.timedeltas(timedelta(0), 2 * LATE_AFTER), st.timedeltas(timedelta(0), 2 * LATE_AFTER))
def test_no_request_that_is_not_late_is_left_out(planned: datetime, later: timedelta, earlier: timedelta) -> None:
    message_id, requested = new_id(planned), planned + min(later, LAST - planned)
    since = requested - min(earlier, requested - FIRST)
    if message_id >= lowest_id(requested):
        assert message_id >= lowest_id(since)


@given(PLANNED, st.timedeltas(timedelta(0), LATE_AFTER - MS))
def test_a_request_within_that_time_is_not_late(planned: datetime, later: timedelta) -> None:
    assert new_id(planned) >= lowest_id(planned + min(later, LAST - planned))


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), FIRST, FIRST + LATE_AFTER])
def test_before_the_first_id_none_is_left_out(moment: datetime) -> None:
    assert lowest_id(moment) <= new_id(FIRST)
