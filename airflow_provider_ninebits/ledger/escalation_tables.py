"""
The tables of ladders that alerts have begun: whom to ring next, and who looks after it.

A part of :mod:`~airflow_provider_ninebits.ledger.schema`, which names them.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from airflow_provider_ninebits.ledger.columns import UtcDateTime
from airflow_provider_ninebits.ledger.metadata import metadata

escalation = Table(
    "ninebits_escalation",
    metadata,
    Column("id", String(32), primary_key=True, comment="random: the ring that its first contact has"),
    Column("first_key", String(64), nullable=False, comment="idempotency key of the first contact's send"),
    Column("deployment", String(250), nullable=False, comment="which Airflow rings"),
    Column("dedup_key", Text, nullable=False, comment="for people: what it is about"),
    Column("dag_id", Text, nullable=True, comment="notifier: who gave the alert; null: unknown"),
    Column("run_id", Text, nullable=True, comment="notifier: who gave the alert; null: unknown"),
    Column("task_id", Text, nullable=True, comment="notifier: who gave the alert; null: unknown"),
    Column("conn_id", Text, nullable=False, comment="the Airflow connection that it goes over"),
    Column("media_url", Text, nullable=False, comment="whole, signature included: it is rung with later"),
    Column("from_number", String(64), nullable=True, comment="null: 9bits picks the caller ID"),
    Column("contacts", Text, nullable=False, comment="JSON: in their order, each the numbers that are rung at once"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("taken_by", Text, nullable=True, comment="the run that rings it; null: none does yet"),
    # those that nobody has taken, and those that a purge may forget
    Index(None, "created_at"),
)

escalation_watch = Table(
    "ninebits_escalation_watch",
    metadata,
    Column("deployment", String(250), primary_key=True, comment="which Airflow has a DAG for its ladders"),
    Column("seen_at", UtcDateTime, nullable=False, comment="trigger: when that DAG's watcher looked last"),
)
