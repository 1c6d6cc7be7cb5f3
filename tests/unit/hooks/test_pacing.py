from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.pacing import Pace, pace_delay_seconds, read_parallel, read_rate


@pytest.mark.parametrize(
    ("last_began", "now", "rate", "delay_seconds"),
    [
        (None, 100.0, 2.0, 0.0),
        (100.0, 100.0, None, 0.0),
        (100.0, 100.0, 2.0, 0.5),
        (100.0, 100.2, 2.0, 0.3),
        (100.0, 100.5, 2.0, 0.0),
        (100.0, 107.0, 2.0, 0.0),
        (100.0, 100.0, 0.1, 10.0),
    ],
)
def test_a_request_waits_until_the_rate_allows_it(
    last_began: float | None, now: float, rate: float | None, delay_seconds: float
) -> None:
    assert pace_delay_seconds(last_began, now, rate) == pytest.approx(delay_seconds)


@pytest.mark.parametrize("rate", [0, -1, True, "2", float("nan"), float("inf")])
def test_a_rate_is_a_number_above_zero(rate: object) -> None:
    with pytest.raises(InvalidArgument, match="max_requests_per_second"):
        read_rate(rate)


def test_a_rate_is_none_or_what_was_given() -> None:
    assert (read_rate(None), read_rate(2), read_rate(0.5)) == (None, 2.0, 0.5)


@pytest.mark.parametrize("many", [0, -1, True, 1.5, "1.5", 65, "10000000000", "many", "²"])
def test_requests_at_once_are_a_whole_number_up_to_64(many: object) -> None:
    with pytest.raises(InvalidArgument, match="max_parallel_requests"):
        read_parallel(many)


def test_requests_at_once_are_what_was_given_or_not_said() -> None:
    assert [read_parallel(many) for many in (None, "", 1, "16", 64)] == [None, None, 1, 16, 64]


class TestTurns:
    def test_with_a_rate_the_next_turn_comes_when_the_request_before_has_begun(self) -> None:
        clock, order, waits = [100.0], [], threading.Event()
        pace = Pace(0.25)

        def nap(seconds: float) -> None:
            clock[0] += seconds

        def second() -> None:
            waits.set()
            with pace.ticket() as ticket, pace.turn(ticket, nap, lambda: clock[0]) as begin:
                begin()
                order.append(clock[0])

        other = threading.Thread(target=second)
        with pace.ticket() as ticket:
            with pace.turn(ticket, nap, lambda: clock[0]) as begin:
                other.start()
                waits.wait()
                # The claim takes long; nobody begins meanwhile.
                clock[0] = 200.0
                assert order == []
                begin()
                other.join()
                assert order == [204.0]
            # Its own end gives back nothing that another one holds now.
            with pace.turn(ticket, nap, lambda: clock[0]):
                assert pace._turn.locked()

    def test_a_turn_that_comes_to_no_request_is_given_up(self) -> None:
        pace = Pace(1.0)
        for _ in range(2):
            with pytest.raises(KeyError), pace.ticket() as ticket, pace.turn(ticket, lambda _: None, lambda: 0.0):
                raise KeyError
        assert pace._last_began is None

    def test_a_turn_that_is_not_waited_for_to_its_end_is_given_up(self) -> None:
        pace = Pace(1.0)
        pace._last_began = 0.0

        def stopped(_: float) -> None:
            raise KeyError

        with pytest.raises(KeyError), pace.ticket() as ticket, pace.turn(ticket, stopped, lambda: 0.0):
            pass
        assert not pace._turn.locked()


class TestAfterA429:
    @pytest.mark.parametrize("rate", [None, 1000.0])
    def test_nobody_else_has_a_turn_until_it_is_let_through(self, rate: float | None) -> None:
        pace, naps = Pace(rate), []
        with pace.ticket() as limited, pace.ticket() as other:
            pace.limited(limited)

            def nap(seconds: float) -> None:
                naps.append(seconds)
                if len(naps) == 2:
                    with pace.turn(limited, naps.append, lambda: 0.0):
                        naps.append(-1.0)
                if len(naps) == 4:
                    pace.let_through(limited)

            with pace.turn(other, nap, lambda: 0.0):
                assert naps == [0.1, 0.1, -1.0, 0.1]

    def test_who_has_the_turn_of_the_rate_already_gives_it_back(self) -> None:
        clock, pace, order = [100.0], Pace(0.25), []
        pace._last_began = 100.0
        with pace.ticket() as limited, pace.ticket() as other:

            def nap(seconds: float) -> None:
                clock[0] += seconds
                if clock[0] == 102.0:
                    # A 429 comes while it waits for the rate to allow it.
                    pace.limited(limited)
                if seconds == 0.1 and not order:
                    order.append("limited")
                    with pace.turn(limited, nap, lambda: clock[0]) as begin:
                        begin()
                    pace.let_through(limited)

            with pace.turn(other, nap, lambda: clock[0]):
                order.append("other")
        assert order == ["limited", "other"]

    def test_several_go_one_after_another_in_the_order_of_their_429s(self) -> None:
        pace, went = Pace(None), []
        with pace.ticket() as first, pace.ticket() as second:
            pace.limited(first)
            pace.limited(second)
            pace.limited(first)

            def nap(_: float) -> None:
                with pace.turn(first, lambda _: None, lambda: 0.0):
                    went.append("first")
                pace.let_through(first)

            with pace.turn(second, nap, lambda: 0.0):
                went.append("second")
        assert went == ["first", "second"]

    def test_a_part_that_ends_holds_nobody_back(self) -> None:
        pace = Pace(None)
        with suppress(KeyError), pace.ticket() as limited:
            pace.limited(limited)
            raise KeyError
        with pace.ticket() as other, pace.turn(other, lambda _: pytest.fail("it waits"), lambda: 0.0):
            pass

    def test_they_count_against_a_part_only_while_no_other_is_let_through(self) -> None:
        pace = Pace(None)
        with pace.ticket() as part, pace.ticket() as other:
            assert [pace.limited(part) for _ in range(3)] == [1, 2, 3]
            pace.let_through(other)
            assert [pace.limited(part) for _ in range(5)] == [1, 2, 3, 4, 5]
