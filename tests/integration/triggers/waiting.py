"""A process that waits as a triggerer does, and says when it is woken."""

from __future__ import annotations

import asyncio
import sys

from airflow_provider_ninebits.ledger.counts import Asked
from airflow_provider_ninebits.triggers.watcher import shared_watcher

PATIENCE_SECONDS = 60.0


async def wait(url: str, ref_ids: list[str]) -> None:
    """Wait until each of some ``ref_id`` is settled."""

    async def one(ref_id: str) -> None:
        with shared_watcher(url).waiting(Asked((ref_id,))) as waiting:
            while (await waiting.look()).progress.pending:
                say("waiting", ref_id)
                await waiting.changed(PATIENCE_SECONDS)
        say("settled", ref_id)

    await asyncio.gather(*(one(ref_id) for ref_id in ref_ids))


def say(what: str, ref_id: str) -> None:
    print(what, ref_id, flush=True)


if __name__ == "__main__":
    asyncio.run(wait(sys.argv[1], sys.argv[2:]))
