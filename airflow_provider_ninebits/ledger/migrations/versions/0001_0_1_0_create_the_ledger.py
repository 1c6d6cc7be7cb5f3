"""Create the ledger: sends, messages, requests, recipients, callbacks, receivers, tasks, alerts, ladders and events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
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
    op.create_table(
        "ninebits_send",
        sa.Column("id", sa.String(length=32), nullable=False, comment="random"),
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
    op.create_table(
        "ninebits_message",
        sa.Column("id", sa.String(length=32), nullable=False, comment="random"),
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
    op.create_index(
        "ix_ninebits_recipient_message_id_number",
        "ninebits_recipient",
        ["message_id", "number"],
        unique=False,
    )
    op.create_index("ix_ninebits_recipient_number", "ninebits_recipient", ["number"], unique=False)
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
    op.create_index("ix_ninebits_request_ref_id", "ninebits_request", ["ref_id"], unique=False)
    op.create_index("ix_ninebits_request_started_at", "ninebits_request", ["started_at"], unique=False)
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
            comment="of an API answer, or of an adopted ref_id",
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
        sqlite_where=sa.text("match_state <> 'matched' or ambiguous"),
        postgresql_where=sa.text("match_state <> 'matched' or ambiguous"),
    )
    op.create_index("ix_ninebits_callback_recipient_id", "ninebits_callback", ["recipient_id"], unique=False)
    op.create_index("ix_ninebits_callback_request_id", "ninebits_callback", ["request_id"], unique=False)
    op.create_index(
        "ix_ninebits_callback_waiting_number",
        "ninebits_callback",
        ["number"],
        unique=False,
        sqlite_where=sa.text("match_state = 'unmatched'"),
        postgresql_where=sa.text("match_state = 'unmatched'"),
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
        sqlite_where=sa.text("match_state = 'unmatched'"),
        postgresql_where=sa.text("match_state = 'unmatched'"),
    )
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
