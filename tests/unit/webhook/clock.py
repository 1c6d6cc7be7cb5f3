"""A loop that has nothing but a clock, which is set by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(asyncio.AbstractEventLoop):
    """What asks a loop for timers only."""

    def __init__(self) -> None:
        self._now = 0.0
        self._timers: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, **_: Any) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self)
        self._timers.append(timer)
        return timer

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, **_: Any) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args)

    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        # Nor does a real loop mind one that is called already.
        self._timers = [timer for timer in self._timers if timer is not handle]

    @property
    def timers(self) -> int:
        """How many are set."""
        return len(self._timers)

    def go_to(self, seconds: float) -> None:
        """Let time pass, and call what is due, each at its time."""
        while self._timers and (timer := min(self._timers)).when() <= seconds:
            self._timers.remove(timer)
            self._now = max(self._now, timer.when())
            timer._run()
        self._now = seconds
