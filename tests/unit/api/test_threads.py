"""Threads that are used again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.api import threads
from airflow_provider_ninebits.api.threads import KeptThreads, NoThread

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 10
NAME = "kept-for-a-test"


@pytest.fixture
def kept() -> Iterator[KeptThreads]:
    found = KeptThreads(NAME)
    yield found
    found.close()
    wait_for_all()


def ours() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == NAME]


def wait_for_all() -> None:
    for thread in ours():
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def idle(kept: KeptThreads, count: int) -> None:
    for _ in range(1000):
        if len(kept._idle) == count:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{len(kept._idle)} threads have nothing to do")


def done(kept: KeptThreads) -> int:
    """Which thread it was."""
    by, ended = [], threading.Event()

    def job() -> None:
        by.append(threading.get_ident())
        ended.set()

    kept.begin(job)
    assert ended.wait(PATIENCE_SECONDS)
    return by[0]


def test_a_thread_is_used_again(kept: KeptThreads) -> None:
    first = done(kept)
    idle(kept, 1)

    assert done(kept) == first
    assert first != threading.get_ident()


def test_a_job_waits_for_no_other(kept: KeptThreads) -> None:
    line, ended = threading.Barrier(3), threading.Semaphore(0)

    def job() -> None:
        line.wait(PATIENCE_SECONDS)
        ended.release()

    kept.begin(job)
    kept.begin(job)
    line.wait(PATIENCE_SECONDS)
    assert all(ended.acquire(timeout=PATIENCE_SECONDS) for _ in range(2))
    idle(kept, 2)


def test_one_that_has_nothing_to_do_ends(kept: KeptThreads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    done(kept)
    wait_for_all()

    assert kept._idle == []
    assert done(kept)


def test_closing_ends_those_that_have_nothing_to_do(kept: KeptThreads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 10 * PATIENCE_SECONDS)
    done(kept)
    idle(kept, 1)
    kept.close()
    wait_for_all()


def test_a_job_that_comes_when_a_thread_was_about_to_end_is_done(
    kept: KeptThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    ended = threading.Event()
    done(kept)
    taken = None
    while taken is None:
        # Its time may be over just before it is taken.
        taken = kept._take()
        if taken is None and not ours():
            done(kept)
    threading.Event().wait(0.1)
    taken.put(ended.set)

    assert ended.wait(PATIENCE_SECONDS)


def test_a_machine_that_is_out_of_threads_is_told_of(kept: KeptThreads, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_them(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    begun: list[bool] = []
    monkeypatch.setattr(threading.Thread, "start", out_of_them)
    with pytest.raises(NoThread):
        kept.begin(lambda: begun.append(True))
    assert begun == []
