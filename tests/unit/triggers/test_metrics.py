"""What a triggerer tells of its waits: how many there are, and how late they were told."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.triggers.callback import CallbackTrigger
from tests.integration.ledger.scenes import ADA, BEN, a_call, accepted, arrive, set_columns
from tests.integration.otlp import Counted, series

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

WAITS = series("waits", hostname=socket.gethostname())
LATE = series("callback_to_resume")
PATIENCE_SECONDS = 30.0


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    found = Counted()
    for module in ("callback", "watcher"):
        monkeypatch.setattr(f"airflow_provider_ninebits.triggers.{module}.record", found.record)
    return found


async def fired(trigger: CallbackTrigger) -> list[object]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [event.payload["status"] async for event in trigger.run()]


async def until(counted: Counted, waits: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while counted.totals().get(WAITS) != waits:
            await asyncio.sleep(0.02)


async def test_waits_are_counted_while_they_wait_and_the_last_one_leaves_none(
    ledger: Database, counted: Counted
) -> None:
    accepted(ledger, "r1", ADA)
    accepted(ledger, "r2", BEN)
    waits = [asyncio.create_task(fired(CallbackTrigger([ref_id]))) for ref_id in ("r1", "r2")]
    await until(counted, 2)
    arrive(ledger, a_call(ADA), a_call(BEN))
    assert await asyncio.gather(*waits) == [["over"], ["over"]]
    await until(counted, 0)
    assert counted.totals()[LATE] == 2


async def test_how_late_a_wait_was_told_is_counted_from_the_callback(ledger: Database, counted: Counted) -> None:
    request = accepted(ledger, "r1", ADA)
    # A triggerer that comes back finds a callback of 100 s ago, in a wait that is older.
    arrive(ledger, a_call(ADA))
    came_at = datetime.now(UTC) - timedelta(seconds=100)
    set_columns(ledger, schema.message, {"last_callback_at": came_at}, id=request.message_id)
    assert await fired(CallbackTrigger(["r1"], first_look_at=time.time() - 200)) == ["over"]
    [(least, most)] = counted.milliseconds("callback_to_resume")
    assert 100_000 <= least == most < 130_000


@pytest.mark.parametrize("what", ["before", "window", "deadline"])
async def test_an_end_that_no_callback_brought_is_not_measured(what: str, ledger: Database, counted: Counted) -> None:
    accepted(ledger, "r1", ADA)
    if what != "deadline":
        arrive(ledger, a_call(ADA, answered=what == "before"))
    window = 0.2 if what == "window" else None
    first_look_at = time.time() - 60 if what == "window" else time.time() + 0.01
    trigger = CallbackTrigger(["r1"], "all", window, first_look_at, time.time() + (0 if what == "deadline" else 60))
    assert await fired(trigger) == ["timed_out" if what == "deadline" else "over"]
    assert LATE not in counted.totals()
