"""Several parts of a send at once, each in a thread of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


class Halted(Exception):
    """An item was left where it was, since another one has failed."""


@dataclass
class Lanes(Generic[Item, Result]):
    """
    Does a work for many items, some of them at once.

    Items are begun in their order. Once one has failed, or who is told, or this thread is interrupted, none is begun.

    :param work: raises :class:`Halted` where it notices that ``halted`` is set; it is run in as many threads as there
        are lanes, with one lane in the thread that asks.
    :param told: hears of each result as it comes, by the item's place, in the thread that asks. An error of its own
        lets what is under way come to its end; it is raised then, and nothing more is told.
    :param interrupt: ends what is under way; it is called where that thread is interrupted: by what is no Exception, or
        by anything that a signal's handler raises while it waits.
    """

    work: Callable[[Item], Result]
    told: Callable[[int, Result], None]
    interrupt: Callable[[], None]
    halted: threading.Event
    _came: SimpleQueue[tuple[int, Result] | None] = field(default_factory=SimpleQueue, init=False)
    _errors: dict[int, BaseException] = field(default_factory=dict, init=False)

    def run(self, items: Sequence[Item], lanes: int) -> list[Result]:
        """
        Return the results, in the order of the items.

        Of several errors that of the first item is raised, when all that was under way has ended; that of who is told
        comes last.
        """
        if lanes == 1 or len(items) < 2:
            return [self._do(place, item) for place, item in enumerate(items)]
        left, taking = iter(enumerate(items)), threading.Lock()
        threads = [
            threading.Thread(target=self._drive, args=(left, taking), name=f"ninebits-lane-{lane}", daemon=True)
            for lane in range(min(lanes, len(items)))
        ]
        done: dict[int, Result] = {}
        try:
            self._start(threads, taking)
            for _ in threads:
                # A lane says None when it has ended.
                while (came := self._came.get()) is not None:
                    place, done[place] = came
                    self._tell(place, done[place], last=len(items))
        except BaseException:
            # A time-out or a signal is an exception in this thread: no other may outlive it, or ring somebody after it.
            self.halted.set()
            self.interrupt()
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if self._errors:
            raise self._errors[min(self._errors)]
        return [done[place] for place in range(len(items))]

    def _do(self, place: int, item: Item) -> Result:
        result = self.work(item)
        self.told(place, result)
        return result

    def _start(self, threads: Sequence[threading.Thread], taking: threading.Lock) -> None:
        # None begins before all are there: should the machine be out of threads, nothing was done yet.
        with taking:
            try:
                for thread in threads:
                    thread.start()
            except BaseException:
                self.halted.set()
                raise

    def _tell(self, place: int, result: Result, last: int) -> None:
        if last in self._errors:
            return
        try:
            self.told(place, result)
        except Exception as error:
            self._errors[last] = error
            self.halted.set()

    def _drive(self, left: enumerate[Item], taking: threading.Lock) -> None:
        try:
            while True:
                with taking:
                    place, item = (-1, None) if self.halted.is_set() else next(left, (-1, None))
                if item is None:
                    return
                try:
                    self._came.put((place, self.work(item)))
                except Halted:
                    return
                except BaseException as error:
                    self._errors[place] = error
                    self.halted.set()
        finally:
            self._came.put(None)
