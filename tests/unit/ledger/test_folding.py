from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.folding import CallRecord, RecipientRecord, fold_call
from airflow_provider_ninebits.ledger.states import RecipientState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def call(minute: int, *, answered: bool = False, amount: str | None = None, received: int | None = None) -> CallRecord:
    return CallRecord(
        received_at=at(minute + 2 if received is None else received),
        started_at=at(minute),
        answered_at=at(minute) + timedelta(seconds=9) if answered else None,
        ended_at=at(minute + 1),
        total_duration=60,
        call_duration=51 if answered else 0,
        total_amount=None if amount is None else Decimal(amount),
    )


def fold(*calls: CallRecord) -> RecipientRecord:
    return reduce(fold_call, calls, RecipientRecord())


def test_nothing_came() -> None:
    assert fold() == RecipientRecord(state=RecipientState.PENDING, attempts=0)


def test_one_call_is_told_as_it_came() -> None:
    one = call(0, answered=True, amount="30")

    assert fold(one) == RecipientRecord(
        RecipientState.ANSWERED, 1, one.started_at, one.answered_at, one.ended_at, 60, 51, Decimal(30), one.received_at
    )


def test_a_call_without_any_time_still_counts() -> None:
    folded = fold(CallRecord(received_at=NOON))

    assert (folded.state, folded.attempts, folded.last_callback_at) == (RecipientState.UNANSWERED, 1, NOON)


def test_the_last_of_several_unanswered_calls_is_shown() -> None:
    assert fold(call(0), call(10), call(5)).started_at == at(10)


def test_the_first_of_several_answered_calls_is_shown() -> None:
    assert fold(call(5, answered=True), call(0, answered=True), call(9)).started_at == at(0)


def test_an_answered_call_is_shown_before_a_later_unanswered_one() -> None:
    folded = fold(call(0, answered=True), call(10))

    assert (folded.state, folded.started_at, folded.attempts) == (RecipientState.ANSWERED, at(0), 2)


def test_what_the_attempts_cost_adds_up() -> None:
    assert fold(call(0, amount="0.1"), call(1), call(2, amount="0.2")).total_amount == Decimal("0.3")


def test_amounts_never_grow_past_what_the_ledger_holds() -> None:
    assert fold(*(call(place, amount="999999") for place in range(12))).total_amount == Decimal(9 * 10**6)
    assert fold(call(0, amount="999999999")).total_amount == Decimal(9 * 10**6)


def test_an_amount_that_nobody_reported_is_not_zero() -> None:
    assert fold(call(0)).total_amount is None


def test_the_last_callback_is_the_one_that_arrived_last() -> None:
    assert fold(call(0, received=50), call(10, received=20)).last_callback_at == at(50)


def test_a_failed_recipient_who_is_rung_after_all_is_not_failed() -> None:
    rung = fold_call(RecipientRecord(RecipientState.FAILED, last_callback_at=NOON), call(0))

    assert (rung.state, rung.started_at) == (RecipientState.UNANSWERED, at(0))


moments = st.none() | st.integers(0, 5).map(at)
seconds = st.none() | st.integers(0, 3)
calls = st.builds(
    CallRecord,
    received_at=st.integers(0, 5).map(at),
    started_at=moments,
    answered_at=moments,
    ended_at=moments,
    total_duration=seconds,
    call_duration=seconds,
    total_amount=st.none() | st.decimals(0, 100, places=3),
)


@given(st.lists(calls, max_size=6).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_calls_changes_nothing(orders: tuple[list[CallRecord], list[CallRecord]]) -> None:
    one, other = orders

    assert fold(*one) == fold(*other)


@given(st.lists(calls, min_size=1, max_size=6))
def test_what_is_shown_is_one_of_the_calls(some: list[CallRecord]) -> None:
    folded = fold(*some)
    names = ("started_at", "answered_at", "ended_at", "total_duration", "call_duration")

    assert tuple(getattr(folded, n) for n in names) in [tuple(getattr(c, n) for n in names) for c in some]
    assert folded.attempts == len(some)
    assert (folded.state is RecipientState.ANSWERED) == any(c.answered_at for c in some)


@given(calls)
def test_folding_takes_nothing_back(one: CallRecord) -> None:
    answered = RecipientRecord(RecipientState.ANSWERED, 1, answered_at=NOON)

    assert fold_call(answered, one._replace(answered_at=None)).answered_at == NOON
