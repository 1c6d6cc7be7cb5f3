"""
Ring everybody in a file, but those who opted out: count first, then send, at the pace that the account allows.

To set it up: as for ``ninebits_send_and_wait``; a CSV with a column ``phone``, and a file with the numbers that must
not be rung, one a line. Both may be wherever Airflow's object storage reaches: ``s3://aws_default@news/people.csv``.
"""

from __future__ import annotations

# [START campaign_from_a_file]
from airflow.sdk import DAG, task

from airflow_provider_ninebits.operators.voice import SendVoiceOperator

CAMPAIGN = {
    "to_path": "{{ params.people }}",
    "to_column": "phone",
    "exclude": "{{ params.opted_out }}",
    "media_url": "https://example.com/news.mp3",
    # What was meant is about a hundred thousand; the export of the whole country is a mistake.
    "max_recipients": 200_000,
}

with DAG(
    "ninebits_campaign_from_a_file",
    schedule=None,
    params={"people": "file:///data/people.csv", "opted_out": "file:///data/opted-out.txt"},
    tags=["9bits"],
):
    count = SendVoiceOperator(task_id="count", dry_run=True, **CAMPAIGN)
    ring = SendVoiceOperator(task_id="ring", max_requests_per_second=2, retries=3, **CAMPAIGN)

    @task
    def report(counted: dict, ref_ids: str | list[str]) -> str:
        requests = 1 if isinstance(ref_ids, str) else len(ref_ids)
        return f"{counted['recipients']} rung in {requests} requests, {counted['excluded']} left out"

    count >> ring
    report(count.output, ring.output)
# [END campaign_from_a_file]
