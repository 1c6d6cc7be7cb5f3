"""How things are written on the page."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.erasing import MASK_PREFIX
from airflow_provider_ninebits.page import shown


@given(st.integers(10**9, 10**15 - 1), st.text(max_size=30))
def test_no_whole_number_is_left_in_a_body_that_is_masked(number: int, around: str) -> None:
    body = json.dumps({"to_number": str(number), "note": around, "n": number}).encode()
    assert not re.search(rf"(?<!\d){number}(?!\d)", shown.raw(body, whole=False))
    assert str(number) in shown.raw(body, whole=True)


def test_moments_in_a_masked_body_stay() -> None:
    body = b'{"start_at": "2023-10-24 22:54:06", "to_number": "2348020000000"}'
    assert "2023-10-24 22:54:06" in shown.raw(body, whole=False)
    assert "234802***0000" in shown.raw(body, whole=False)


def test_a_long_body_is_cut_after_it_was_masked() -> None:
    number = "2348020000000"
    body = b"x " * (shown.RAW_SHOWN // 2 - 3) + number.encode() + b" y" * 100_000
    cut = shown.raw(body, whole=False)
    assert len(cut) < shown.RAW_SHOWN + 100
    assert "characters more" in cut
    assert number[:7] not in cut


def test_what_is_no_text_is_shown_all_the_same() -> None:
    assert shown.raw(b"\xff\xfe{", whole=True) == "\\xff\\xfe{"
    assert "\n" in shown.raw(b'{"a": 1}', whole=True)


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, ""), (0, "0 s"), (59, "59 s"), (60, "1 min"), (95, "1 min 35 s"), (3600, "1 h"), (7320, "2 h 2 min")],
)
def test_seconds(value: int | None, said: str) -> None:
    assert shown.seconds(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(None, ""), ("0.50", "0.5"), ("1234567.250", "1,234,567.25"), ("30", "30")]
)
def test_amounts(value: str | None, said: str) -> None:
    assert shown.amount(None if value is None else Decimal(value)) == said


def test_moments_and_numbers() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert shown.moment(noon, ZoneInfo("Africa/Lagos")) == "2026-01-31 13:00:00"
    assert shown.moment(None) == ""
    assert shown.number("2348020000000", whole=False) == "234802***0000"
    assert shown.number("2348020000000", whole=True) == "2348020000000"
    assert shown.number(None, whole=True) == ""
    for whole in (True, False):
        assert shown.number(f"{MASK_PREFIX}3", whole=whole) == "masked"
