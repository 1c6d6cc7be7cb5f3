"""
Every night, take out of the ledger what is older than 90 days and settled.

To set it up: nothing but a worker that reaches the ledger. A late retry rings nobody: the keys stay for 400 days. So
keep no DAG run longer than that in Airflow (``airflow db clean``), or leave ``--keys-older-than-days`` out.
"""

from __future__ import annotations

from datetime import timedelta

# [START purge_the_ledger]
import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

with DAG(
    "ninebits_purge_the_ledger",
    schedule="30 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Africa/Lagos"),
    catchup=False,
    max_active_runs=1,
    params={"older_than_days": Param(90, type="integer", minimum=1)},
    tags=["9bits"],
):
    # Killed or failed half way it has done no harm: the next try goes on.
    BashOperator(
        task_id="purge",
        bash_command="ninebits purge --older-than-days {{ params.older_than_days }} --keys-older-than-days 400",
        do_xcom_push=False,
        retries=2,
        retry_delay=timedelta(minutes=10),
    )
# [END purge_the_ledger]
