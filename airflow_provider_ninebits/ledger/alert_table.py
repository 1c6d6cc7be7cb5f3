"""
The table of alerts: for which key it rang last, who is ringing, and how many were held back.

A part of :mod:`~airflow_provider_ninebits.ledger.schema`, which names it.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from airflow_provider_ninebits.ledger.columns import UtcDateTime
from airflow_provider_ninebits.ledger.metadata import metadata

alert = Table(
    "ninebits_alert",
    metadata,
    Column("key", String(64), primary_key=True, comment="hash of deployment and dedup key"),
    Column("deployment", String(250), nullable=False, comment="which Airflow rang"),
    Column("dedup_key", Text, nullable=False, comment="for people: shortened, numbers masked"),
    Column("rings", Integer, nullable=False, server_default="0", comment="notifier: how often it rang"),
    Column("rang_at", UtcDateTime, nullable=True, comment="notifier: a cooldown counts from here; null: it never rang"),
    Column("dag_id", Text, nullable=True, comment="notifier: for whom it rang last; null: unknown"),
    Column("run_id", Text, nullable=True, comment="notifier: for whom it rang last; null: unknown"),
    Column("task_id", Text, nullable=True, comment="notifier: for whom it rang last; null: unknown"),
    Column("ring_id", String(32), nullable=True, comment="random: of a ring that is still to come; null: of none"),
    Column("begun_at", UtcDateTime, nullable=True, comment="when that ring was claimed first; null: there is none"),
    Column("owner", String(32), nullable=True, comment="notifier: who claimed it; null: it was let go, or has rung"),
    Column("claimed_until", UtcDateTime, nullable=True, comment="until when the claim holds; null: as owner"),
    Column("held_back", Integer, nullable=False, server_default="0", comment="alerts that rang nobody since rang_at"),
    Column("held_back_in_all", Integer, nullable=False, server_default="0", comment="alerts that ever rang nobody"),
    Column("held_back_at", UtcDateTime, nullable=True, comment="of the last such one; null: there was none"),
    Column("held_back_dag_id", Text, nullable=True, comment="of the last such one; null: unknown, or there was none"),
    Column("held_back_run_id", Text, nullable=True, comment="of the last such one; null: unknown, or there was none"),
    Column("held_back_task_id", Text, nullable=True, comment="of the last such one; null: unknown, or there was none"),
    Column("seen_at", UtcDateTime, nullable=False, comment="notifier: the last alert with this key"),
    # the alerts that were seen last, and those that a purge may forget
    Index(None, "seen_at"),
)
