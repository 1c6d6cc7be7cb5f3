from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.contacts import MOST_STEPS, read_contacts, read_rounds

ADA, BEN, CAI = "2348020000000", "2348030000000", "2348050000000"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        pytest.param([ADA, BEN], [(ADA,), (BEN,)], id="numbers"),
        pytest.param([f"+{ADA}", [BEN, CAI]], [(ADA,), (BEN, CAI)], id="a list is rung at once"),
        pytest.param(f"['{ADA}', '{BEN}']", [(ADA,), (BEN,)], id="what a template made of a list"),
        pytest.param([f"['{ADA}', '{BEN}']", CAI], [(ADA, BEN), (CAI,)], id="a contact that a template made"),
        pytest.param(f'["{ADA}", ["{BEN}", "{CAI}"]]', [(ADA,), (BEN, CAI)], id="JSON"),
        pytest.param(ADA, [(ADA,)], id="one number"),
        pytest.param([ADA, ADA], [(ADA,), (ADA,)], id="one who is rung twice in a round"),
    ],
)
def test_contacts_are_read(given: Any, read: list[tuple[str, ...]]) -> None:
    assert read_contacts(given) == read


@pytest.mark.parametrize("given", [None, [], "", "None", [ADA, None], [ADA, []], [ADA, "nobody"], [ADA, "12"]])
def test_what_cannot_be_rung_is_an_error(given: Any) -> None:
    with pytest.raises(InvalidArgument, match="contacts"):
        read_contacts(given)


def test_the_error_says_which_one_without_its_number() -> None:
    with pytest.raises(InvalidArgument, match=r"contacts\[1\]") as caught:
        read_contacts([ADA, "+999020000000"])
    assert "999020000000" not in str(caught.value)


@pytest.mark.parametrize("rounds", [0, -1, True, "2", 1.5, None])
def test_rounds_are_whole(rounds: Any) -> None:
    with pytest.raises(InvalidArgument, match="rounds"):
        read_rounds(rounds, 2)


def test_there_are_not_too_many_steps() -> None:
    assert read_rounds(MOST_STEPS // 2, 2) == MOST_STEPS // 2
    with pytest.raises(InvalidArgument, match="rung at once"):
        read_rounds(MOST_STEPS // 2 + 1, 2)
