"""Tables for events, and who is told of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create() -> None:
    """Create them, with their indexes."""
    _create_event()
    _create_subscription()


def _create_event() -> None:
    op.create_table(
        "ninebits_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscription_id", sa.String(length=64), nullable=False),
        sa.Column("recipient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "message_id",
            sa.String(length=32),
            nullable=False,
            comment="an id of a recipient may be given again; this is not",
        ),
        sa.Column("state", sa.String(length=16), nullable=False, comment="states.RecipientState, which it had reached"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="of the recipient, as are all below, at that time"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="null: absent or unreadable"),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True, comment="null: not answered"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="null: absent or unreadable"),
        sa.Column("total_duration", sa.Integer(), nullable=True, comment="seconds"),
        sa.Column("call_duration", sa.Integer(), nullable=True, comment="seconds billed"),
        sa.Column("total_amount", sa.BigInteger(), nullable=True, comment="null: none was reported"),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ninebits_event_recipient_id", "ninebits_event", ["recipient_id"], unique=False)
    op.create_index("ix_ninebits_event_subscription_id_id", "ninebits_event", ["subscription_id", "id"], unique=False)


def _create_subscription() -> None:
    op.create_table(
        "ninebits_subscription",
        sa.Column("id", sa.String(length=64), nullable=False, comment="hash of the deployment and of what is wanted"),
        sa.Column("deployment", sa.String(length=250), nullable=False, comment="which Airflow waits"),
        sa.Column("answered", sa.Boolean(), nullable=False, comment="whether recipients in this state are wanted"),
        sa.Column("unanswered", sa.Boolean(), nullable=False, comment="whether recipients in this state are wanted"),
        sa.Column("failed", sa.Boolean(), nullable=False, comment="whether recipients in this state are wanted"),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, comment="triggerer: what came before is not told"
        ),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), nullable=False, comment="triggerer: each minute while it waits"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_subscription"),
    )
