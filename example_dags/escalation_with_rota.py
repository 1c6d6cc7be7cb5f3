"""
Ring whoever is on call at this hour; nobody answers: the deputy; then the whole team at once; and all of them again.

Start it from wherever something is wrong: by hand, by Airflow's REST API, or with ``TriggerDagRunOperator``.
"""

from __future__ import annotations

# [START escalation_with_rota]
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Param, task

from airflow_provider_ninebits.operators.escalation import EscalateVoiceOperator

TIME_ZONE = ZoneInfo("Africa/Lagos")


def on_call(rota: dict[str, dict[str, str]]) -> str:
    """Return who has this hour: by the weekday, and by the last hour of the day that has begun."""
    now = datetime.now(TIME_ZONE)

    def hours(day: datetime) -> dict[str, str]:
        return rota["weekend" if day.weekday() >= 5 else "weekday"]

    begun = [hour for hour in sorted(hours(now)) if hour <= f"{now:%H:%M}"]
    if begun:
        return hours(now)[begun[-1]]
    # It is still the night that began yesterday.
    yesterday = hours(now - timedelta(days=1))
    return yesterday[max(yesterday)]


with DAG(
    "ninebits_escalation_with_rota",
    schedule=None,
    params={
        "rota": Param(
            {
                "weekday": {"08:00": "2348020000000", "20:00": "2348030000000"},
                "weekend": {"00:00": "2348030000000"},
            },
            type="object",
        ),
        "deputy": Param("2348050000000", type="string"),
        "team": Param(["2348020000000", "2348030000000", "2348050000000"], type="array"),
    },
    user_defined_macros={"on_call": on_call},
    tags=["9bits"],
):
    wake = EscalateVoiceOperator(
        task_id="wake",
        contacts=["{{ on_call(params.rota) }}", "{{ params.deputy }}", "{{ params.team }}"],
        media_url="https://example.com/the-pipeline-is-down.mp3",
        ring_for=timedelta(minutes=2),
        rounds=2,
        deferrable=True,
        # A retry goes on where the ladder stands.
        retries=3,
    )

    @task
    def report(found: dict) -> str:
        return f"{found['answered_by'][:6]}*** answered after {found['calls']} calls"

    report(wake.output)
# [END escalation_with_rota]
