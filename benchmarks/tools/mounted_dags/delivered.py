"""A DAG that inbound-webhooks' deliveries start: without one they are not kept whole."""

from __future__ import annotations

from airflow.sdk import Asset, dag, task


@dag(schedule=Asset("ninebits/outbound"), is_paused_upon_creation=False)
def delivered() -> None:
    """Do nothing, once."""

    @task
    def go_on() -> None:
        pass

    go_on()


delivered()
