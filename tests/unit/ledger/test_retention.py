from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.retention import (
    REPEATS_END_AFTER,
    PartFacts,
    SendFate,
    Windows,
    fate,
    loose_until,
)
from airflow_provider_ninebits.ledger.states import MessageState as S

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOWS = Windows(match=DAY, attempt=timedelta(hours=6))
OLD = timedelta(days=90)
SECOND = timedelta(seconds=1)


def part(state: str = "accepted", age: timedelta = 2 * OLD, **differently: int | bool) -> PartFacts:
    placed = state in ("accepted", "sending", "uncertain")
    return PartFacts(S(state), NOW - age, **{"maybe_placed": placed, **differently})


def fate_of(*parts: PartFacts, older_than: timedelta = OLD, unsettled_too: bool = False) -> SendFate:
    return fate(parts, NOW, older_than=older_than, windows=WINDOWS, unsettled_too=unsettled_too)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([part()], SendFate.PURGED, id="settled"),
        pytest.param([part(unanswered=3)], SendFate.PURGED, id="not answered, long ago"),
        pytest.param([part(pending=1)], SendFate.PURGED, id="a callback never came, and none can come that matches"),
        pytest.param([part(age=OLD - SECOND)], SendFate.YOUNG, id="not old enough"),
        pytest.param([part(), part(age=DAY)], SendFate.YOUNG, id="one of its parts is not"),
        pytest.param([part("uncertain")], SendFate.UNSETTLED, id="uncertain"),
        pytest.param([part("sending")], SendFate.UNSETTLED, id="its sender never came back"),
        pytest.param([part(), part("uncertain")], SendFate.UNSETTLED, id="one of its parts is uncertain"),
        pytest.param([part(), part("planned")], SendFate.UNSETTLED, id="the rest is still to be sent"),
        pytest.param([part(), part("refused")], SendFate.PURGED, id="the rest was refused"),
        pytest.param([part("refused")], SendFate.FORGOTTEN, id="refused as a whole"),
        pytest.param([part("planned")], SendFate.FORGOTTEN, id="never begun"),
        pytest.param([part("refused"), part("planned")], SendFate.FORGOTTEN, id="given up after a refusal"),
        pytest.param([part("planned", maybe_placed=True)], SendFate.UNSETTLED, id="planned again after a doubt"),
        pytest.param([part("replaced"), part()], SendFate.PURGED, id="planned anew, and placed"),
        pytest.param([part("replaced", maybe_placed=True)], SendFate.PURGED, id="a zombie placed what was replaced"),
    ],
)
def test_the_fate_of_a_send(parts: list[PartFacts], expected: SendFate) -> None:
    assert fate_of(*parts) is expected


@pytest.mark.parametrize("state", ["uncertain", "sending", "planned", "refused"])
def test_what_is_unsettled_goes_when_it_is_asked_for_and_quiet(state: str) -> None:
    still = part(state, age=WINDOWS.quiet - SECOND)
    quiet = part(state, age=WINDOWS.quiet)
    assert fate_of(part(), still, older_than=timedelta(), unsettled_too=True) is SendFate.UNSETTLED
    assert fate_of(part(), quiet, older_than=timedelta(), unsettled_too=True) is SendFate.PURGED


@pytest.mark.parametrize(
    ("young", "settled_after"),
    [
        pytest.param({}, timedelta(), id="everybody answered"),
        pytest.param({"unanswered": 1}, WINDOWS.attempt, id="somebody may be tried again"),
        pytest.param({"pending": 1}, WINDOWS.quiet, id="a callback may come"),
        pytest.param({"state": "refused"}, WINDOWS.quiet, id="a retry may send it"),
        pytest.param({"state": "planned"}, WINDOWS.quiet, id="somebody may be planning it"),
    ],
)
def test_however_few_days_are_asked_for_it_has_to_be_settled(young: dict[str, int], settled_after: timedelta) -> None:
    assert fate_of(part(**young, age=settled_after), older_than=timedelta()) in (SendFate.PURGED, SendFate.FORGOTTEN)
    if settled_after:
        assert fate_of(part(**young, age=settled_after - SECOND), older_than=timedelta()) is SendFate.UNSETTLED


def test_a_callback_that_may_still_find_its_recipient_stays() -> None:
    assert loose_until(NOW, older_than=timedelta(), windows=WINDOWS) == NOW - DAY - REPEATS_END_AFTER
    assert loose_until(NOW, older_than=OLD, windows=WINDOWS) == NOW - OLD


parts = st.lists(
    st.builds(
        PartFacts,
        state=st.sampled_from(S),
        last_event_at=st.timedeltas(timedelta(), 2 * OLD).map(lambda age: NOW - age),
        pending=st.integers(0, 2),
        unanswered=st.integers(0, 2),
        maybe_placed=st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
ages = st.timedeltas(timedelta(), 2 * OLD)
GOING = (SendFate.PURGED, SendFate.FORGOTTEN)


@given(parts, ages, st.booleans())
def test_what_goes_is_old_and_what_a_person_has_to_end_stays(
    facts: list[PartFacts], older_than: timedelta, unsettled_too: bool
) -> None:
    where = fate_of(*facts, older_than=older_than, unsettled_too=unsettled_too)
    if where in GOING:
        assert all(each.last_event_at <= NOW - older_than for each in facts)
        in_doubt = any(each.state in (S.SENDING, S.UNCERTAIN) for each in facts)
        assert unsettled_too or not in_doubt
    if where is SendFate.FORGOTTEN:
        assert not any(each.maybe_placed for each in facts)


@given(parts, ages, ages)
def test_asking_for_more_days_takes_less(facts: list[PartFacts], one: timedelta, other: timedelta) -> None:
    fewer, more = sorted((one, other))
    if fate_of(*facts, older_than=more) in GOING:
        assert fate_of(*facts, older_than=fewer) in GOING


@given(parts, ages)
def test_asking_for_what_is_unsettled_too_takes_more(facts: list[PartFacts], older_than: timedelta) -> None:
    taken, with_unsettled = (fate_of(*facts, older_than=older_than, unsettled_too=too) for too in (False, True))
    if taken in GOING:
        assert with_unsettled is taken


@pytest.mark.parametrize(("state", "placed"), list(product(S, [False, True])))
def test_a_key_is_forgotten_only_where_nobody_can_have_been_rung(state: S, placed: bool) -> None:
    where = fate_of(PartFacts(state, NOW - 2 * OLD, maybe_placed=placed), unsettled_too=True)
    assert where is (
        SendFate.FORGOTTEN if not placed and state not in (S.ACCEPTED, S.SENDING, S.UNCERTAIN) else SendFate.PURGED
    )
