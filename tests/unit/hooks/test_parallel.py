"""Lanes: some items at once, begun in their order, and no thread left when it is over."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.hooks.parallel import Halted, Lanes

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 10


def lanes(work: Callable[[int], str], **given: object) -> Lanes[int, str]:
    options: dict[str, object] = {"told": lambda *_: None, "interrupt": lambda: None, "halted": threading.Event()}
    return Lanes(work=work, **(options | given))  # type: ignore[arg-type]


def left_lanes() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ninebits-lane")]


@pytest.mark.parametrize("many", [1, 2, 3, 50])
def test_results_come_in_the_order_of_the_items(many: int) -> None:
    told, last = [], threading.Event()

    def work(item: int) -> str:
        if item == 19:
            last.set()
        if item == 0 and many > 1:
            assert last.wait(PATIENCE_SECONDS)
        return str(item)

    found = lanes(work, told=lambda place, result: told.append((place, result))).run(range(20), many)
    assert found == [str(item) for item in range(20)]
    assert sorted(told) == [(item, str(item)) for item in range(20)]
    assert left_lanes() == []


def test_nothing_to_do_is_done() -> None:
    assert lanes(str).run([], 4) == []


def test_one_lane_is_the_thread_that_asks() -> None:
    seen = set()
    lanes(lambda _: str(seen.add(threading.current_thread()))).run(range(3), 1)
    assert seen == {threading.current_thread()}


def test_so_many_are_under_way_at_once_and_no_more() -> None:
    barrier, counted, most = threading.Barrier(4), threading.Lock(), []
    at_once = 0

    def work(_: int) -> str:
        nonlocal at_once
        with counted:
            at_once += 1
            most.append(at_once)
        barrier.wait(PATIENCE_SECONDS)
        with counted:
            at_once -= 1
        return ""

    lanes(work).run(range(8), 4)
    assert max(most) == 4


def test_who_asks_is_told_in_its_own_thread() -> None:
    threads = set()
    lanes(str, told=lambda *_: threads.add(threading.current_thread())).run(range(9), 3)
    assert threads == {threading.current_thread()}


def test_of_several_errors_the_first_items_is_raised_when_all_have_ended() -> None:
    line, ended, begun = threading.Barrier(3), [], []

    def work(item: int) -> str:
        begun.append(item)
        line.wait(PATIENCE_SECONDS)
        if item == 0:
            # The last to fail.
            while len(ended) < 2:
                threading.Event().wait(0.001)
        ended.append(item)
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        lanes(work).run(range(100), 3)
    assert sorted(begun) == [0, 1, 2]
    assert left_lanes() == []


def test_who_is_halted_has_not_failed() -> None:
    halted, line = threading.Event(), threading.Barrier(2)

    def work(item: int) -> str:
        line.wait(PATIENCE_SECONDS)
        if item == 0:
            halted.wait(PATIENCE_SECONDS)
            raise Halted
        raise ValueError("item 1")

    with pytest.raises(ValueError, match="item 1"):
        lanes(work, halted=halted).run(range(100), 2)


def test_what_is_under_way_when_another_fails_comes_to_its_end_and_is_told() -> None:
    halted, line, told = threading.Event(), threading.Barrier(2), []

    def work(item: int) -> str:
        line.wait(PATIENCE_SECONDS)
        if item == 1:
            raise ValueError("item 1")
        halted.wait(PATIENCE_SECONDS)
        return "placed"

    with pytest.raises(ValueError, match="item 1"):
        lanes(work, halted=halted, told=lambda *came: told.append(came)).run(range(100), 2)
    assert told == [(0, "placed")]


class TestAnInterruption:
    """Airflow's time-out is a SIGALRM, and what its handler raises comes up in the main thread."""

    def test_it_ends_what_is_under_way_and_outlives_no_thread(self) -> None:
        line, released, begun = threading.Barrier(4, lambda: os.kill(os.getpid(), signal.SIGINT)), threading.Event(), []
        halted = threading.Event()

        def work(item: int) -> str:
            begun.append(item)
            line.wait(PATIENCE_SECONDS)
            assert released.wait(PATIENCE_SECONDS)
            return ""

        def interrupt() -> None:
            assert halted.is_set()
            released.set()

        # A shell has what it runs in the background ignore the signal.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                lanes(work, interrupt=interrupt, halted=halted).run(range(100), 4)
        finally:
            signal.signal(signal.SIGINT, before)
        assert released.is_set()
        assert sorted(begun) == [0, 1, 2, 3]
        assert left_lanes() == []

    def test_so_does_what_is_no_exception_of_who_is_told(self) -> None:
        class TimeIsUpError(BaseException):
            """As Airflow's AirflowTaskTimeout."""

        interrupted = []

        def told(*_: object) -> None:
            raise TimeIsUpError

        with pytest.raises(TimeIsUpError):
            lanes(str, told=told, interrupt=lambda: interrupted.append(1)).run(range(100), 4)
        assert interrupted == [1]
        assert left_lanes() == []


class TestAnErrorOfWhoIsTold:
    def test_what_is_under_way_comes_to_its_end_first(self) -> None:
        halted, line, ended, told, interrupted = threading.Event(), threading.Barrier(4), [], [], []

        def work(item: int) -> str:
            if item < 4:
                line.wait(PATIENCE_SECONDS)
            if item:
                assert halted.wait(PATIENCE_SECONDS)
            ended.append(item)
            return str(item)

        def tell(*came: object) -> None:
            told.append(came)
            raise RuntimeError("XCom is away")

        with pytest.raises(RuntimeError, match="XCom"):
            lanes(work, told=tell, interrupt=lambda: interrupted.append(1), halted=halted).run(range(100), 4)
        assert {0, 1, 2, 3} <= set(ended)
        assert (told, interrupted) == ([(0, "0")], [])
        assert left_lanes() == []

    def test_an_items_own_error_goes_before_it(self) -> None:
        halted, line = threading.Event(), threading.Barrier(2)

        def work(item: int) -> str:
            if item < 2:
                line.wait(PATIENCE_SECONDS)
            if item:
                assert halted.wait(PATIENCE_SECONDS)
                raise ValueError(f"item {item}")
            return ""

        def tell(*_: object) -> None:
            raise RuntimeError("XCom is away")

        with pytest.raises(ValueError, match="item 1"):
            lanes(work, told=tell, halted=halted).run(range(100), 2)


def test_nothing_is_done_where_the_threads_are_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun = threading.Thread.start, []

    def scarce(thread: threading.Thread) -> None:
        if thread.name == "ninebits-lane-3":
            # Those before it have all the time to begin.
            threading.Event().wait(0.1)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    with pytest.raises(RuntimeError, match="new thread"):
        lanes(lambda item: str(begun.append(item))).run(range(100), 4)
    assert begun == []
    assert left_lanes() == []
