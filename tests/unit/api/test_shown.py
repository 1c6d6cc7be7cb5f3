"""Strangers' text in a log line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.shown import shown_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Request is being processed", "Request is being processed"),
        ("two\nlines\r\x1b[31m", "two\\nlines\\r\\x1b[31m"),
        ("na\u00efve \ud800", "na\\xefve \\ud800"),
        (b"\xff\x00", "\\ufffd\\x00"),
        ("no credit for +2348020000000", "no credit for +234802***0000"),
        ("no credit for 234 802-000-0000.", "no credit for 234802***0000."),
        ("call +234 (802) 000 0000 back", "call +234802***0000 back"),
        ("call +234 / 802 / 000 0000 back", "call +234802***0000 back"),
        ("1" * 40, "***"),
        ("code 1234567", "code 1234567"),
        ("etl manual__2026-11-25T16:07:06.123456+00:00", "etl manual__2026-11-25T16:07:06.123456+00:00"),
        ('{"end_at": "2023-10-24 22:55:46"}', '{"end_at": "2023-10-24 22:55:46"}'),
        ("2023-10-24 22:55:46 2348020000000", "2023-10-24 22:55:46 234802***0000"),
        ("2348-02-00 00:00", "234***00:00"),
        ("backfill__2026-11-25", "backfill__202***25"),
        ("key k-123 is bad", "key *** is bad"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("x" * 300, "x" * 200 + "..."),
    ],
)
def test_text_is_shown_harmless(text: str | bytes, shown: str) -> None:
    assert shown_text(text, secret="k-123") == shown


@given(st.text() | st.binary())
def test_any_text_fits_on_one_line(text: str | bytes) -> None:
    shown = shown_text(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 203 * 10


@given(st.text(), st.text())
def test_a_secret_is_never_shown(before: str, after: str) -> None:
    assert "hunter-two" not in shown_text(f"{before}hunter-two{after}", secret="hunter-two")
