"""Tables for receivers, and the callbacks that they take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create() -> None:
    """Create them, with their indexes."""
    _create_receiver()
    _create_callback()


def _create_receiver() -> None:
    op.create_table(
        "ninebits_receiver",
        sa.Column("id", sa.String(length=32), nullable=False, comment="random, one for each start of a receiver"),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "up_since",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="receiver: its heartbeats have no gap from here on",
        ),
        sa.Column(
            "heartbeat_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="receiver: the last; all turned away before is counted",
        ),
        sa.Column(
            "stopped",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="receiver: it ended in order",
        ),
        sa.Column("unauthorized", sa.Integer(), server_default="0", nullable=False, comment="receiver: answered 401"),
        sa.Column("last_unauthorized_at", sa.DateTime(timezone=True), nullable=True, comment="receiver: null: none"),
        sa.Column("oversized", sa.Integer(), server_default="0", nullable=False, comment="receiver: answered 413"),
        sa.Column("last_oversized_at", sa.DateTime(timezone=True), nullable=True, comment="receiver: null: none"),
        sa.Column("unavailable", sa.Integer(), server_default="0", nullable=False, comment="receiver: answered 503"),
        sa.Column("last_unavailable_at", sa.DateTime(timezone=True), nullable=True, comment="receiver: null: none"),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_receiver"),
    )
    op.create_index("ix_ninebits_receiver_heartbeat_at", "ninebits_receiver", ["heartbeat_at"], unique=False)


def _create_callback() -> None:
    op.create_table(
        "ninebits_callback",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="receiver: on the ledger's clock",
        ),
        sa.Column(
            "receiver_id",
            sa.String(length=32),
            nullable=True,
            comment="receiver: which one; null: not by a receiver",
        ),
        sa.Column(
            "conn_path",
            sa.Text(),
            nullable=True,
            comment="the conn_id in the URL; null: the account's one path",
        ),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="call, answer or unreadable"),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="as it came"),
        sa.Column(
            "identity",
            sa.String(length=64),
            nullable=True,
            comment="what makes repeats equal; null: nothing does",
        ),
        sa.Column(
            "repeats",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="receiver: how often it came again",
        ),
        sa.Column("ref_id", sa.String(length=128), nullable=True),
        sa.Column(
            "number",
            sa.String(length=32),
            nullable=True,
            comment="canonical destination; null: none readable",
        ),
        sa.Column("inbound", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="null: absent or unreadable"),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True, comment="null: not answered"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="null: absent or unreadable"),
        sa.Column("total_duration", sa.Integer(), nullable=True, comment="seconds"),
        sa.Column("call_duration", sa.Integer(), nullable=True, comment="seconds billed"),
        sa.Column("total_amount", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True, comment="status_code of an API answer; null: a call"),
        sa.Column("detail", sa.Text(), nullable=True, comment="message of an API answer, or why it cannot be read"),
        sa.Column(
            "match_state",
            sa.String(length=16),
            nullable=False,
            comment="matched, unmatched, inbound or unreadable",
        ),
        sa.Column(
            "ambiguous",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="several could have been meant",
        ),
        sa.Column("recipient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "request_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the one that it shows to have been placed, or answers",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_callback"),
        sa.UniqueConstraint("identity", name="uq_ninebits_callback_identity"),
    )
    op.create_index("ix_ninebits_callback_received_at", "ninebits_callback", ["received_at"], unique=False)
    op.create_index(
        "ix_ninebits_callback_dead_letter",
        "ninebits_callback",
        ["received_at", "id"],
        unique=False,
        sqlite_where=sa.text("case match_state when 'matched' then ambiguous else true end"),
        postgresql_where=sa.text("case match_state when 'matched' then ambiguous else true end"),
    )
    op.create_index(
        "ix_ninebits_callback_recipient_id",
        "ninebits_callback",
        ["recipient_id"],
        unique=False,
        sqlite_where=sa.text("recipient_id is not null"),
        postgresql_where=sa.text("recipient_id is not null"),
    )
    op.create_index(
        "ix_ninebits_callback_answered_request",
        "ninebits_callback",
        ["request_id"],
        unique=False,
        sqlite_where=sa.text("recipient_id is null and request_id is not null"),
        postgresql_where=sa.text("recipient_id is null and request_id is not null"),
    )
    op.create_index(
        "ix_ninebits_callback_waiting_number",
        "ninebits_callback",
        ["number"],
        unique=False,
        sqlite_where=sa.text("match_state = 'unmatched' and number is not null"),
        postgresql_where=sa.text("match_state = 'unmatched' and number is not null"),
    )
    op.create_index(
        "ix_ninebits_callback_waiting_answer",
        "ninebits_callback",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("match_state = 'unmatched' and kind = 'answer'"),
        postgresql_where=sa.text("match_state = 'unmatched' and kind = 'answer'"),
    )
    op.create_index(
        "ix_ninebits_callback_waiting_ref_id",
        "ninebits_callback",
        ["ref_id"],
        unique=False,
        sqlite_where=sa.text("match_state = 'unmatched' and ref_id is not null"),
        postgresql_where=sa.text("match_state = 'unmatched' and ref_id is not null"),
    )
