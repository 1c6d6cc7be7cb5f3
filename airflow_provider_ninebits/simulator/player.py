"""Plays the calls of a send, on the event loop of the server."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from airflow_provider_ninebits.api.numbers import mask_number
from airflow_provider_ninebits.simulator.answers import answer_body
from airflow_provider_ninebits.simulator.journal import Call, Delivery, Journal
from airflow_provider_ninebits.simulator.outcomes import (
    LONGEST_HOLD_SECONDS,
    Attempt,
    CallTimes,
    ScriptedNumber,
    attempt_played,
    callback_body,
    carries_ref_id,
    chance,
)
from airflow_provider_ninebits.simulator.postman import Postman
from airflow_provider_ninebits.simulator.script import Script

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from airflow_provider_ninebits.simulator.answers import SendRequest
    from airflow_provider_ninebits.simulator.settings import SimulatorSettings

log = logging.getLogger(__name__)


class Player:
    """
    Rings numbers and has their callbacks brought. Everything in it belongs to one event loop.

    :raises BadScript: the settings' script cannot be played.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.script = Script()
        if settings.script is not None:
            self.script.add(settings.script)
        self.journal = Journal()
        self.postman = Postman(settings)
        self.sends_open = 0
        self._zone = ZoneInfo(settings.timezone)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        """Nothing is left to answer, play or deliver."""
        return not self._tasks and not self.sends_open

    async def open(self) -> None:
        """Get ready to play."""
        await self.postman.open()

    async def close(self) -> None:
        """Stop all calls and callbacks, without a word to the receiver."""
        await self._stop()
        await self.postman.close()

    async def reset(self) -> None:
        """Stop everything, and forget it, scripts too. The callback URL stays: it belongs to the account."""
        await self._stop()
        self.script.clear()
        self.journal.clear()

    async def place(self, send: SendRequest, ref_id: str) -> None:
        """
        Ring every number of a send.

        Returns at once, or, where callbacks are to come before the answer to the send, when those were posted.
        """
        early: list[asyncio.Event] = []
        for number in send.to:
            scripted = self.script.number(number)
            call = self._ring(number, scripted, ref_id, send.caller_id, None)
            if call is None:
                continue
            tried = asyncio.Event()
            call.early = self._happens(call, "early", self.settings.early_rate)
            if call.early:
                early.append(tried)
            self._start(self._play(call, scripted, tried))
        for tried in early:
            await tried.wait()
        if self.settings.api_answer:
            notice = Delivery(answer_body(200, ref_id))
            self.journal.notices.append(notice)
            self._start(self.postman.deliver(notice, repeated=False, tried=asyncio.Event()))

    def _ring(
        self, number: str, scripted: ScriptedNumber, ref_id: str, caller_id: str | None, before: Call | None
    ) -> Call | None:
        times_rung = self.journal.rung[number]
        place = 0 if before is None else before.place + 1
        previous = None if before is None else before.attempt
        attempt = attempt_played(self.settings, scripted, number, place, times_rung, previous)
        if attempt is None:
            return None
        call = Call(ref_id, number, caller_id, place, times_rung, attempt, started_at=self._now())
        self.journal.add_call(call)
        log.info("ring %s, attempt %d: %s", mask_number(number), place + 1, _heard(attempt))
        return call

    async def _play(self, call: Call | None, scripted: ScriptedNumber, tried: asyncio.Event) -> None:
        try:
            while call is not None:
                await self._talk(call, scripted)
                self._start(self._report(call, scripted, tried))
                await self._pause_before_the_next(call, scripted)
                tried = asyncio.Event()
                call = self._ring(call.number, scripted, call.ref_id, call.caller_id, call)
        except asyncio.CancelledError:
            tried.set()
            raise

    async def _talk(self, call: Call, scripted: ScriptedNumber) -> None:
        answer: datetime | None = None
        # The answer to the send waits for the callback of an early call, so that call takes no time.
        if not call.early:
            await self._wait(call.attempt.ring_seconds)
        if call.attempt.answered:
            answer = self._now()
            if not call.early:
                await self._wait(call.attempt.talk_seconds)
        call.ended_at = self._now()
        times = CallTimes(call.started_at, answer, call.ended_at)
        named = carries_ref_id(self.settings, scripted, call.number, call.times_rung)
        ref_id = call.ref_id if named else None
        call.delivery.body = callback_body(self.settings, call.attempt, times, call.number, call.caller_id, ref_id)

    async def _report(self, call: Call, scripted: ScriptedNumber, tried: asyncio.Event) -> None:
        if scripted.lose_callback:
            call.delivery.state = "lost"
            tried.set()
            return
        if self.settings.shuffle and not call.early:
            held = chance(self.settings, call.number, call.times_rung, "held")
            await self._wait(held * LONGEST_HOLD_SECONDS)
        repeated = self._happens(call, "repeated", self.settings.repeat_rate)
        await self.postman.deliver(call.delivery, repeated=repeated, tried=tried)

    async def _pause_before_the_next(self, call: Call, scripted: ScriptedNumber) -> None:
        # Whether there is a next one does not hang on how often the number was rung, only how it goes.
        following = attempt_played(self.settings, scripted, call.number, call.place + 1, call.times_rung, call.attempt)
        if following is not None:
            await self._wait(self.settings.attempt_gap_seconds)

    def _happens(self, call: Call, what: str, rate: float) -> bool:
        return chance(self.settings, call.number, call.times_rung, what) < rate

    def _now(self) -> datetime:
        return datetime.now(self._zone)

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.settings.speed)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a call could not be played to its end", exc_info=error)

    async def _stop(self) -> None:
        while self._tasks:
            stopping = list(self._tasks)
            for task in stopping:
                task.cancel()
            await asyncio.gather(*stopping, return_exceptions=True)
            self._tasks.difference_update(stopping)


def _heard(attempt: Attempt) -> str:
    return "answered" if attempt.answered else "not answered"
