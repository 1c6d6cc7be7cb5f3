"""
The tables of events: who waits for some, and what they have not been given yet.

A part of :mod:`~airflow_provider_ninebits.ledger.schema`, which names them.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from airflow_provider_ninebits.ledger.columns import Amount, UtcDateTime, big_key
from airflow_provider_ninebits.ledger.metadata import metadata

subscription = Table(
    "ninebits_subscription",
    metadata,
    Column("id", String(64), primary_key=True, comment="hash of the deployment and of what is wanted"),
    Column("deployment", String(250), nullable=False, comment="which Airflow waits"),
    Column("answered", Boolean, nullable=False, comment="whether recipients in this state are wanted"),
    Column("unanswered", Boolean, nullable=False, comment="whether recipients in this state are wanted"),
    Column("failed", Boolean, nullable=False, comment="whether recipients in this state are wanted"),
    Column("created_at", UtcDateTime, nullable=False, comment="triggerer: what came before is not told"),
    Column("seen_at", UtcDateTime, nullable=False, comment="triggerer: each minute while it waits"),
)

event = Table(
    "ninebits_event",
    metadata,
    Column("id", big_key(), primary_key=True),
    # No foreign keys, as for callbacks. Whoever deletes recipients or subscriptions deletes their events.
    Column("subscription_id", String(64), nullable=False),
    Column("recipient_id", big_key(), nullable=False),
    Column("message_id", String(32), nullable=False, comment="an id of a recipient may be given again; this is not"),
    Column("state", String(16), nullable=False, comment="states.RecipientState, which it had reached"),
    Column("attempts", Integer, nullable=False, comment="of the recipient, as are all below, at that time"),
    Column("started_at", UtcDateTime, nullable=True, comment="null: absent or unreadable"),
    Column("answered_at", UtcDateTime, nullable=True, comment="null: not answered"),
    Column("ended_at", UtcDateTime, nullable=True, comment="null: absent or unreadable"),
    Column("total_duration", Integer, nullable=True, comment="seconds"),
    Column("call_duration", Integer, nullable=True, comment="seconds billed"),
    Column("total_amount", Amount, nullable=True, comment="null: none was reported"),
    # what somebody has not been given yet, the oldest first
    Index(None, "subscription_id", "id"),
    # those of a recipient, when what it had reached is taken back, or when it is deleted
    Index(None, "recipient_id"),
    # An id that was given back must not come again: whoever has been given the first one would delete the second.
    sqlite_autoincrement=True,
)
