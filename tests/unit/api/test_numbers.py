"""Destinations: what is read, what is refused before anything is sent, and what is shown of them."""

from __future__ import annotations

import re
import types
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.errors import InvalidRecipient
from airflow_provider_ninebits.api.numbers import canonical_number, mask_number, read_recipients

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("2348020000000", "2348020000000"),
        (2348020000000, "2348020000000"),
        ("+2348020000000", "2348020000000"),
        ("002348020000000", "2348020000000"),
        ("+00 234 802 000 0000", "2348020000000"),
        (" +234 (802) 000-0000 ", "2348020000000"),
        ("+234.802.000.0000", "2348020000000"),
        ("+44 (0)20 7946 0958", "442079460958"),
        ("234\u2011802\u20130000000", "2348020000000"),
        ("07080670000", "07080670000"),
        ("1", "1"),
        ("1" * 20, "1" * 20),
        ("1" * 21, None),
        (10**20, None),
        (0, None),
        (-2348020000000, None),
        ("00", None),
        ("+", None),
        ("", None),
        ("  ", None),
        ("++2348020000000", None),
        ("234802000000x", None),
        ("٢٣٤٨٠٢٠٠٠٠٠٠٠", None),
        ("(+234) 802 000 0000", "2348020000000"),
        ("2348020000000.0", None),
        # With its dot taken for a separator it would be another, longer number.
        ("+2348020000000.0", None),
        ("+234 802 000 0000.00", None),
        ("2.34802E+12", None),
        ("2348020000000,2348030000000", None),
        (2348020000000.0, None),
        (Decimal("2348020000000"), None),
        (True, None),
        (None, None),
        (b"2348020000000", None),
        (["2348020000000"], None),
    ],
)
def test_a_number_is_compared_by_its_digits(value: object, number: str | None) -> None:
    assert canonical_number(value) == number


@given(ANYTHING)
def test_comparing_never_raises_and_gives_digits_or_nothing(value: object) -> None:
    number = canonical_number(value)
    assert number is None or re.fullmatch(r"[0-9]{1,20}", number)


@given(st.integers(1, 10**20 - 1))
def test_a_canonical_number_is_its_own_canonical_form(value: int) -> None:
    number = canonical_number(value)
    assert number is not None
    assert canonical_number(number) == number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2348020000000", "234802***0000"),
        ("+234 802 000 0000", "234802***0000"),
        (2348020000000, "234802***0000"),
        ("18005550100", "1800***0100"),
        ("12345678", "123***78"),
        ("1234567", "1***"),
        ("1", "1***"),
        (None, "<NoneType that is no number>"),
        ("Jane Doe", "<str that is no number>"),
    ],
)
def test_a_shown_number_is_masked(value: object, shown: str) -> None:
    assert mask_number(value) == shown


@given(st.integers(10, 10**20 - 1))
def test_a_mask_hides_three_digits_at_least(number: int) -> None:
    beginning, _, ending = mask_number(number).partition("***")
    assert str(number).startswith(beginning)
    assert str(number).endswith(ending)
    assert len(beginning + ending) <= max(len(str(number)) - 3, 1)


@pytest.mark.parametrize(
    ("to", "recipients"),
    [
        ("2348020000000", ["2348020000000"]),
        ("+234 802 000 0000", ["2348020000000"]),
        (2348020000000, ["2348020000000"]),
        (["2348020000000", "002348030000000"], ["2348020000000", "2348030000000"]),
        (("2348030000000", 2348020000000), ["2348030000000", "2348020000000"]),
        (["2348020000000", "+234-802-000-0000", "2348020000000"], ["2348020000000"]),
        # One phone, dialled with a national 0 in it or without.
        (["+23408020000000", "2348020000000"], ["2348020000000"]),
        (["+39 06 1234 5678"], ["390612345678"]),
        ((number for number in ("2348020000000", "2348030000000")), ["2348020000000", "2348030000000"]),
        ({"2348020000000": "Ada"}.keys(), ["2348020000000"]),
        ("['2348020000000', '+2348030000000']", ["2348020000000", "2348030000000"]),
        ('["2348020000000", 2348030000000]', ["2348020000000", "2348030000000"]),
        ("('2348020000000',)", ["2348020000000"]),
        ("(234) 802 000 0000", ["2348020000000"]),
        ("(+234) 802 000 0000", ["2348020000000"]),
        ("+234 (0)802 000 0000", ["2348020000000"]),
    ],
)
def test_recipients_are_read_once_each_and_in_order(to: object, recipients: list[str]) -> None:
    assert read_recipients(to) == recipients


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (None, "did the upstream task"),
        ("None", "did the upstream task"),
        ("", "did the upstream task"),
        ("  ", "did the upstream task"),
        ([], "empty"),
        ("[]", "empty"),
        (iter(()), "empty"),
        ({}, "dict"),
        ({"2348020000000": "Ada"}, "dict"),
        (types.MappingProxyType({"2348020000000": "Ada"}), "mappingproxy"),
        (b"2348020000000", "bytes"),
        (bytearray(b"2348020000000"), "bytearray"),
        (True, "bool"),
        (2348020000000.0, "float"),
        (object(), "object"),
        ("{'2348020000000': 'Ada'}", "no list"),
        ("['2348020000000'", "no list"),
        ("{{ ti.xcom_pull('people') }}", "not rendered"),
        ("08020000000", "country code"),
        ("8020000000000000000", "country code"),
        ("2348", "country code"),
        # What can be dialled at home only, without an area code.
        ("49123", "country code"),
        ("44123456", "country code"),
        ("2348020000", "country code"),
        ("+1 555 1234", "country code"),
        ("Ada", "country code"),
        ("2348020000000.0", "country code"),
        ("+2348020000000.0", "country code"),
        ("2348020000000, 2348030000000", "country code"),
        (["2348020000000", "08020000000"], "number 2 of 2"),
        (["2348020000000", None], "number 2 of 2"),
        (["2348020000000", ["2348030000000"]], "number 2 of 2"),
        (["2348020000000", 2348030000000.0], "number 2 of 2"),
    ],
)
def test_what_cannot_be_rung_is_an_error_that_says_why(to: object, said: str) -> None:
    with pytest.raises(InvalidRecipient, match=said):
        read_recipients(to)


def test_the_error_masks_the_number_and_names_the_fix() -> None:
    with pytest.raises(InvalidRecipient) as caught:
        read_recipients(["2348020000000", "08031234567"])
    assert "0803***4567" in str(caught.value)
    assert "08031234567" not in str(caught.value)
    assert "national 0" in str(caught.value)


@given(ANYTHING | st.text(alphabet="0123456789+-() .[]{},'\"\\", max_size=60))
def test_anything_is_recipients_or_an_invalid_recipient(to: object) -> None:
    try:
        recipients = read_recipients(to)
    except InvalidRecipient:
        return
    assert recipients
    assert len(set(recipients)) == len(recipients)
    assert read_recipients(recipients) == recipients


@given(st.lists(st.integers(0, 10**7 - 1).map(lambda last: f"234802{last:07}"), max_size=50, unique=True))
def test_recipients_that_are_read_stay_as_they_are(numbers: list[str]) -> None:
    if numbers:
        assert read_recipients(numbers) == numbers
