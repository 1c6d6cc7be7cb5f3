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

HALVES = st.characters(categories=["Cs"])
NUMERALS = st.from_regex(r"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)


@st.composite
def bodies(draw: st.DrawFn, number: int) -> str:
    """A call as a stranger may write it: keys that come twice, escapes of half a character, and any numeral."""
    strings = st.text(st.one_of(st.characters(), HALVES), max_size=12)
    written = st.one_of(strings.map(json.dumps), NUMERALS, st.sampled_from(["[]", "{ }", "[[1], {}]", "null", "NaN"]))
    keys = st.one_of(st.sampled_from(["note", "total_amount"]), strings)
    pairs = draw(st.lists(st.tuples(keys, written), max_size=6))
    fields = [("to_number", json.dumps(str(number))), ("n", str(number)), *pairs]
    return "{" + ",".join(f"{json.dumps(key)}: {value}" for key, value in fields) + "}"


@given(st.data(), st.integers(10**9, 10**15 - 1))
def test_no_whole_number_is_left_in_a_body_that_is_masked(data: st.DataObject, number: int) -> None:
    body = data.draw(bodies(number)).encode()
    assert not re.search(rf"(?<!\d){number}(?!\d)", shown.raw(body, whole=False))
    assert str(number) in shown.raw(body, whole=True)


@given(st.data())
def test_a_body_can_be_encoded_and_says_what_came(data: st.DataObject) -> None:
    body = data.draw(bodies(2348020000000))
    whole = shown.raw(body.encode(), whole=True)
    assert read(whole) == read(body)
    for text in (whole, shown.raw(body.encode(), whole=False)):
        assert text.encode().decode() == text


def read(text: str) -> object:
    """Read JSON with every numeral as it is written, and every key as often as it comes."""
    pairs = json.loads(text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=list)
    return [
        (key.encode("utf-16", "surrogatepass").decode("utf-16", "backslashreplace"), repr(each)) for key, each in pairs
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"total_amount":30.10}', '{\n  "total_amount": 30.10\n}'),
        ('{"a":1,"a":2}', '{\n  "a": 1,\n  "a": 2\n}'),
        ("[1e400, -0.0 ,{ }, [ ] ]", "[\n  1e400,\n  -0.0,\n  {},\n  []\n]"),
        (r'{"note":"\ud800, \u00e9 and \\ud800"}', '{\n  "note": "\\ud800, é and \\\\ud800"\n}'),
        ("9" * 4301, "9" * 4096 + "\n... and some 205 characters more"),
        ("{no JSON}", "{no JSON}"),
    ],
)
def test_a_body_is_indented_and_nothing_else(body: str, said: str) -> None:
    assert shown.raw(body.encode(), whole=True) == said


@pytest.mark.parametrize("digits", [r"2348020\u0030\u0030\u0030000", r"\u0032\u0033\u0034\u0038020000000"])
def test_a_number_in_escapes_is_masked(digits: str) -> None:
    assert "234802***0000" in shown.raw(b'{"to_number":"%s"}' % digits.encode(), whole=False)


def test_what_is_nested_deeply_is_not_mostly_blanks() -> None:
    assert len(shown._indented("[" * 500 + "1" + "]" * 500)) < 50_000


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
