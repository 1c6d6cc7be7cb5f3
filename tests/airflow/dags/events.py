"""A DAG that runs because calls were not answered, and says which; it rings nobody."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_ninebits.triggers.events import CallbackEventTrigger

trigger = CallbackEventTrigger(
    ninebits_conn_id="ninebits_default", number_prefix="+234 80", state=["unanswered", "failed"]
)
missed = Asset("missed_calls", watchers=[AssetWatcher(name="missed", trigger=trigger)])

with DAG("told_of_missed_calls", schedule=[missed], max_active_runs=1):

    @task
    def told(*, triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        return [event.extra["payload"] for events in triggering_asset_events.values() for event in events]

    told()
