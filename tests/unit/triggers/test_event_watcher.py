from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger.wanted import Wanted
from airflow_provider_ninebits.triggers.event_watcher import EventPace, EventWatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from airflow_provider_ninebits.ledger.database import Database

PATIENCE_SECONDS = 30.0
QUICK = EventPace(looks_seconds=0.01, tail_seconds=0.01, sweep_seconds=0.05, deaf_seconds=0.001)


@pytest.mark.parametrize(
    ("listened", "told"),
    [
        ([False, False, False], ["0"]),
        ([True, True, True], ["0", "1", "2"]),
        ([False, False, True, False], ["0", "2"]),
    ],
    ids=["never there", "lost each time", "there once"],
)
async def test_each_listener_that_is_lost_is_told_and_each_failure_in_a_row_is_not(
    ledger: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    listened: list[bool],
    told: list[str],
) -> None:
    ended, calls = asyncio.Event(), iter(enumerate(listened))

    async def listen(_: Database, hear: Callable[[Collection[str] | None], None], *__: object, **___: object) -> None:
        place, heard = next(calls, (-1, False))
        if place < 0:
            ended.set()
            await asyncio.Event().wait()
        if heard:
            hear(None)
        raise OSError(f"lost {place}")

    monkeypatch.setattr("airflow_provider_ninebits.ledger.listening.listen", listen)
    async with asyncio.timeout(PATIENCE_SECONDS):
        with EventWatcher(ledger, QUICK).subscribed(Wanted("default")):
            await ended.wait()
        while any(task.get_name().startswith("ninebits-") for task in asyncio.all_tasks()):
            await asyncio.sleep(0.01)
    assert [line.split("lost ")[1] for line in caplog.messages if "no notices come" in line] == told
