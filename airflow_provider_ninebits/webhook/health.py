"""Whether the ledger can be written, for all who ask at the same time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from airflow_provider_ninebits.ledger.receivers import probe_write

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.webhook.writer import Writer

PROBE_SECONDS = 2.0
GOOD_FOR_SECONDS = 1.0


class HealthProbe:
    """
    Tries to write the ledger, once at a time, and once a second while that goes well.

    Anybody may ask, without a password: a probe for each would take the ledger's connections from the callbacks, fill
    its log, and take a thread each while the ledger hangs.
    """

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer
        self._running: asyncio.Task[None] | None = None
        self._good_at = -GOOD_FOR_SECONDS

    async def check(self) -> None:
        """
        Return when the ledger takes a write.

        :raises TimeoutError: when that takes too long.
        :raises Exception: why it does not.
        """
        if time.monotonic() - self._good_at < GOOD_FOR_SECONDS:
            return
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._probe())
            # Its failure is told to those who wait; if nobody does any more, asyncio would log it as forgotten.
            self._running.add_done_callback(lambda probe: probe.cancelled() or probe.exception())
        await asyncio.wait_for(asyncio.shield(self._running), PROBE_SECONDS)
        self._good_at = time.monotonic()

    async def _probe(self) -> None:
        # The way that callbacks take, which may be through another process; and room for one.
        await self._writer.ping(PROBE_SECONDS)
        await run_in_threadpool(probe_write, self._database)
