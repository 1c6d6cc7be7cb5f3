from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from airflow_provider_ninebits.triggers import opening
from airflow_provider_ninebits.triggers.opening import OpeningTrigger


def again(trigger: OpeningTrigger) -> OpeningTrigger:
    """The trigger as another process makes it."""
    path, kwargs = trigger.serialize()
    assert path == "airflow_provider_ninebits.triggers.opening.OpeningTrigger"
    return OpeningTrigger(**kwargs)


async def fired(trigger: OpeningTrigger) -> Any:
    async with asyncio.timeout(30):
        [event] = [each async for each in again(trigger).run()]
    return event.payload


def test_serialize_is_exactly_what_makes_it_again() -> None:
    trigger = OpeningTrigger(1000.5)
    assert trigger.serialize() == ("airflow_provider_ninebits.triggers.opening.OpeningTrigger", {"moment": 1000.5})
    assert again(trigger).serialize() == trigger.serialize()


async def test_it_fires_at_its_moment_and_not_before() -> None:
    moment = time.time() + 0.3
    assert await fired(OpeningTrigger(moment)) == {"status": "open"}
    assert moment <= time.time() < moment + 5


async def test_a_moment_in_the_past_fires_at_once() -> None:
    begun_at = time.monotonic()
    assert await fired(OpeningTrigger(time.time() - 3600)) == {"status": "open"}
    assert time.monotonic() - begun_at < 5


async def test_the_clock_is_asked_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set forward while it sleeps, as after a night in which the machine was suspended.
    monkeypatch.setattr(opening, "LONGEST_NAP_SECONDS", 0.05)
    moment = time.time() + 3600
    waiting = asyncio.create_task(fired(OpeningTrigger(moment)))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    monkeypatch.setattr(opening.time, "time", lambda: moment)
    assert await waiting == {"status": "open"}


async def test_airflow_hears_of_the_deferral_before_the_task_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "1")
    trigger = OpeningTrigger(time.time())
    trigger.trigger_id = 1
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("airflow_provider_ninebits.triggers.holding_back.asyncio.sleep", sleep)
    assert [event.payload async for event in trigger.run()] == [{"status": "open"}]
    assert slept[-1] == pytest.approx(3.0, abs=0.5)
