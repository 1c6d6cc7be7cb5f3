from __future__ import annotations

import threading

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
    def test_while_one_waits_for_9bits_nobody_has_a_turn(self) -> None:
        pace, naps = Pace(None), []
        held = pace.held()
        held.__enter__()

        def nap(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 3:
                held.__exit__(None, None, None)

        with pace.turn(nap, lambda: 0.0):
            assert naps == [0.1, 0.1, 0.1]

    def test_with_a_rate_the_next_turn_comes_when_the_request_before_has_begun(self) -> None:
        clock, order, waits = [100.0], [], threading.Event()
        pace = Pace(0.25)

        def nap(seconds: float) -> None:
            clock[0] += seconds

        def second() -> None:
            waits.set()
            with pace.turn(nap, lambda: clock[0]) as begin:
                begin()
                order.append(clock[0])

        other = threading.Thread(target=second)
        with pace.turn(nap, lambda: clock[0]) as begin:
            other.start()
            waits.wait()
            # The claim takes long; nobody begins meanwhile.
            clock[0] = 200.0
            assert order == []
            begin()
            other.join()
            assert order == [204.0]
        # Its own end gives back nothing that another one holds now.
        with pace.turn(nap, lambda: clock[0]):
            assert pace._turn.locked()

    def test_a_turn_that_comes_to_no_request_is_given_up(self) -> None:
        pace = Pace(1.0)
        for _ in range(2):
            with pytest.raises(KeyError), pace.turn(lambda _: None, lambda: 0.0):
                raise KeyError
        assert pace._last_began is None
