from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.replanning import Difference, Overlap, compare

SOME = st.frozensets(st.integers(0, 9))


@pytest.mark.parametrize(
    ("overlap", "change"),
    [
        pytest.param(Overlap(2, 2, 2, 2, 2), None, id="the same, nothing sent"),
        pytest.param(Overlap(2, 2, 0, 2, 0), None, id="the same, all sent"),
        pytest.param(Overlap(3, 2, 2, 2, 2), Difference("1 numbers were added, 0 are gone", True), id="one more"),
        pytest.param(
            Overlap(1, 2, 2, 1, 1), Difference("0 numbers were added, 1 are gone", True), id="one unsent is gone"
        ),
        pytest.param(
            Overlap(1, 2, 1, 1, 1), Difference("0 numbers were added, 1 are gone", False), id="one sent is gone"
        ),
        pytest.param(
            Overlap(2, 2, 1, 2, 1, media_differs=True, unsent_media_differs=True),
            Difference("0 numbers were added, 0 are gone, the media is another one", True),
            id="other media",
        ),
        pytest.param(
            Overlap(2, 2, 0, 2, 0, media_differs=True),
            Difference("0 numbers were added, 0 are gone, the media is another one", False),
            id="other media, all sent",
        ),
        pytest.param(
            Overlap(2, 2, 2, 2, 2, unsent_without_zones=True),
            Difference("0 numbers were added, 0 are gone, the calling hours are those of each destination now", True),
            id="zones that are not known",
        ),
    ],
)
def test_what_has_changed_and_whether_the_rest_is_planned_anew(overlap: Overlap, change: Difference | None) -> None:
    assert compare(overlap) == change


@given(given_now=SOME, kept=SOME, unsent=SOME)
def test_counts_say_what_sets_would(given_now: frozenset[int], kept: frozenset[int], unsent: frozenset[int]) -> None:
    unsent -= kept
    stored = kept | unsent
    counts = Overlap(len(given_now), len(stored), len(unsent), len(given_now & stored), len(given_now & unsent))
    change = compare(counts)
    assert (change is None) == (given_now == stored)
    if change is not None:
        assert change.plan_rest_anew == (given_now - kept != unsent)
        assert change.difference == (
            f"{len(given_now - stored)} numbers were added, {len(stored - given_now)} are gone"
        )
