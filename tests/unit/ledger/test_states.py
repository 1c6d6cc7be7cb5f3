from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from airflow_provider_ninebits.ledger.states import (
    MAX_RESENDS_PER_CALL,
    MessageState,
    NextStep,
    PartStanding,
    RecipientState,
    RequestState,
    message_state,
    next_step,
    raised,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENDING, ACCEPTED, REFUSED, UNCERTAIN = (
    RequestState.SENDING,
    RequestState.ACCEPTED,
    RequestState.REFUSED,
    RequestState.UNCERTAIN,
)


@pytest.mark.parametrize(
    ("requests", "state"),
    [
        pytest.param([], MessageState.PLANNED, id="no request"),
        pytest.param([REFUSED], MessageState.REFUSED, id="refused"),
        pytest.param([REFUSED, REFUSED], MessageState.REFUSED, id="all refused"),
        pytest.param([UNCERTAIN, REFUSED], MessageState.UNCERTAIN, id="uncertain over refused"),
        pytest.param([SENDING, UNCERTAIN], MessageState.SENDING, id="sending over uncertain"),
        pytest.param([SENDING, REFUSED], MessageState.SENDING, id="sending over refused"),
        pytest.param([ACCEPTED, SENDING, UNCERTAIN, REFUSED], MessageState.ACCEPTED, id="accepted over all"),
    ],
)
def test_a_message_stands_where_its_requests_put_it(requests: list[RequestState], state: MessageState) -> None:
    assert {message_state(order) for order in permutations(requests)} == {state}


@pytest.mark.parametrize(
    ("current", "reported", "state"),
    [
        ("pending", "failed", "failed"),
        ("pending", "answered", "answered"),
        ("failed", "unanswered", "unanswered"),
        ("unanswered", "answered", "answered"),
        ("answered", "unanswered", "answered"),
        ("answered", "failed", "answered"),
        ("unanswered", "failed", "unanswered"),
        ("failed", "failed", "failed"),
    ],
)
def test_a_recipients_state_only_rises(current: str, reported: str, state: str) -> None:
    assert raised(RecipientState(current), RecipientState(reported)) is RecipientState(state)


def step(
    state: MessageState, *, lease_seconds: int | None = None, resend: bool = False, resends_used: int = 0
) -> NextStep:
    lease = None if lease_seconds is None else NOW + timedelta(seconds=lease_seconds)
    return next_step(PartStanding(state, lease), NOW, resend=resend, resends_used=resends_used)


@pytest.mark.parametrize("resend", [False, True])
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (MessageState.ACCEPTED, NextStep.RECEIPT),
        (MessageState.PLANNED, NextStep.SEND),
        (MessageState.REFUSED, NextStep.SEND),
    ],
)
def test_what_is_clear_needs_no_policy(state: MessageState, expected: NextStep, resend: bool) -> None:
    assert step(state, resend=resend) is expected


@pytest.mark.parametrize("resend", [False, True])
def test_a_part_with_a_live_lease_is_waited_for(resend: bool) -> None:
    assert step(MessageState.SENDING, lease_seconds=1, resend=resend) is NextStep.WAIT


@pytest.mark.parametrize(
    ("state", "lease_seconds"),
    [(MessageState.SENDING, 0), (MessageState.SENDING, -1), (MessageState.UNCERTAIN, None)],
)
class TestWhatMayHaveBeenPlaced:
    def test_fails_where_nobody_asked_for_a_resend(self, state: MessageState, lease_seconds: int | None) -> None:
        assert step(state, lease_seconds=lease_seconds) is NextStep.FAIL

    def test_is_sent_again_where_asked_for(self, state: MessageState, lease_seconds: int | None) -> None:
        assert step(state, lease_seconds=lease_seconds, resend=True, resends_used=1) is NextStep.RESEND

    def test_is_sent_again_twice_at_most(self, state: MessageState, lease_seconds: int | None) -> None:
        used = step(state, lease_seconds=lease_seconds, resend=True, resends_used=MAX_RESENDS_PER_CALL)

        assert used is NextStep.FAIL
        assert MAX_RESENDS_PER_CALL == 2


def test_a_replaced_part_is_never_sent() -> None:
    with pytest.raises(ValueError, match="replaced"):
        step(MessageState.REPLACED)
