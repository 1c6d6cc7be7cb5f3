from __future__ import annotations

import asyncio
import sys
import threading
from contextvars import ContextVar
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync

from airflow_provider_ninebits.notifications.bounded import (
    Deadline,
    begin,
    is_done,
    is_done_async,
    lend,
    may_ask_airflow,
)

CARRIED: ContextVar[str] = ContextVar("CARRIED", default="nothing")


def test_what_was_done_is_given_back() -> None:
    done = begin(lambda: 7)
    assert is_done(done, 5)
    assert done.result() == 7


def test_what_failed_is_raised_to_who_asks() -> None:
    def fail() -> None:
        raise SystemExit("even this")

    done = begin(fail)
    assert is_done(done, 5)
    with pytest.raises(SystemExit):
        done.result()


def test_what_hangs_is_left_to_itself() -> None:
    go_on = threading.Event()
    done = begin(go_on.wait)
    assert not is_done(done, 0.1)
    go_on.set()
    assert is_done(done, 5)


def test_it_does_not_keep_the_process_alive_and_sees_the_context_of_its_caller() -> None:
    CARRIED.set("the caller's")
    done = begin(lambda: (threading.current_thread().daemon, CARRIED.get()))
    assert is_done(done, 5)
    assert done.result() == (True, "the caller's")


def test_a_loop_waits_for_it_and_goes_on_meanwhile() -> None:
    async def ask() -> tuple[bool, bool, int]:
        go_on = threading.Event()
        done = lend(lambda: go_on.wait() and 7)
        first = await is_done_async(done, 0.05)
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        return first, await is_done_async(done, 5), done.result()

    assert asyncio.run(ask()) == (False, True, 7)


def test_an_error_that_nobody_in_the_loop_asked_for_is_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> None:
        def fail() -> None:
            raise ValueError

        assert await is_done_async(lend(fail), 5)

    asyncio.run(ask())
    assert caplog.records == []


def test_a_lent_thread_is_answered_by_the_loop_as_a_triggerer_of_airflow_3_1_answers() -> None:
    async def answer() -> int:
        return id(asyncio.get_running_loop())

    async def ask() -> tuple[int, int]:
        done = lend(async_to_sync(answer))
        assert await is_done_async(done, 30)
        return done.result(), id(asyncio.get_running_loop())

    answered_by, here = asyncio.run(ask())
    assert answered_by == here


def test_lent_threads_that_hang_keep_no_other_and_no_loop_waiting() -> None:
    go_on = threading.Event()

    async def ask() -> int:
        for _ in range(50):
            hanging = lend(go_on.wait)
        assert not await is_done_async(hanging, 0.05)
        done = lend(lambda: 7)
        assert await is_done_async(done, 30)
        return done.result()

    try:
        # It comes to its end: the loop waits for none of them.
        assert asyncio.run(ask()) == 7
        assert not go_on.is_set()
    finally:
        go_on.set()


@pytest.mark.parametrize(
    ("asked", "may"),
    [(None, True), (SimpleNamespace(_thread_lock=threading.Lock()), True), (SimpleNamespace(), False)],
)
def test_a_thread_asks_airflow_only_where_answers_are_not_mixed_up(
    monkeypatch: pytest.MonkeyPatch, asked: object, may: bool
) -> None:
    task_runner = SimpleNamespace(SUPERVISOR_COMMS=asked)
    monkeypatch.setitem(sys.modules, "airflow.sdk.execution_time.task_runner", task_runner)
    assert may_ask_airflow() is may


def test_airflows_own_way_to_ask_has_the_lock_that_is_looked_for() -> None:
    comms = pytest.importorskip("airflow.sdk.execution_time.comms")
    assert "_thread_lock" in {field.name for field in comms.CommsDecoder.__attrs_attrs__}


def test_a_deadline_counts_down_to_nothing() -> None:
    passed, coming = Deadline(0.0), Deadline(0.0).later(60)
    assert passed.seconds_left() == 0
    assert 59 < coming.seconds_left() <= 60
    assert coming.later(-61).seconds_left() == 0
