"""Figures into SVG."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.page import pictures

COUNTS = st.dictionaries(st.sampled_from(pictures.STATES), st.integers(0, 10**7))


def widths(svg: str) -> dict[str, float]:
    return {str(part.get("class")): float(str(part.get("width")).rstrip("%")) for part in ElementTree.fromstring(svg)}


@given(COUNTS)
def test_a_bar_shows_everybody_who_is_there_and_is_full(counts: dict[str, int]) -> None:
    found = widths(pictures.share_bar(counts))
    assert found.keys() == {state for state, count in counts.items() if count}
    assert all(width > 0.5 for width in found.values())
    assert sum(found.values()) == pytest.approx(100 if found else 0, abs=0.1)


def test_a_bar_has_the_shares_of_its_states() -> None:
    assert widths(pictures.share_bar({"answered": 75, "pending": 25})) == {"answered": 75.0, "pending": 25.0}


@given(st.lists(COUNTS, max_size=60))
def test_columns_stand_on_the_ground_and_below_the_top(found: list[dict[str, int]]) -> None:
    svg = pictures.columns("Calls", [pictures.Column(f"<{n}>", counts) for n, counts in enumerate(found)])
    picture = ElementTree.fromstring(svg)
    groups = picture.findall("g")
    assert len(groups) == len(found)
    for group, counts in zip(groups, found, strict=True):
        parts = [part for part in group.findall("rect") if part.get("class") in pictures.STATES]
        assert len(parts) == sum(1 for count in counts.values() if count)
        for part in parts:
            assert float(str(part.get("y"))) >= 15.9
            assert float(str(part.get("y"))) + float(str(part.get("height"))) <= 166.1
    assert picture.get("aria-label") == f"Calls: {sum(sum(counts.values()) for counts in found)} calls"


def test_the_week_has_a_cell_for_each_hour_and_says_what_it_shows() -> None:
    picture = ElementTree.fromstring(pictures.week("Answers", {(0, 9): (4, 3), (6, 23): (2, 0)}))
    cells = picture.findall("rect")
    assert len(cells) == 7 * 24
    told = [cell.findtext("title") for cell in cells if cell.get("class") == "answered"]
    assert told == ["Mon 09:00: 3 of 4 answered (75 %)", "Sun 23:00: 0 of 2 answered (0 %)"]
    assert picture.get("aria-label") == "Answers: 3 of 6 answered"


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, ""), (0, 9, "0 %"), (9, 9, "100 %"), (1, 1000, "1 %"), (999, 1000, "99 %"), (1, 2, "50 %")],
)
def test_nothing_is_called_all_or_none_that_is_not(part: int, whole: int, said: str) -> None:
    assert pictures.percent(part, whole) == said


@given(st.integers(0, 10**9))
def test_an_axis_ends_at_a_round_number_that_is_not_far(value: int) -> None:
    top = pictures.round_up(value)
    assert value <= top <= max(2 * value, 1)
    assert str(top).rstrip("0") in {"1", "2", "4", "5", "6", "8"}


@pytest.mark.parametrize(("value", "said"), [(950, "950"), (1200, "1.2k"), (2000, "2k"), (3_000_000, "3M")])
def test_counts_in_few_characters(value: int, said: str) -> None:
    assert pictures.shortened(value) == said
