from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.arrays import array
from airflow_provider_ninebits.ledger.states import RecipientState


def read(written: str) -> list[str | None]:
    """Return what PostgreSQL reads in an array of one dimension."""
    assert (written[0], written[-1]) == ("{", "}")
    values: list[str | None] = []
    rest = written[1:-1]
    while rest:
        value = ""
        if rest[0] == '"':
            place = 1
            while rest[place] != '"':
                place += rest[place] == "\\"
                value += rest[place]
                place += 1
            values.append(value)
            place += 1
        else:
            value = rest.partition(",")[0]
            values.append(None if value == "NULL" else value)
            place = len(value)
        assert rest[place : place + 1] in ("", ",")
        rest = rest[place + 1 :]
    return values


texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@given(st.lists(st.one_of(st.none(), texts, st.sampled_from(['"', "\\", ",", "{}", "NULL", ""]))))
def test_texts_are_read_as_they_were(values: list[str | None]) -> None:
    assert read(array(values)) == values


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))))
def test_numbers_are_read_as_they_were(values: list[int | None]) -> None:
    assert [None if each is None else int(each) for each in read(array(values))] == values


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([True, False], ["t", "f"]),
        ([True, None], ["t", None]),
        ([b"\x00\xff", b""], ["\\x00ff", "\\x"]),
        ([NOON, NOON.replace(hour=13)], ["2026-11-30 12:00:00.000000+00", "2026-11-30 13:00:00.000000+00"]),
        ([NOON, None], ["2026-11-30 12:00:00.000000+00", None]),
        ([Decimal("0.1"), Decimal(2)], ["100000000", "2000000000"]),
        ([RecipientState.PENDING, RecipientState.FAILED], ["pending", "failed"]),
        ([RecipientState.PENDING, "failed", None], ["pending", "failed", None]),
        ([], []),
    ],
    ids=str,
)
def test_each_kind_is_written_as_its_column_has_it(values: list[Any], written: list[str | None]) -> None:
    assert read(array(values)) == written
