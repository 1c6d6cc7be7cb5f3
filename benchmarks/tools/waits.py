"""
The two sides of the benchmark of waits, and what puts them into a triggerer.

``python -m benchmarks.tools.waits rows CLASSPATH FILE`` puts a trigger for each line of FILE (its arguments as JSON)
into Airflow's database. They belong to an asset, since one that belongs to nothing is thrown away.
``python -m benchmarks.tools.waits wait FILE`` runs the same waits in a process that does nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ninebits.triggers.callback import CallbackTrigger
from benchmarks.tools.noted import FIRED, STATEMENTS
from tests.integration.statements import seen_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class IdleTrigger(BaseTrigger):
    """A trigger that only sleeps."""

    def __init__(self, place: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.place = place

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what it is made from again."""
        return "benchmarks.tools.waits.IdleTrigger", {"place": self.place}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep for ever."""
        await asyncio.Event().wait()
        yield TriggerEvent({})


class TimedTrigger(CallbackTrigger):
    """The trigger of waits; but where it would hold its event back, it notes the time instead, and stays."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait as the trigger does."""
        _count_statements()
        async for each in super().run():
            yield each

    async def _hold_back(self, waited_seconds: float) -> None:
        with Path(os.environ[FIRED]).open("a") as fired:
            fired.write(f"{self.ref_ids[0]} {time.time()}\n")
        await asyncio.Event().wait()


_counting: set[asyncio.Task[None]] = set()


def _count_statements() -> None:
    if _counting:
        return
    _counting.add(asyncio.create_task(_tell()))


async def _tell() -> None:
    asked = 0

    def note(*_: object) -> None:
        nonlocal asked
        asked += 1

    with seen_by(note):
        while True:
            Path(os.environ[STATEMENTS]).write_text(str(asked))
            await asyncio.sleep(1.0)


def put_rows(classpath: str, arguments: Path) -> None:
    """Put triggers into Airflow's database in the place of those that are there."""
    from airflow.models.asset import AssetModel, AssetWatcherModel
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session
    from sqlalchemy import delete, insert, select

    with create_session() as session:
        session.execute(delete(AssetWatcherModel))
        session.execute(delete(Trigger))
        asset = session.scalar(select(AssetModel)) or AssetModel(name="bench", uri="bench://bench", group="asset")
        session.add(asset)
        triggers = [Trigger(classpath, json.loads(line)) for line in arguments.read_text().splitlines()]
        session.add_all(triggers)
        session.flush()
        watchers = [{"name": str(each.id), "asset_id": asset.id, "trigger_id": each.id} for each in triggers]
        session.execute(insert(AssetWatcherModel), watchers)


async def wait(arguments: Path) -> None:
    """Run the waits until the process is ended."""

    async def one(trigger: TimedTrigger) -> None:
        async for _ in trigger.run():
            raise RuntimeError("it was to stay")

    waits = [TimedTrigger(**json.loads(line)) for line in arguments.read_text().splitlines()]
    await asyncio.gather(*(one(trigger) for trigger in waits))


if __name__ == "__main__":
    if sys.argv[1] == "rows":
        put_rows(sys.argv[2], Path(sys.argv[3]))
    else:
        asyncio.run(wait(Path(sys.argv[2])))
