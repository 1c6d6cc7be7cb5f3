"""
Runs because calls of other DAGs were not answered, and rings each of these numbers once more.

To set it up: as for ``ninebits_send_and_wait``, and a triggerer has to run.
"""

from __future__ import annotations

# [START scheduled_by_unanswered_calls]
from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.triggers.events import CallbackEventTrigger

DAG_ID = "ninebits_scheduled_by_unanswered_calls"

unanswered_calls = Asset(
    "ninebits_unanswered_calls",
    watchers=[AssetWatcher(name="unanswered", trigger=CallbackEventTrigger(state="unanswered"))],
)

with DAG(DAG_ID, schedule=[unanswered_calls], tags=["9bits"]):

    @task(retries=2)
    def ring_again(*, triggering_asset_events=None) -> list[str]:
        ref_ids = []
        # One run may be for several events.
        for events in triggering_asset_events.values():
            for event in events:
                told = event.extra["payload"]
                if told["dag_id"] == DAG_ID:
                    # Its own call was not answered either: else it would ring for ever.
                    continue
                # An event may come twice, and the task be retried: with its id as the key the phone rings once.
                second = NineBitsHook(told["conn_id"]).send_voice(
                    told["call"]["to_number"],
                    "https://example.com/second-reminder.mp3",
                    idempotency_key=f"second call/{told['event_id']}",
                )
                ref_ids.append(second.ref_id)
        return ref_ids

    ring_again()
# [END scheduled_by_unanswered_calls]
