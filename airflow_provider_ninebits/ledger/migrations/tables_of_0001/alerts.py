"""Tables for alerts, and the ladders that they begin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create() -> None:
    """Create them, with their indexes."""
    _create_alert()
    _create_escalation()
    _create_escalation_watch()


def _create_alert() -> None:
    op.create_table(
        "ninebits_alert",
        sa.Column("key", sa.String(length=64), nullable=False, comment="hash of deployment and dedup key"),
        sa.Column("deployment", sa.String(length=250), nullable=False, comment="which Airflow rang"),
        sa.Column("dedup_key", sa.Text(), nullable=False, comment="for people: shortened, numbers masked"),
        sa.Column("rings", sa.Integer(), server_default="0", nullable=False, comment="notifier: how often it rang"),
        sa.Column(
            "rang_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="notifier: a cooldown counts from here; null: it never rang",
        ),
        sa.Column("dag_id", sa.Text(), nullable=True, comment="notifier: for whom it rang last; null: unknown"),
        sa.Column("run_id", sa.Text(), nullable=True, comment="notifier: for whom it rang last; null: unknown"),
        sa.Column("task_id", sa.Text(), nullable=True, comment="notifier: for whom it rang last; null: unknown"),
        sa.Column(
            "ring_id",
            sa.String(length=32),
            nullable=True,
            comment="random: of a ring that is still to come; null: of none",
        ),
        sa.Column(
            "begun_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when that ring was claimed first; null: there is none",
        ),
        sa.Column(
            "owner",
            sa.String(length=32),
            nullable=True,
            comment="notifier: who claimed it; null: it was let go, or has rung",
        ),
        sa.Column(
            "claimed_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until when the claim holds; null: as owner",
        ),
        sa.Column(
            "held_back",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="alerts that rang nobody since rang_at",
        ),
        sa.Column(
            "held_back_in_all",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="alerts that ever rang nobody",
        ),
        sa.Column(
            "held_back_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="of the last such one; null: there was none",
        ),
        sa.Column(
            "held_back_dag_id",
            sa.Text(),
            nullable=True,
            comment="of the last such one; null: unknown, or there was none",
        ),
        sa.Column(
            "held_back_run_id",
            sa.Text(),
            nullable=True,
            comment="of the last such one; null: unknown, or there was none",
        ),
        sa.Column(
            "held_back_task_id",
            sa.Text(),
            nullable=True,
            comment="of the last such one; null: unknown, or there was none",
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="notifier: the last alert with this key",
        ),
        sa.PrimaryKeyConstraint("key", name="pk_ninebits_alert"),
    )
    op.create_index("ix_ninebits_alert_seen_at", "ninebits_alert", ["seen_at"], unique=False)


def _create_escalation() -> None:
    op.create_table(
        "ninebits_escalation",
        sa.Column("id", sa.String(length=32), nullable=False, comment="random: the ring that its first contact has"),
        sa.Column(
            "first_key", sa.String(length=64), nullable=False, comment="idempotency key of the first contact's send"
        ),
        sa.Column("deployment", sa.String(length=250), nullable=False, comment="which Airflow rings"),
        sa.Column("dedup_key", sa.Text(), nullable=False, comment="for people: what it is about"),
        sa.Column("dag_id", sa.Text(), nullable=True, comment="notifier: who gave the alert; null: unknown"),
        sa.Column("run_id", sa.Text(), nullable=True, comment="notifier: who gave the alert; null: unknown"),
        sa.Column("task_id", sa.Text(), nullable=True, comment="notifier: who gave the alert; null: unknown"),
        sa.Column("conn_id", sa.Text(), nullable=False, comment="the Airflow connection that it goes over"),
        sa.Column("media_url", sa.Text(), nullable=False, comment="whole, signature included: it is rung with later"),
        sa.Column("from_number", sa.String(length=64), nullable=True, comment="null: 9bits picks the caller ID"),
        sa.Column(
            "contacts",
            sa.Text(),
            nullable=False,
            comment="JSON: in their order, each the numbers that are rung at once",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True, comment="the run that rings it; null: none does yet"),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_escalation"),
    )
    op.create_index("ix_ninebits_escalation_created_at", "ninebits_escalation", ["created_at"], unique=False)


def _create_escalation_watch() -> None:
    op.create_table(
        "ninebits_escalation_watch",
        sa.Column(
            "deployment", sa.String(length=250), nullable=False, comment="which Airflow has a DAG for its ladders"
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="trigger: when that DAG's watcher looked last",
        ),
        sa.PrimaryKeyConstraint("deployment", name="pk_ninebits_escalation_watch"),
    )
