"""A work that is waited for no longer than some time, whatever in it hangs."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
import time
from concurrent.futures import Executor, Future, wait
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Deadline:
    """
    A moment on this machine's clock.

    :param seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def later(self, seconds: float) -> Deadline:
        """Return the moment so much later."""
        moved = Deadline(0.0)
        moved._at = self._at + seconds
        return moved

    def seconds_left(self) -> float:
        """Return the seconds until then, 0 where it has passed."""
        return max(self._at - time.monotonic(), 0.0)


def begin(work: Callable[[], T]) -> Future[T]:
    """
    Begin a work in a thread of its own: a database or a name look-up that hangs has no other end.

    The thread dies with its process, which it does not keep alive. It sees the caller's context variables.

    :raises RuntimeError: the machine is out of threads.
    """
    done: Future[T] = Future()
    # From here on nobody can cancel it.
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = work()
        # Whatever it is, whoever waits is told.
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), name="ninebits-notifier", daemon=True).start()
    return done


def is_done(future: Future[T], within_seconds: float) -> bool:
    """Return whether a work is done, and wait for that."""
    return bool(wait([future], within_seconds).done)


class _OwnThreads(Executor):
    """A thread for each work, where others have a few for all: one that hangs keeps no other waiting."""

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return begin(partial(work, *args, **kwargs))


def lend(work: Callable[[], T]) -> asyncio.Future[T]:
    """
    Begin a work in a thread of its own that the running loop has lent.

    A triggerer before Airflow 3.3 answers such threads alone.
    """
    from asgiref.sync import sync_to_async

    own: Any = _OwnThreads()
    lent = asyncio.ensure_future(sync_to_async(work, thread_sensitive=False, executor=own)())
    # Asked for once, so that nobody complains of an error that is told otherwise.
    lent.add_done_callback(lambda done: None if done.cancelled() else done.exception())
    return lent


async def is_done_async(future: asyncio.Future[T], within_seconds: float) -> bool:
    """Return whether a work is done, and wait for that in a running loop, which goes on meanwhile."""
    return bool((await asyncio.wait({future}, timeout=within_seconds))[0])


def may_ask_airflow() -> bool:
    """
    Return whether a thread may ask Airflow for something while the one that began it may ask as well.

    Airflow 3.1 mixes up the answers to two threads of a task, or of the DAG processor. Later ones have a lock.
    """
    task_runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    asked = getattr(task_runner, "SUPERVISOR_COMMS", None)
    return asked is None or hasattr(asked, "_thread_lock")
