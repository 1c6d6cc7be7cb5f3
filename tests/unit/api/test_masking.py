"""Strangers' text in a log line."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.masking import masked_numbers, shown_text
from airflow_provider_ninebits.api.numbers import canonical_number


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
        ("call 234\u00a0802\u00a0000\u00a00001 back", "call 234802***0001 back"),
        ("call 234\u2013802\u2011000\u20150001 back", "call 234802***0001 back"),
        ("call 234,802,000,0000 back", "call 234802***0000 back"),
        ("call 234_802_000_0000 back", "call 234802***0000 back"),
        ("call 234\t802\n000   -  (0000) back", "call 234802***0000) back"),
        ("+2348020000000".encode("utf-16-le"), "+\\x00234802***0000\\x00"),
        (r'{"to": "234\u00a08020000001"}', '{"to": "234802***0001"}'),
        ("2348020000000, 2348020000001", "234802***0000, 234802***0001"),
        ("2348020000000.0", "234802***0000"),
        ("12, 2026-11-25T16:07:06", "12, 2026-11-25T16:07:06"),
        ("task_1__2026-11-25T16:07:06 3\t2026-11-25 16:07", "task_1__2026-11-25T16:07:06 3\\t2026-11-25 16:07"),
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


MARKS = "".join(mark for mark in map(chr, range(0x3100)) if canonical_number(f"1{mark}1") == "11")
"""All marks that our reader leaves out of a number."""


@given(
    st.sampled_from(["", "+", "00", "+44 (0)", "(0"]),
    st.lists(st.tuples(st.sampled_from("0123456789"), st.text(MARKS, max_size=4)), min_size=8, max_size=20),
)
def test_what_our_reader_takes_for_a_number_is_masked(start: str, digits: list[tuple[str, str]]) -> None:
    written = start + "".join(digit + marks for digit, marks in digits)
    number = canonical_number(written)
    assume(number is not None and len(number) >= 8)
    masked = masked_numbers(f"to {written}: busy")
    assert "***" in masked
    assert len(re.sub("[^0-9]", "", masked)) <= len(str(number)) - 3


@pytest.mark.parametrize(
    "text",
    [
        "1" * 8192,
        "1 " * 4096,
        "1\x00" * 4096,
        ("1" + " " * 1100) * 7,
        ("1234567x" * 1024),
        ("1,-_" * 7 + "\\") * 300,
        "1" + "\\u00a0" * 1300,
        "2026-11-25 " * 740,
        "2026-11-25 16:07 1" * 450,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    masked_numbers(text)
    assert time.process_time() - began < 0.5
