"""Lists that a template made into text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.errors import InvalidMessage
from airflow_provider_ninebits.api.rendered import rendered_list


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("one", ["one"]),
        (" one ", ["one"]),
        (7, [7]),
        (["a", "b"], ["a", "b"]),
        (("a",), ["a"]),
        ('["a", "b"]', ["a", "b"]),
        ("['a', 'b']", ["a", "b"]),
        ("('a', 'b')", ["a", "b"]),
        ("{'a'}", ["a"]),
        ("[1, 2]", [1, 2]),
        ("['a', None]", ["a", None]),
        ("(0802) 123-4567", ["(0802) 123-4567"]),
        ("(+234) 802 000 0000", ["(+234) 802 000 0000"]),
    ],
)
def test_a_list_is_read_from_what_jinja_made_of_it(value: object, items: list[object]) -> None:
    assert rendered_list(value, "to") == items


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "is None"),
        ("", "upstream"),
        ("  ", "upstream"),
        ("None", "upstream"),
        ("null", "upstream"),
        ("Undefined", "upstream"),
        ("[]", "empty list"),
        ("()", "empty list"),
        ([], "empty list"),
        (set(), "empty list"),
        ({"a": 1}, "dict"),
        (b"one", "bytes"),
        ("{'a': 1}", "no list"),
        ("{}", "no list"),
        ("[1, 2", "no list"),
        ("[open('x')]", "no list"),
        ("(a word)", "no list"),
        ("{{ numbers }}", "not rendered"),
        ("[" * 100_000, "no list"),
        ("{[1]}", "no list"),
        ("['\0']", "no list"),
    ],
)
def test_an_error_says_what_came_instead(value: object, why: str) -> None:
    with pytest.raises(InvalidMessage, match=f"^ref_id .*{why}"):
        rendered_list(value, "ref_id")


@given(st.lists(st.one_of(st.text(), st.integers(), st.none()), min_size=1))
def test_both_renderings_of_a_list_give_the_list(items: list[object]) -> None:
    assert rendered_list(json.dumps(items), "to") == items
    assert rendered_list(repr(items), "to") == items


@given(st.text())
def test_any_text_is_items_or_an_invalid_message(text: str) -> None:
    try:
        assert rendered_list(text, "to")
    except InvalidMessage as error:
        assert str(error).startswith("to ")
