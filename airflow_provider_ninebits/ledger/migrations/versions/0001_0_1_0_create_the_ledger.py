"""Create the ledger: sends, messages, requests, recipients, callbacks, receivers, tasks, alerts, ladders and events."""

from __future__ import annotations

from airflow_provider_ninebits.ledger.migrations.tables_of_0001 import alerts, callbacks, events, messages, sends

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    # In this order: later ones refer to earlier ones.
    for tables in (sends, messages, callbacks, alerts, events):
        tables.create()
