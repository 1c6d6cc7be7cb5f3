"""Airflow hears late that a task was deferred, and a trigger that fires before that ends its task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import conf

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

_MIN_HEARTBEAT_INTERVAL_SECONDS = 5  # Airflow's default
# From Airflow's hearing of the deferral to its having dealt with what it heard.
_HEARD_MARGIN_SECONDS = 2.0


async def hold_back(trigger: BaseTrigger, waited_seconds: float) -> None:
    """
    Let Airflow hear of the deferral before the task goes on.

    Its supervisor notices the end of the deferring process up to ``[workers] min_heartbeat_interval`` late. A task
    that runs again by then is taken for killed from outside, and failed ("state mismatch").

    :param waited_seconds: how long the trigger has waited already.
    """
    if trigger.trigger_id is None:
        # No triggerer runs this, so there is no deferral that could be heard of late.
        return
    interval_seconds = await asyncio.to_thread(
        conf.getint, "workers", "min_heartbeat_interval", fallback=_MIN_HEARTBEAT_INTERVAL_SECONDS
    )
    await asyncio.sleep(max(interval_seconds + _HEARD_MARGIN_SECONDS - waited_seconds, 0.0))
