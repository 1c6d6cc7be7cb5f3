"""
Wake the person on call when a pipeline fails: once for a run, however many of its tasks fail.

As it is, two of its three tasks fail. To set it up: as for ``ninebits_send_and_wait``; the callback URL is not needed.
"""

from __future__ import annotations

# [START wake_the_person_on_call]
from airflow.sdk import DAG, Param, task

from airflow_provider_ninebits.notifications.voice import NineBitsNotifier

with DAG(
    "ninebits_wake_the_person_on_call",
    schedule=None,
    params={
        "on_call": Param("2348020000000", type="string"),
        "shops": Param(["lagos", "abuja", "kano"], type="array"),
        "closed": Param(["abuja", "kano"], type="array"),
    },
    # Of each of its tasks.
    default_args={
        "on_failure_callback": NineBitsNotifier(
            to="{{ params.on_call }}", media_url="https://example.com/pipeline-failed.mp3"
        )
    },
    tags=["9bits"],
):

    @task
    def shops(params: dict) -> list[str]:
        return params["shops"]

    @task
    def load_sales(shop: str, params: dict) -> str:
        if shop in params["closed"]:
            raise RuntimeError(f"no sales from {shop}")
        return f"sales of {shop}"

    load_sales.expand(shop=shops())
# [END wake_the_person_on_call]
