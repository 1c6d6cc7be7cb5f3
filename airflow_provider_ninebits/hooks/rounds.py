"""Bringing the parts of a send through, and once more those whose calling hours were not then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ninebits.hooks.opening import PartClosed
from airflow_provider_ninebits.hooks.parallel import Lanes
from airflow_provider_ninebits.hooks.progress import Progress
from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from airflow_provider_ninebits.hooks.opening import PartHours
    from airflow_provider_ninebits.ledger.sends import Part


@dataclass
class Rounds:
    """
    Brings the parts of a send through, and those that were closed once more, until the rest is closed.

    :param work: brings one part through; :class:`PartClosed` is no error of the send.
    :param placed: told the ``ref_id`` of each part, and its place among them.
    :param interrupt: as ``halted`` of :class:`~airflow_provider_ninebits.hooks.parallel.Lanes`.
    """

    work: Callable[[Part], Part]
    part_hours: PartHours
    placed: Callable[[str, int], None]
    clock: Callable[[], float]
    interrupt: Callable[[], None]
    halted: threading.Event

    def run(self, parts: Sequence[Part], at_once: int) -> list[Part]:
        """
        Return the parts as they are when all are placed, in their order.

        :raises HoursClosed: for those that are left, when none of them may be rung now.
        """
        progress = Progress(parts, self.clock)
        places = {part.message_id: place for place, part in enumerate(parts)}
        done: dict[str, Part] = {}

        def told(_: int, now: Part | None) -> None:
            if now is None:
                return
            done[now.message_id] = now
            place = places[now.message_id]
            self.placed(now.ref, place)
            progress.add(parts[place], sent=parts[place].state is not MessageState.ACCEPTED)

        self.part_hours.tell()
        left = list(parts)
        while left:
            Lanes(self._in_hours, told, self.interrupt, self.halted).run(left, at_once)
            left = [part for part in left if part.message_id not in done]
            if left:
                self.part_hours.check_any_open(left)
        return [done[part.message_id] for part in parts]

    def _in_hours(self, part: Part) -> Part | None:
        try:
            return self.work(part)
        except PartClosed:
            return None
