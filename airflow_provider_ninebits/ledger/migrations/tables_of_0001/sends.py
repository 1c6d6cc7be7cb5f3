"""Tables for sends, the tasks that asked for them, and what a purge leaves of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create() -> None:
    """Create them, with their indexes."""
    _create_send()
    _create_purge()
    _create_receipt()
    _create_task()


def _create_send() -> None:
    op.create_table(
        "ninebits_send",
        sa.Column("id", sa.String(length=32), nullable=False, comment="when it was planned, then random (ids)"),
        sa.Column(
            "idempotency_key",
            sa.String(length=64),
            nullable=True,
            comment="hash; null: a send that nobody can resume",
        ),
        sa.Column("deployment", sa.String(length=250), nullable=False, comment="which Airflow asked"),
        sa.Column("dag_id", sa.Text(), nullable=True, comment="who asked; null: outside of a task"),
        sa.Column("run_id", sa.Text(), nullable=True, comment="who asked; null: outside of a task"),
        sa.Column("task_id", sa.Text(), nullable=True, comment="who asked; null: outside of a task"),
        sa.Column("map_index", sa.Integer(), nullable=True, comment="who asked; null: outside of a task"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "planner",
            sa.String(length=32),
            nullable=True,
            comment="planning: who writes its parts; null: all are written",
        ),
        sa.Column(
            "planner_expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="planning: when another may plan it instead",
        ),
        sa.Column(
            "purge_state",
            sa.String(length=16),
            nullable=True,
            comment="purge: states.PurgeState; null: nothing was purged",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_send"),
        sa.UniqueConstraint("idempotency_key", name="uq_ninebits_send_idempotency_key"),
    )
    op.create_index(
        "ix_ninebits_send_purge_state_created_at", "ninebits_send", ["purge_state", "created_at"], unique=False
    )
    op.create_index("ix_ninebits_send_run_id", "ninebits_send", ["run_id"], unique=False)


def _create_purge() -> None:
    op.create_table(
        "ninebits_purge",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "purged_until",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="purge: what came before may be gone",
        ),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_purge"),
    )


def _create_receipt() -> None:
    op.create_table(
        "ninebits_receipt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("send_id", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False, comment="of the message that was purged"),
        sa.Column("part", sa.Integer(), nullable=False, comment="its place among the parts of its send"),
        sa.Column(
            "state",
            sa.String(length=16),
            nullable=False,
            comment="its states.MessageState when it was purged",
        ),
        sa.Column("recipients", sa.Integer(), nullable=False, comment="how many numbers it had"),
        sa.Column(
            "ref_id",
            sa.String(length=128),
            nullable=True,
            comment="of one of its requests, a row each; null: none was known",
        ),
        sa.ForeignKeyConstraint(
            ["send_id"], ["ninebits_send.id"], name="fk_ninebits_receipt_send_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_receipt"),
    )
    op.create_index("ix_ninebits_receipt_message_id", "ninebits_receipt", ["message_id"], unique=False)
    op.create_index("ix_ninebits_receipt_ref_id", "ninebits_receipt", ["ref_id"], unique=False)
    op.create_index("ix_ninebits_receipt_send_id", "ninebits_receipt", ["send_id"], unique=False)


def _create_task() -> None:
    op.create_table(
        "ninebits_task",
        sa.Column(
            "place_key",
            sa.String(length=64),
            nullable=False,
            comment="hash of deployment, DAG, run, task, map index",
        ),
        sa.Column(
            "generation",
            sa.Integer(),
            nullable=False,
            comment="operator: raised when the task rings again on purpose",
        ),
        sa.Column(
            "task_instance_id",
            sa.String(length=64),
            nullable=False,
            comment="operator: the attempt last seen",
        ),
        sa.Column("try_number", sa.Integer(), nullable=False, comment="operator: of the attempt last seen"),
        sa.Column("max_tries", sa.Integer(), nullable=False, comment="operator: of the attempt last seen"),
        sa.Column(
            "finished",
            sa.Boolean(),
            nullable=False,
            comment="operator: set when the generation's work has ended",
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="operator: start of the attempt last seen",
        ),
        sa.PrimaryKeyConstraint("place_key", name="pk_ninebits_task"),
    )
    op.create_index("ix_ninebits_task_seen_at", "ninebits_task", ["seen_at"], unique=False)
