"""Who waits until callbacks are committed, and for how long."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from airflow_provider_ninebits.ledger.callbacks import Arrival

log = logging.getLogger(__name__)

# What is given up within this time is given up together: while the ledger hangs, thousands are looked through for it.
_TOGETHER_SECONDS = 0.02


@dataclass(slots=True, eq=False)
class Delivery:
    """
    Callbacks that are committed together, and who waits for it.

    :param waiting: those who wait in the same loop.
    :param ends_at: when it is given up, on that loop's clock.
    :param settled: called in that loop, once: with None when they are on disk, else with the reason why not.
    """

    arrivals: Sequence[Arrival] = field(repr=False)
    size_bytes: int
    waiting: Waiting
    ends_at: float
    settled: Callable[[Exception | None], None]
    error: Exception | None = None
    is_over: bool = False


class Waiting:
    """
    The deliveries of one loop that are waited for. All of it is called in that loop.

    They share a timer: to set one for each and to cancel it took longer than to hand a delivery over.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._deliveries: set[Delivery] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def add(self, delivery: Delivery) -> None:
        """Wait for one more, until it ends or is given up."""
        self._deliveries.add(delivery)
        if self._timer is None or delivery.ends_at < self._timer_at:
            self._set_timer(delivery.ends_at)

    def end(self, deliveries: Sequence[Delivery]) -> None:
        """Tell those who wait what became of it, unless they were told before."""
        for delivery in deliveries:
            if delivery.is_over:
                continue
            delivery.is_over = True
            self._deliveries.discard(delivery)
            try:
                delivery.settled(delivery.error)
            except Exception:
                # The others have to hear of it all the same.
                log.exception("A callback could not be answered")

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self.loop.call_at(at, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        until = self.loop.time() + _TOGETHER_SECONDS
        late = [each for each in self._deliveries if each.ends_at <= until]
        for each in late:
            each.error = TimeoutError()
        self.end(late)
        if self._deliveries:
            self._set_timer(min(each.ends_at for each in self._deliveries))
