"""
Ring the people on a list; whoever did not answer is rung once more, with another recording.

To set it up: as for ``ninebits_send_and_wait``.
"""

from __future__ import annotations

from datetime import timedelta

# [START branch_on_answer]
from airflow.sdk import DAG, Param, task

from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.operators.voice import SendVoiceOperator

with DAG(
    "ninebits_branch_on_answer",
    schedule=None,
    params={"to": Param(["2348020000000", "2348030000000"], type="array")},
    render_template_as_native_obj=True,
    tags=["9bits"],
):
    first = SendVoiceOperator(
        task_id="first_call",
        to="{{ params.to }}",
        media_url="https://example.com/reminder.mp3",
        wait_for_outcome=True,
        outcome_timeout=timedelta(minutes=30),
        on_timeout="return",
        deferrable=True,
        retries=2,
    )

    @task
    def not_reached(outcome: dict) -> list[str]:
        # The outcome in XCom lists at most 100 calls; the ledger has all.
        calls = NineBitsHook().outcome(outcome["ref_ids"]).calls
        return [call.to_number for call in calls if call.state != "answered"]

    @task.branch
    def choose(numbers: list[str]) -> str:
        return "second_call" if numbers else "everybody_answered"

    numbers = not_reached(first.output)
    second = SendVoiceOperator(
        task_id="second_call",
        to="{{ ti.xcom_pull(task_ids='not_reached') }}",
        media_url="https://example.com/second-reminder.mp3",
    )

    @task
    def everybody_answered() -> str:
        return "everybody answered"

    choose(numbers) >> [second, everybody_answered()]
# [END branch_on_answer]
