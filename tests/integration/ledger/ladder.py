"""A ladder that an alert has begun."""

from __future__ import annotations

from airflow_provider_ninebits.ledger.escalations import Escalation
from tests.integration.ledger.scenes import ADA, BEN, CAI

LADDER = Escalation(
    *("1" * 32, "a" * 64, "default", "etl manual__1", "etl", "manual__1", None),
    conn_id="ninebits_default",
    media_url="https://media.test/a.mp3?signature=1",
    from_number=None,
    contacts=[[ADA], [BEN, CAI]],
)
