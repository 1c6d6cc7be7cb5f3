"""A call's fields, each by itself: what cannot be read is None."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, Inexact, localcontext
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.call_fields import (
    read_amount,
    read_caller_id,
    read_inbound,
    read_seconds,
    read_status_code,
    read_time,
    read_to_number,
)

# All that JSON can be, as it is read here: a number with places is a Decimal.
SCALAR = st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
)
READERS: list[Callable[[object], object]] = [
    read_to_number,
    read_caller_id,
    read_inbound,
    read_seconds,
    read_amount,
    read_status_code,
    lambda value: read_time(value, ZoneInfo("Africa/Lagos")),
]


@pytest.mark.parametrize("read", READERS)
@given(value=JSON)
def test_no_value_of_json_raises(read: Callable[[object], object], value: object) -> None:
    assert not isinstance(read(value), (list, dict))


@pytest.mark.parametrize("text", ["1e-999999", "0e-999999", "1e999999", "-1e999999", "0e999999"])
@pytest.mark.parametrize("read", READERS)
def test_an_exponent_beyond_all_measure_costs_nothing(read: Callable[[object], object], text: str) -> None:
    for value in (text, Decimal(text)):
        found = read(value)
        # As text it may be a caller's name.
        assert not found or read is read_caller_id


@pytest.mark.parametrize(
    ("value", "status_code"),
    [
        (200, 200),
        ("200", 200),
        (Decimal("200.0"), 200),
        ("429.", 429),
        (100, 100),
        (599, 599),
        (99, None),
        (600, None),
        (2000, None),
        ("", None),
        (None, None),
        (True, None),
        (Decimal("200.5"), None),
        ("-200", None),
        ("\u0662\u0660\u0660", None),
        ([200], None),
    ],
)
def test_a_status_code_is_one_of_http(value: object, status_code: int | None) -> None:
    assert read_status_code(value) == status_code


@given(st.integers(0, 2**31 - 1))
def test_a_duration_is_the_same_as_number_text_and_decimal(seconds: int) -> None:
    assert {read_seconds(value) for value in (seconds, str(seconds), Decimal(seconds), f"{seconds}.00")} == {seconds}


@given(st.decimals(0, 10**9 - 1, places=9))
def test_an_amount_of_nine_places_is_kept_to_the_last(amount: Decimal) -> None:
    assert read_amount(amount) == read_amount(str(amount)) == amount


def test_the_callers_decimal_context_changes_no_amount() -> None:
    with localcontext() as context:
        context.prec = 2
        context.traps[Inexact] = True
        assert read_amount("123456789.1234567891") == Decimal("123456789.123456789")


@given(st.datetimes(datetime(2000, 1, 1), datetime(9998, 1, 1)))  # noqa: DTZ001
def test_a_moment_is_the_same_with_its_offset_or_in_its_zone(naive: datetime) -> None:
    moment = naive.replace(microsecond=0, tzinfo=UTC)
    assert read_time(moment.isoformat(), ZoneInfo("Africa/Lagos")) == moment
    assert read_time(f"{moment:%Y-%m-%d %H:%M:%S}", UTC) == moment
