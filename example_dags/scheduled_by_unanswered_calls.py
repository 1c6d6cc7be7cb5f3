"""
Runs because calls of other DAGs were not answered, and rings each of these numbers once more.

To set it up: as for ``ninebits_send_and_wait``, and a triggerer has to run.
"""

from __future__ import annotations

# [START scheduled_by_unanswered_calls]
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.triggers.events import CallbackEventTrigger

SECOND_CALL = "ninebits_second_call"

unanswered_calls = Asset(
    "ninebits_unanswered_calls",
    watchers=[AssetWatcher(name="unanswered", trigger=CallbackEventTrigger(state="unanswered"))],
)

with DAG("ninebits_scheduled_by_unanswered_calls", schedule=[unanswered_calls], tags=["9bits"]):

    @task
    def missed(*, triggering_asset_events: Any = None) -> list[dict[str, str]]:
        # One run may be for several events.
        told = [event.extra["payload"] for events in triggering_asset_events.values() for event in events]
        return [
            {"event_id": each["event_id"], "conn_id": each["conn_id"], "number": each["call"]["to_number"]}
            for each in told
            # Not for a second call that was not answered either, of this DAG's or of a copy's: it would ring for ever.
            if each["task_id"] != SECOND_CALL
        ]

    # A task for each: one that cannot be rung keeps no other from it.
    @task(task_id=SECOND_CALL, retries=2)
    def ring_again(event_id: str, conn_id: str, number: str) -> str | None:
        # An event may come twice, and the task be retried: with its id as the key the phone rings once.
        return (
            NineBitsHook(conn_id)
            .send_voice(number, "https://example.com/second-reminder.mp3", idempotency_key=f"second call/{event_id}")
            .ref_id
        )

    ring_again.expand_kwargs(missed())
# [END scheduled_by_unanswered_calls]
