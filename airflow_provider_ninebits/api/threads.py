"""Threads that are kept for a while: to start one takes longer than much of what it does."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Jobs = SimpleQueue["Callable[[], None] | None"]

IDLE_SECONDS = 1.0
"""How long a thread waits for something to do before it ends."""


class NoThread(Exception):
    """The machine is out of threads."""


class KeptThreads:
    """
    Does each job in a thread of its own, one that has nothing to do where there is one.

    :param name: of all these threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        # The last that became idle is taken first: the others come to their end.
        self._idle: list[Jobs] = []
        self._taking = Lock()

    def begin(self, job: Callable[[], None]) -> None:
        """
        Let a thread do something, which raises nothing.

        :raises NoThread: it is not done.
        """
        jobs = self._take()
        if jobs is None:
            jobs = SimpleQueue()
            thread = Thread(target=self._work, args=(jobs,), name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                if thread.ident is None:
                    raise NoThread from error
                raise
        jobs.put(job)

    def close(self) -> None:
        """End those that have nothing to do; the others end after a while."""
        while jobs := self._take():
            jobs.put(None)

    def _take(self) -> Jobs | None:
        with self._taking:
            return self._idle.pop() if self._idle else None

    def _work(self, jobs: Jobs) -> None:
        while True:
            try:
                job = jobs.get(timeout=IDLE_SECONDS)
            except Empty:
                if self._may_end(jobs):
                    return
                continue
            if job is None:
                return
            job()
            # What a job holds is not kept any longer than it takes.
            job = None
            with self._taking:
                self._idle.append(jobs)

    def _may_end(self, jobs: Jobs) -> bool:
        with self._taking:
            if jobs not in self._idle:
                # Somebody has just taken it: a job comes.
                return False
            self._idle.remove(jobs)
            return True
