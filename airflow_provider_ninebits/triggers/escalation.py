"""The trigger that finds the ladders which alerts have begun, for the DAG that rings on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta

    from airflow_provider_ninebits.ledger.database import Database

LOOK_SECONDS = 2.0
_OFFER_AGAIN_SECONDS = 60.0


class EscalationTrigger(BaseEventTrigger):
    """
    Fires for each ladder that an alert has begun and nobody has taken: ``{"escalation_id": "..."}``.

    It fires again where the run that it was fired for did not take it within a minute. While it runs, alerts know that
    somebody rings on.

    :param forget_after_seconds: ladders that are older are left.
    """

    def __init__(self, forget_after_seconds: float = 3600.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.forget_after_seconds = forget_after_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the trigger is made from again in another process."""
        return (
            "airflow_provider_ninebits.triggers.escalation.EscalationTrigger",
            {"forget_after_seconds": self.forget_after_seconds},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, and fire; an outage of the ledger is logged, and waited out."""
        from datetime import timedelta

        from airflow_provider_ninebits.configuration import read_settings
        from airflow_provider_ninebits.hooks.outages import opened_ledger

        settings = await asyncio.to_thread(read_settings)
        database = await asyncio.to_thread(opened_ledger, settings.sql_alchemy_conn)
        within = timedelta(seconds=self.forget_after_seconds)
        looks = _Looks(database, settings.deployment, within)
        try:
            while True:
                for escalation_id in await self._found(looks):
                    yield TriggerEvent({"escalation_id": escalation_id})
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await asyncio.to_thread(database.close)

    async def _found(self, looks: _Looks) -> list[str]:
        from airflow_provider_ninebits.ledger.errors import LedgerError

        try:
            return await asyncio.to_thread(looks.look)
        except LedgerError as error:
            self.log.warning("Ladders of alerts cannot be looked for, in %g s again: %s", LOOK_SECONDS, error)
            return []


class _Looks:
    """What was found before, so that it is not offered again at each look."""

    def __init__(self, database: Database, deployment: str, within: timedelta) -> None:
        self._database = database
        self._deployment = deployment
        self._within = within
        self._offered: dict[str, float] = {}
        self._noted_at = float("-inf")

    def look(self) -> list[str]:
        """Return what is to be offered now, and note that somebody looks."""
        from airflow_provider_ninebits.ledger import escalations

        now = time.monotonic()
        if now - self._noted_at >= escalations.WATCH_SECONDS:
            escalations.note_watch(self._database, self._deployment)
            self._noted_at = now
        waiting = escalations.waiting(self._database, self._deployment, within=self._within)
        fresh = [each for each in waiting if now - self._offered.get(each, float("-inf")) >= _OFFER_AGAIN_SECONDS]
        self._offered = {each: self._offered.get(each, now) for each in waiting} | dict.fromkeys(fresh, now)
        return fresh
