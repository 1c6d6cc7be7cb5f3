from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.states import RecipientState
from airflow_provider_ninebits.ledger.wanted import TOLD_STATES, Wanted

ADA = "2348020000001"
ANSWERED, UNANSWERED, FAILED = TOLD_STATES

numbers = st.text("0123456789", min_size=1, max_size=6)
states = st.sampled_from(TOLD_STATES)
wishes = st.builds(
    Wanted,
    deployment=st.sampled_from(["default", "other"]),
    conn_id=st.none() | st.sampled_from(["a", "b"]),
    number_prefixes=st.lists(numbers, max_size=3).map(tuple),
    states=st.lists(states, min_size=1, max_size=4).map(tuple),
)


def covers(wanted: Wanted, *, state: RecipientState = UNANSWERED, number: str = ADA, **event: str) -> bool:
    return wanted.covers(
        deployment=event.get("deployment", "default"),
        conn_id=event.get("conn_id", "ninebits"),
        number=number,
        state=state,
    )


@pytest.mark.parametrize(
    ("wanted", "wants"),
    [
        pytest.param(Wanted("default"), True, id="all"),
        pytest.param(Wanted("other"), False, id="another Airflow's"),
        pytest.param(Wanted("default", conn_id="ninebits"), True, id="this connection's"),
        pytest.param(Wanted("default", conn_id="nine"), False, id="another connection's"),
        pytest.param(Wanted("default", number_prefixes=("234802",)), True, id="a beginning"),
        pytest.param(Wanted("default", number_prefixes=("234803",)), False, id="another beginning"),
        pytest.param(Wanted("default", number_prefixes=("8020000001",)), False, id="an end"),
        pytest.param(Wanted("default", number_prefixes=("234803", "234802")), True, id="one of two beginnings"),
        pytest.param(Wanted("default", states=(UNANSWERED,)), True, id="this state"),
        pytest.param(Wanted("default", states=(ANSWERED, FAILED)), False, id="other states"),
    ],
)
def test_what_is_wanted(wanted: Wanted, wants: bool) -> None:
    assert covers(wanted) is wants


@given(wishes, numbers, states, st.sampled_from(["default", "other"]), st.sampled_from(["a", "b", "c"]))
def test_each_part_of_a_wish_only_narrows_it(
    wanted: Wanted, number: str, state: RecipientState, deployment: str, conn_id: str
) -> None:
    def wants(wish: Wanted) -> bool:
        return covers(wish, number=number, state=state, deployment=deployment, conn_id=conn_id)

    anything = Wanted(deployment)
    alone = (
        Wanted(wanted.deployment),
        replace(anything, conn_id=wanted.conn_id),
        replace(anything, states=wanted.states),
        # One prefix more can only let in more.
        replace(anything, number_prefixes=wanted.number_prefixes),
    )
    assert wants(wanted) is all(wants(each) for each in alone)
    assert wants(alone[3]) is (
        not wanted.number_prefixes or any(number[: len(prefix)] == prefix for prefix in wanted.number_prefixes)
    )


@given(wishes, st.randoms())
def test_the_order_in_which_things_are_given_makes_no_other_subscription(wanted: Wanted, random) -> None:
    shuffled = replace(
        wanted,
        number_prefixes=tuple(random.sample(wanted.number_prefixes, len(wanted.number_prefixes))),
        states=(*random.sample(wanted.states, len(wanted.states)), wanted.states[0]),
    )
    assert shuffled.subscription_id == wanted.subscription_id


@given(wishes, wishes)
def test_who_wants_something_else_has_another_subscription(one: Wanted, other: Wanted) -> None:
    def said(wanted: Wanted) -> tuple[object, ...]:
        return wanted.deployment, wanted.conn_id, set(wanted.number_prefixes), set(wanted.states)

    assert (one.subscription_id == other.subscription_id) is (said(one) == said(other))


def test_a_subscription_survives_a_new_version_of_this_package() -> None:
    # Whoever changes it lets all that is queued for somebody be forgotten at the next start.
    wanted = Wanted("default", "ninebits", ("234802",), (UNANSWERED,))
    assert wanted.subscription_id == "7a63a5c358811d423c0f5fc7a373bf9e2b017022483826f2490b6d2b1abc41fe"
