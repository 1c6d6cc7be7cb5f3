"""Tables for messages, whom each rings, and its requests to 9bits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create() -> None:
    """Create them, with their indexes."""
    _create_message()
    _create_recipient()
    _create_request()


def _create_message() -> None:
    op.create_table(
        "ninebits_message",
        sa.Column("id", sa.String(length=32), nullable=False, comment="when it was planned, then random (ids)"),
        sa.Column("send_id", sa.String(length=32), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False, comment="its place among the parts of its send, from 0"),
        sa.Column("conn_id", sa.Text(), nullable=False, comment="the Airflow connection that it goes over"),
        sa.Column(
            "dag_id", sa.Text(), nullable=True, comment="planning: its send's, to be listed by; null: outside of a task"
        ),
        sa.Column("media_url", sa.Text(), nullable=False, comment="without query string, which may hold a signature"),
        sa.Column("from_number", sa.String(length=64), nullable=True, comment="null: 9bits picks the caller ID"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="states.MessageState"),
        sa.Column(
            "owner",
            sa.String(length=64),
            nullable=True,
            comment="sender: who claimed it; null before the first claim",
        ),
        sa.Column(
            "lease_expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="sender: until when the claim holds",
        ),
        sa.Column("recipients", sa.Integer(), nullable=False, comment="how many numbers the part has"),
        sa.Column(
            "zones",
            sa.Text(),
            nullable=True,
            comment="planning: time zones of all its numbers; null: they do not matter",
        ),
        sa.Column(
            "answered",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="matching: recipients in this state",
        ),
        sa.Column(
            "unanswered",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="matching: recipients in this state",
        ),
        sa.Column(
            "failed",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="matching: recipients in this state",
        ),
        sa.Column(
            "total_amount",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="matching: sum of its recipients'",
        ),
        sa.Column(
            "last_callback_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="matching: null until a callback came",
        ),
        sa.Column(
            "revision",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="raised by each change that a wait may ask for",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["send_id"], ["ninebits_send.id"], name="fk_ninebits_message_send_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_message"),
        sa.UniqueConstraint("send_id", "part", name="uq_ninebits_message_send_id_part"),
    )
    op.create_index("ix_ninebits_message_created_at_id", "ninebits_message", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_ninebits_message_conn_id_created_at_id", "ninebits_message", ["conn_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_ninebits_message_dag_id_created_at_id", "ninebits_message", ["dag_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_ninebits_message_open",
        "ninebits_message",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state in ('sending', 'uncertain')"),
        postgresql_where=sa.text("state in ('sending', 'uncertain')"),
    )


def _create_recipient() -> None:
    op.create_table(
        "ninebits_recipient",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("send_id", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False, comment="canonical: digits with the country code"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="states.RecipientState"),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="matching: calls that came back",
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="matching: of the call that counts; null: none came",
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True, comment="matching: null: not answered"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="matching: of the call that counts"),
        sa.Column(
            "total_duration",
            sa.Integer(),
            nullable=True,
            comment="matching: seconds, of the call that counts",
        ),
        sa.Column(
            "call_duration",
            sa.Integer(),
            nullable=True,
            comment="matching: seconds billed, of the call that counts",
        ),
        sa.Column(
            "total_amount",
            sa.BigInteger(),
            nullable=True,
            comment="matching: sum of all attempts; null: none was reported",
        ),
        sa.Column(
            "last_callback_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="matching: attempt_window counts from here",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["ninebits_message.id"],
            name="fk_ninebits_recipient_message_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["send_id"], ["ninebits_send.id"], name="fk_ninebits_recipient_send_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_recipient"),
        sa.UniqueConstraint("send_id", "number", name="uq_ninebits_recipient_send_id_number"),
    )
    op.create_index("ix_ninebits_recipient_message_id", "ninebits_recipient", ["message_id"], unique=False)
    op.create_index(
        "ix_ninebits_recipient_number_message_id",
        "ninebits_recipient",
        ["number", "message_id"],
        unique=False,
    )


def _create_request() -> None:
    op.create_table(
        "ninebits_request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column(
            "conn_id",
            sa.Text(),
            nullable=False,
            comment="the connection of this POST; a resend may take another",
        ),
        sa.Column("state", sa.String(length=16), nullable=False, comment="states.RequestState"),
        sa.Column(
            "ref_id",
            sa.String(length=128),
            nullable=True,
            comment="9bits' answer, an adopting callback or a person; null: unknown",
        ),
        sa.Column(
            "known_by",
            sa.String(length=16),
            nullable=True,
            comment="answer, callback or person; null: not known yet",
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="sender: the claim, on the ledger's clock",
        ),
        sa.Column(
            "late",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="sender: made so long after its message was planned that this one's id does not tell when",
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="sender: null while under way"),
        sa.Column("status", sa.Integer(), nullable=True, comment="HTTP status; null: no answer"),
        sa.Column("detail", sa.Text(), nullable=True, comment="what 9bits or the network said"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["ninebits_message.id"], name="fk_ninebits_request_message_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ninebits_request"),
    )
    op.create_index("ix_ninebits_request_message_id", "ninebits_request", ["message_id"], unique=False)
    op.create_index(
        "ix_ninebits_request_nameless",
        "ninebits_request",
        ["conn_id"],
        unique=False,
        sqlite_where=sa.text("ref_id is null and state <> 'refused'"),
        postgresql_where=sa.text("ref_id is null and state <> 'refused'"),
    )
    op.create_index(
        "ix_ninebits_request_late",
        "ninebits_request",
        ["started_at"],
        unique=False,
        sqlite_where=sa.text("late"),
        postgresql_where=sa.text("late"),
    )
    op.create_index("ix_ninebits_request_ref_id", "ninebits_request", ["ref_id"], unique=False)
    op.create_index("ix_ninebits_request_started_at", "ninebits_request", ["started_at"], unique=False)
