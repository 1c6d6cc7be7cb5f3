"""What stands in the page's URLs."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import given as holds_for
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.browsing import Key, MessageFilter
from airflow_provider_ninebits.ledger.dead_letter_pages import CallbackKey
from airflow_provider_ninebits.page.filters import (
    Given,
    NotUnderstood,
    airflow_path,
    read_callback_key,
    read_key,
    read_moment,
    read_place,
    read_wanted,
    read_zone,
    write_key,
)

MOMENTS = st.datetimes(timezones=st.just(UTC))


@holds_for(MOMENTS, st.from_regex("[0-9a-z]{32}", fullmatch=True))
def test_a_place_in_the_list_comes_back_from_a_url(at: datetime, name: str) -> None:
    assert read_key(write_key(Key(at, name))) == Key(at, name)


@holds_for(MOMENTS, st.text())
def test_no_other_place_reaches_the_ledger(at: datetime, name: str) -> None:
    with pytest.raises(NotUnderstood):
        read_key(write_key(Key(at, name)))


@holds_for(MOMENTS, st.integers(0, 2**63 - 1))
def test_a_place_among_callbacks_comes_back_from_a_url(at: datetime, number: int) -> None:
    assert read_callback_key(write_key(CallbackKey(at, number))) == CallbackKey(at, number)
    with pytest.raises(NotUnderstood):
        read_key(write_key(CallbackKey(at, number)))


@holds_for(st.text())
def test_whatever_else_stands_there_is_an_error_in_words(text: str) -> None:
    for read in (read_key, read_callback_key, read_place):
        with suppress(NotUnderstood):
            read(text)


@holds_for(st.lists(st.tuples(st.text(), st.text())))
def test_any_query_is_read_or_refused_in_words(pairs: list[tuple[str, str]]) -> None:
    named = [(name, value) for _, value in pairs for name in ("since", "until", "tz", "number", "map_index", "run_id")]
    for some in (pairs, named):
        with suppress(NotUnderstood):
            assert isinstance(read_wanted(Given.of(some)), MessageFilter)


@holds_for(st.lists(st.tuples(st.sampled_from(["a", "b", "after"]), st.text(min_size=1))))
def test_a_link_keeps_what_it_does_not_change(pairs: list[tuple[str, str]]) -> None:
    given = Given(tuple(pairs))
    query = parse_qsl(given.with_(after="x").removeprefix("?"), keep_blank_values=True)
    assert query == [*((name, value) for name, value in pairs if name != "after"), ("after", "x")]
    assert "after" not in dict(parse_qsl(given.with_(after=None).removeprefix("?")))


def test_moments_are_of_the_zone_that_is_shown() -> None:
    given = Given((("since", "2026-01-31"), ("until", "2026-01-31"), ("tz", "Africa/Lagos")))
    lagos = read_zone(given)
    begin = datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert read_moment(given, "since", lagos) == begin
    # A day that is the last one is in it.
    assert read_moment(given, "until", lagos) == begin + timedelta(days=1)
    exact = Given((("since", "2026-01-31T14:00:00+02:00"),))
    assert read_moment(exact, "since", lagos) == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0001-01-05", "1969-12-30", "9999-01-01", "9999-12-31T23:59", "9998-12-31"])
@pytest.mark.parametrize("tz", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_years_that_no_call_is_of_are_refused(text: str, tz: str) -> None:
    given = Given((("until", text), ("tz", tz)))
    with pytest.raises(NotUnderstood, match="from 1970 to 9998"):
        read_moment(given, "until", read_zone(given))


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ({"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1}, "/x/dags/d/runs/r/tasks/t"),
        ({"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": 0}, "/x/dags/d/runs/r/tasks/t/mapped/0"),
        (
            {"dag_id": "d", "run_id": "manual__2026-01-01T00:00:00+00:00/?", "task_id": "g.t", "map_index": None},
            "/x/dags/d/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00%2F%3F/tasks/g.t",
        ),
        ({"dag_id": "d", "run_id": None, "task_id": None, "map_index": None}, None),
    ],
)
def test_links_to_runs(place: dict[str, object], path: str | None) -> None:
    assert airflow_path("/x", place) == path
