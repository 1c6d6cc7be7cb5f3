"""What does not depend on order, repeats or what was lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.rematching import rematch
from tests.integration.ledger.model import laws
from tests.integration.ledger.model.clock import LedgerClock
from tests.integration.ledger.model.playing import examples
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_call, accepted, an_answer, sending, states, uncertain

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from airflow_provider_ninebits.ledger.callbacks import Arrival
    from airflow_provider_ninebits.ledger.database import Database

    Fresh = Callable[[], AbstractContextManager[Database]]

WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class Said:
    """What 9bits says of a request: ``how`` its answer came, if it came."""

    how: str
    numbers: tuple[str, ...]
    conn: str


@pytest.fixture
def backend() -> str:
    """Order is decided by what is read and not by who reads it: one database is enough."""
    return "sqlite"


some_numbers = st.lists(st.sampled_from((ADA, BEN, CAI)), min_size=1, max_size=3, unique=True).map(tuple)
sent = st.lists(
    st.builds(
        Said,
        st.sampled_from(("accepted", "uncertain", "answered later")),
        some_numbers,
        st.sampled_from(("one", "two")),
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def truthful_callbacks(draw: st.DrawFn) -> tuple[list[Said], list[Arrival], list[Arrival]]:
    """Messages, the callbacks with ref_ids that 9bits makes of them, and the same in another order, with repeats."""
    messages = draw(sent)
    calls = []
    for at, message in enumerate(messages):
        for number in message.numbers:
            for attempt in range(draw(st.integers(0, 2))):
                calls.append(
                    a_call(
                        number,
                        ref_id=f"r{at}",
                        answered=draw(st.booleans()),
                        start=LedgerClock.now + timedelta(seconds=10 * attempt),
                        amount=draw(st.sampled_from((None, "0.1", "30"))),
                        conn_path=draw(st.sampled_from((None, message.conn))),
                        identity=f"{at} {number} {attempt}",
                    )
                )
        if draw(st.booleans()):
            calls.append(an_answer(f"r{at}", draw(st.sampled_from((200, 400, 500))), identity=f"{at} answer"))
    again = draw(st.lists(st.sampled_from(calls), max_size=3)) if calls else []
    return messages, calls, draw(st.permutations(calls + again))


def test_with_ref_ids_the_end_is_the_same_in_every_order(fresh_ledger: Fresh) -> None:
    def played(messages: list[Said], callbacks: list[Arrival], answer_after: int) -> list[dict[str, Any]]:
        clock = LedgerClock()
        with fresh_ledger() as database, clock.in_use():
            laws.want_all_events(database)
            requests = []
            for at, message in enumerate(messages):
                begin = {"accepted": accepted, "uncertain": uncertain, "answered later": sending}[message.how]
                name = [f"r{at}"] if message.how == "accepted" else []
                requests.append(begin(database, *name, *message.numbers, conn_id=message.conn))
            for at, callback in enumerate([*callbacks, None]):
                if at == min(answer_after, len(callbacks)):
                    for which, message in enumerate(messages):
                        if message.how == "answered later":
                            requests[which].answered("accepted", f"r{which}")
                            ids = [requests[which].message_id]
                            rematch(database, window=WINDOW, ref_ids=[f"r{which}"], message_ids=ids)
                if callback is not None:
                    clock.advance(timedelta(milliseconds=1))
                    store(database, [callback], window=WINDOW)
            ledger = laws.Rows.of(database)
            laws.check(ledger, WINDOW)
            of_message = {request.message_id: at for at, request in enumerate(requests)}
            unlike = {"id": 0, "message_id": 0, "send_id": 0, "last_callback_at": None}
            end = [{**row, **unlike, "of": of_message[row["message_id"]]} for row in ledger.recipients.values()]
            return sorted(end, key=lambda row: (row["of"], row["number"]))

    @examples(50)
    @given(truthful_callbacks(), st.integers(0, 8), st.integers(0, 8))
    def check(told: tuple[list[Said], list[Arrival], list[Arrival]], answer_after: int, answer_after_too: int) -> None:
        messages, once, another_order = told
        assert played(messages, once, answer_after) == played(messages, another_order, answer_after_too)

    check()


@st.composite
def hours(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, bool]], int]:
    """How many hours, the callbacks that were not lost (hour, seconds after, answered), and which hour's was."""
    count = draw(st.integers(2, 6))
    lost = draw(st.integers(0, count - 1))
    callbacks = [(hour, draw(st.integers(0, 600)), draw(st.booleans())) for hour in range(count) if hour != lost]
    return count, draw(st.permutations(callbacks)), lost


def test_one_lost_callback_of_a_number_rung_every_hour_leaves_every_other_message_settled(fresh_ledger: Fresh) -> None:
    @examples(30)
    @given(hours(), st.integers(0, 6))
    def check(told: tuple[int, list[tuple[int, int, bool]], int], late_from: int) -> None:
        count, callbacks, lost = told
        clock = LedgerClock()
        begun_at = clock.now
        with fresh_ledger() as database, clock.in_use():
            laws.want_all_events(database)
            requests = []
            for hour in range(count):
                requests.append(accepted(database, f"r{hour}"))
                # Those of the first hours come in their hour, the rest at the end, in any order.
                clock.advance(timedelta(minutes=30))
                _arrive(database, begun_at, [c for c in callbacks if c[0] == hour < late_from])
                clock.advance(timedelta(minutes=30))
            _arrive(database, begun_at, [c for c in callbacks if c[0] >= late_from])
            by_hour = {hour: answered for hour, _, answered in callbacks}
            expected = [
                "pending" if hour == lost else "answered" if by_hour[hour] else "unanswered" for hour in range(count)
            ]
            assert states(database, *requests) == expected
            laws.check(laws.Rows.of(database), WINDOW)

    check()


def _arrive(database: Database, begun_at: Any, callbacks: list[tuple[int, int, bool]]) -> None:
    for hour, seconds, answered in callbacks:
        start = begun_at + timedelta(hours=hour, seconds=seconds)
        store(database, [a_call(start=start, answered=answered)], window=WINDOW)
