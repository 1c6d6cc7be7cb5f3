"""Destinations: one phone is one number, and none is shown whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.errors import InvalidMessage, InvalidRecipient
from airflow_provider_ninebits.api.numbers import canonical_number, mask_number, parts_of, read_recipients

NUMBER = "2348020000000"


@pytest.mark.parametrize(
    "written",
    [
        "2348020000000",
        "+2348020000000",
        "002348020000000",
        "+234 802 000 0000",
        "+234-802-000-0000",
        "+234.802.000.0000",
        "(+234) 802 000 0000",
        "234\u2011802\u2011000\u20110000",
        " 2348020000000\n",
        2348020000000,
    ],
)
def test_a_number_is_compared_by_its_digits(written: object) -> None:
    assert canonical_number(written) == NUMBER


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "   ",
        "+",
        "00",
        "x",
        "0x17",
        "\u0662\u0663\u0664",
        "2348020000000x5",
        "2348020000000,2348030000000",
        True,
        False,
        0,
        -2348020000000,
        10**20,
        "1" * 21,
        2348020000000.0,
        b"2348020000000",
        ["2348020000000"],
        {},
    ],
)
def test_what_is_no_number_is_none(value: object) -> None:
    assert canonical_number(value) is None


@pytest.mark.parametrize("spreadsheets", ["2348020000000.0", "2348020000000.00", "+2348020000000.0", "2348020000000."])
def test_a_decimal_is_not_read_as_another_longer_number(spreadsheets: str) -> None:
    assert canonical_number(spreadsheets) is None
    with pytest.raises(InvalidRecipient):
        read_recipients(spreadsheets)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.binary(), st.none(), st.lists(st.integers())))
def test_a_strangers_number_never_raises(value: object) -> None:
    found = canonical_number(value)
    assert found is None or (found.isdigit() and 0 < len(found) <= 20)


@given(st.text(alphabet="123456789", min_size=1, max_size=20))
def test_reading_a_number_twice_changes_nothing(digits: str) -> None:
    assert canonical_number(canonical_number(f"+{digits}")) == digits


def test_a_mask_keeps_what_people_recognise() -> None:
    assert mask_number("+234 802 000 0000") == "234802***0000"


@given(st.text(alphabet="123456789", min_size=2, max_size=20))
def test_a_mask_hides_digits_whatever_the_length(digits: str) -> None:
    beginning, _, ending = mask_number(digits).partition("***")
    assert digits.startswith(beginning)
    assert digits.endswith(ending)
    assert len(beginning) + len(ending) <= max(len(digits) - 3, 1)


@pytest.mark.parametrize("value", [None, 1.5, "my secret", ["2348020000000"]])
def test_a_mask_shows_nothing_of_what_is_no_number(value: object) -> None:
    assert mask_number(value) == f"<{type(value).__name__} that is no number>"


@pytest.mark.parametrize(
    "to",
    [
        NUMBER,
        int(NUMBER),
        [NUMBER],
        (NUMBER, f"+{NUMBER}"),
        {NUMBER},
        iter([NUMBER, f"00{NUMBER}"]),
        f'["{NUMBER}"]',
        f"['{NUMBER}', '+234 802 000 0000']",
        "+234 (0)802 000 0000",
        "23408020000000",
        "(+234) 802 000 0000",
    ],
)
def test_one_phone_is_one_number(to: object) -> None:
    assert read_recipients(to) == [NUMBER]


def test_recipients_keep_their_order() -> None:
    assert read_recipients(["2348030000000", NUMBER, "2348030000000"]) == ["2348030000000", NUMBER]


@pytest.mark.parametrize(
    "to",
    [
        None,
        "",
        "None",
        "[]",
        [],
        (),
        {},
        b"2348020000000",
        2348020000000.0,
        True,
        object(),
        "{{ ti.xcom_pull('numbers') }}",
        "08020000000",
        "12",
        "2348020000000,2348030000000",
        [None],
        [[NUMBER]],
        ["1" * 16],
    ],
)
def test_what_cannot_be_rung_is_refused(to: object) -> None:
    with pytest.raises(InvalidRecipient, match="^to"):
        read_recipients(to)


def test_the_error_names_the_place_and_masks_the_number() -> None:
    with pytest.raises(InvalidRecipient) as caught:
        read_recipients([NUMBER, "08020000000"])
    assert "number 2 of 2" in str(caught.value)
    assert "08020000000" not in str(caught.value)
    assert isinstance(caught.value, InvalidMessage)
    assert isinstance(caught.value, ValueError)


@given(st.one_of(st.text(), st.text(alphabet="0123456789+-() .[]{},'\"\\", max_size=60), st.lists(st.text())))
def test_any_text_is_a_valid_recipient_or_an_invalid_recipient(to: object) -> None:
    try:
        found = read_recipients(to)
    except InvalidRecipient:
        return
    assert found
    assert found == list(dict.fromkeys(found))
    assert all(number.isascii() and number.isdigit() for number in found)
    assert read_recipients(found) == found


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (1000, [1000]), (1001, [1000, 1]), (2500, [1000, 1000, 500])]
)
def test_parts_hold_a_thousand_at_most(count: int, sizes: list[int]) -> None:
    recipients = [str(number) for number in range(count)]
    parts = list(parts_of(recipients))
    assert [len(part) for part in parts] == sizes
    assert [number for part in parts for number in part] == recipients
