"""The trigger that a send rests on until its calling hours open."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ninebits.triggers.holding_back import hold_back

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LONGEST_NAP_SECONDS = 60.0
"""The clock may be set, or the machine suspended: it is asked again after so long."""


class OpeningTrigger(BaseTrigger):
    """
    Fires when the calling hours open.

    Not Airflow's own trigger for a moment: where the moment has passed meanwhile that one fires at once, and Airflow
    may take the task for a killed one then; and it logs a line for each of its naps.

    :param moment: when that is, in epoch seconds.
    """

    def __init__(self, moment: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.moment = moment

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the trigger is made from again in another process."""
        return "airflow_provider_ninebits.triggers.opening.OpeningTrigger", {"moment": self.moment}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the moment, and fire once."""
        begun_at = time.monotonic()
        while (left := self.moment - time.time()) > 0:
            await asyncio.sleep(min(left, LONGEST_NAP_SECONDS))
        await hold_back(self, time.monotonic() - begun_at)
        yield TriggerEvent({"status": "open"})
