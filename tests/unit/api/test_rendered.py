"""Lists that a template made into text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.errors import InvalidMessage
from airflow_provider_ninebits.api.rendered import rendered_list


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("9azmf1ntcl358gczduzz4rs0u", ["9azmf1ntcl358gczduzz4rs0u"]),
        ("  9azmf1ntcl358gczduzz4rs0u\n", ["9azmf1ntcl358gczduzz4rs0u"]),
        ("ledger:4f", ["ledger:4f"]),
        ("(0802) 123-4567", ["(0802) 123-4567"]),
        ("(+234) 802.000/0000", ["(+234) 802.000/0000"]),
        ("['a', 'b']", ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        ("('a', 'b')", ["a", "b"]),
        ("{'a'}", ["a"]),
        ("[2348020000000]", [2348020000000]),
        (["a", "b"], ["a", "b"]),
        (("a",), ["a"]),
        (7, [7]),
    ],
)
def test_a_rendered_list_is_a_list_again(value: object, items: list[object]) -> None:
    assert rendered_list(value, "ref_id") == items


@pytest.mark.parametrize(
    "value",
    [
        None,
        "None",
        "null",
        "",
        " ",
        "[]",
        [],
        (),
        "['a'",
        "]",
        "{'a': 1}",
        "{}",
        '{"a": 1}',
        "{{ x }}",
        "(a, b)",
        {"a": 1},
        b"a",
        "[" * 100_000,
        "[open('a')]",
        "{[1]}",
        "['\0']",
        set(),
        "[-" * 5_000,
    ],
)
def test_what_no_list_can_be_is_an_error_that_names_the_argument(value: object) -> None:
    with pytest.raises(InvalidMessage, match=r"^ref_id is "):
        rendered_list(value, "ref_id")


@given(st.lists(st.text() | st.integers(), min_size=1))
def test_what_python_shows_of_a_list_is_read_as_that_list(items: list[object]) -> None:
    assert rendered_list(repr(items), "to") == items


@given(st.text())
def test_any_text_is_items_or_an_invalid_message(text: str) -> None:
    try:
        assert rendered_list(text, "to")
    except InvalidMessage:
        return
