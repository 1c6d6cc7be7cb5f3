"""The trigger that a deferred wait rests on."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ninebits.airflow_stats import record
from airflow_provider_ninebits.metrics import CALLBACK_TO_RESUME
from airflow_provider_ninebits.triggers.holding_back import hold_back

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_ninebits.ledger.counts import Look
    from airflow_provider_ninebits.ledger.outcome import WaitFor
    from airflow_provider_ninebits.triggers.watcher import Watcher

_UNKNOWN_POLL_SECONDS = 1.0
_LONGEST_REST_SECONDS = 3600.0


class CallbackTrigger(BaseTrigger):
    """
    Fires when the outcome that a task waits for is there, or the wait has failed.

    Its event says only how the wait ended: ``{"status": "over" | "timed_out" | "unknown" | "error"}``; the task reads
    the outcome itself.

    :param ref_ids: what is waited for.
    :param wait_for: ``"all"`` or ``"any"``.
    :param attempt_window_seconds: None: ``[ninebits] attempt_window``.
    :param first_look_at: when the wait first looked, in epoch seconds: survives restarts of the triggerer.
    :param deadline: when it times out, in epoch seconds.
    :param settling: those of ``ref_ids`` whose settling ends the wait, whatever the others do.
    """

    def __init__(
        self,
        ref_ids: list[str],
        wait_for: str = "all",
        attempt_window_seconds: float | None = None,
        first_look_at: float | None = None,
        deadline: float | None = None,
        settling: list[str] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ref_ids = ref_ids
        self.wait_for = wait_for
        self.attempt_window_seconds = attempt_window_seconds
        self.first_look_at = first_look_at
        self.deadline = deadline
        self.settling = settling

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the trigger is made from again in another process."""
        return (
            "airflow_provider_ninebits.triggers.callback.CallbackTrigger",
            {
                "ref_ids": self.ref_ids,
                "wait_for": self.wait_for,
                "attempt_window_seconds": self.attempt_window_seconds,
                "first_look_at": self.first_look_at,
                "deadline": self.deadline,
                "settling": self.settling,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the outcome, and fire once."""
        from airflow_provider_ninebits.configuration import read_settings
        from airflow_provider_ninebits.ledger.engines import masked_url
        from airflow_provider_ninebits.triggers.watcher import shared_watcher

        begun_at, late, ledger_url = time.monotonic(), None, ""
        try:
            settings = await asyncio.to_thread(read_settings)
            ledger_url = masked_url(settings.sql_alchemy_conn)
            watcher = shared_watcher(settings.sql_alchemy_conn, settings.outage_tolerance_seconds)
            window = self.attempt_window_seconds
            status, late = await self._end(watcher, settings.attempt_window_seconds if window is None else window)
        except Exception as error:  # a trigger that raises would be skipped by soft_fail: outages travel as events
            self.log.exception("The wait for %s failed", ", ".join(self.ref_ids))
            event = TriggerEvent({"status": "error", **_told(error, ledger_url)})
        else:
            event = TriggerEvent({"status": status})
        ended_at = time.monotonic()
        await self._hold_back(ended_at - begun_at)
        if late is not None:
            record(CALLBACK_TO_RESUME, late + time.monotonic() - ended_at)
        yield event

    async def _hold_back(self, waited_seconds: float) -> None:
        await hold_back(self, waited_seconds)

    async def _end(self, watcher: Watcher, attempt_window_seconds: float) -> tuple[str, float | None]:
        """Return how the wait has ended, and, if a callback ended it, how many seconds ago that came."""
        from datetime import timedelta

        from airflow_provider_ninebits.hooks.waiting import UNKNOWN_AFTER_SECONDS, Standing, standing
        from airflow_provider_ninebits.ledger.counts import Asked

        first_look_at = time.time() if self.first_look_at is None else self.first_look_at
        deadline = float("inf") if self.deadline is None else self.deadline
        asked = Asked(tuple(self.ref_ids), timedelta(seconds=attempt_window_seconds))
        last = Asked(tuple(self.settling or ()), asked.attempt_window)
        with watcher.waiting(asked) as wait, watcher.waiting(last) if self.settling else nullcontext(wait) as of_last:
            while True:
                seen = await wait.look()
                now = time.time()
                where = standing(
                    seen.progress,
                    cast("WaitFor", self.wait_for),
                    ledger_now=seen.now,
                    now=now,
                    first_look_at=first_look_at,
                    deadline=deadline,
                )
                if where is not Standing.WAITING:
                    return where.value, _seconds_late(seen, first_look_at) if where is Standing.OVER else None
                looks = [seen, await of_last.look()] if self.settling else [seen]
                if looks[-1].progress.settled(looks[-1].now):
                    return Standing.OVER.value, _seconds_late(looks[-1], first_look_at)
                rest = min(deadline - now, _LONGEST_REST_SECONDS)
                for each in looks:
                    if each.progress.settles_at is not None and not each.progress.pending:
                        rest = min(rest, (each.progress.settles_at - each.now).total_seconds())
                if seen.progress.unknown_ref_ids:
                    rest = min(rest, _UNKNOWN_POLL_SECONDS, first_look_at + UNKNOWN_AFTER_SECONDS - now)
                await wait.changed(max(rest, 0.01))


def _seconds_late(seen: Look, first_look_at: float) -> float | None:
    """Return how long before a look the callback came that ended a wait; None: none did, it came before the wait."""
    heard_at = seen.last_callback_at
    # Where an attempt window had to pass, it was that which ended the wait.
    if heard_at is None or heard_at.timestamp() < first_look_at or seen.progress.settles_at is not None:
        return None
    return max((seen.now - heard_at).total_seconds(), 0.0)


def _told(error: Exception, ledger_url: str) -> dict[str, str]:
    """
    Return an error as an event carries it: an outage of the ledger says which one, and what to do about it.

    :param ledger_url: the ledger's, masked; empty where the options were not understood.
    """
    from airflow_provider_ninebits.configuration import InvalidOption
    from airflow_provider_ninebits.hooks.outages import MEND_FIRST
    from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable

    if isinstance(error, LedgerUnreachable):
        return {"message": error.cause, "masked_url": error.masked_url}
    if isinstance(error, (LedgerUnusable, InvalidOption)):
        return {"message": str(error), "masked_url": ledger_url, "advice": MEND_FIRST}
    return {"message": f"{type(error).__name__}: {error}", "masked_url": ledger_url}
