"""
The ledger's tables.

The column comments say who writes a column and why it may be null; every index is here for the query named beside it.
Changes come as files in ``migrations/versions``, never as ``create_all``.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from airflow_provider_ninebits.ledger.alert_table import alert
from airflow_provider_ninebits.ledger.callback_table import callback
from airflow_provider_ninebits.ledger.columns import Amount, UtcDateTime, big_key, partial_index
from airflow_provider_ninebits.ledger.escalation_tables import escalation, escalation_watch
from airflow_provider_ninebits.ledger.event_tables import event, subscription
from airflow_provider_ninebits.ledger.metadata import metadata
from airflow_provider_ninebits.ledger.purge_tables import purge, receipt

__all__ = [
    "VERSION_TABLE",
    "alert",
    "callback",
    "escalation",
    "escalation_watch",
    "event",
    "message",
    "metadata",
    "purge",
    "receipt",
    "receiver",
    "recipient",
    "request",
    "send",
    "subscription",
    "task",
]

VERSION_TABLE = "ninebits_version"

task = Table(
    "ninebits_task",
    metadata,
    Column("place_key", String(64), primary_key=True, comment="hash of deployment, DAG, run, task, map index"),
    Column("generation", Integer, nullable=False, comment="operator: raised when the task rings again on purpose"),
    Column("task_instance_id", String(64), nullable=False, comment="operator: the attempt last seen"),
    Column("try_number", Integer, nullable=False, comment="operator: of the attempt last seen"),
    Column("max_tries", Integer, nullable=False, comment="operator: of the attempt last seen"),
    Column("finished", Boolean, nullable=False, comment="operator: set when the generation's work has ended"),
    Column("seen_at", UtcDateTime, nullable=False, comment="operator: start of the attempt last seen"),
    # the places that a purge may forget
    Index(None, "seen_at"),
)

send = Table(
    "ninebits_send",
    metadata,
    Column("id", String(32), primary_key=True, comment="when it was planned, then random (ids)"),
    Column("idempotency_key", String(64), nullable=True, comment="hash; null: a send that nobody can resume"),
    Column("deployment", String(250), nullable=False, comment="which Airflow asked"),
    Column("dag_id", Text, nullable=True, comment="who asked; null: outside of a task"),
    Column("run_id", Text, nullable=True, comment="who asked; null: outside of a task"),
    Column("task_id", Text, nullable=True, comment="who asked; null: outside of a task"),
    Column("map_index", Integer, nullable=True, comment="who asked; null: outside of a task"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("planner", String(32), nullable=True, comment="planning: who writes its parts; null: all are written"),
    Column("planner_expires_at", UtcDateTime, nullable=True, comment="planning: when another may plan it instead"),
    Column("purge_state", String(16), nullable=True, comment="purge: states.PurgeState; null: nothing was purged"),
    UniqueConstraint("idempotency_key"),
    # what a purge has still to look at, and the keys that it may let go of
    Index(None, "purge_state", "created_at"),
    # what the instances of a mapped task have rung
    Index(None, "run_id"),
)

message = Table(
    "ninebits_message",
    metadata,
    Column("id", String(32), primary_key=True, comment="when it was planned, then random (ids)"),
    Column("send_id", ForeignKey("ninebits_send.id", ondelete="CASCADE"), nullable=False),
    Column("part", Integer, nullable=False, comment="its place among the parts of its send, from 0"),
    Column("conn_id", Text, nullable=False, comment="the Airflow connection that it goes over"),
    Column("dag_id", Text, nullable=True, comment="planning: its send's, to be listed by; null: outside of a task"),
    Column("media_url", Text, nullable=False, comment="without query string, which may hold a signature"),
    Column("from_number", String(64), nullable=True, comment="null: 9bits picks the caller ID"),
    Column("state", String(16), nullable=False, comment="states.MessageState"),
    Column("owner", String(64), nullable=True, comment="sender: who claimed it; null before the first claim"),
    Column("lease_expires_at", UtcDateTime, nullable=True, comment="sender: until when the claim holds"),
    Column("recipients", Integer, nullable=False, comment="how many numbers the part has"),
    Column("zones", Text, nullable=True, comment="planning: time zones of all its numbers; null: they do not matter"),
    Column("answered", Integer, nullable=False, server_default="0", comment="matching: recipients in this state"),
    Column(
        "unanswered",
        Integer,
        nullable=False,
        server_default="0",
        comment="matching: recipients in this state",
    ),
    Column("failed", Integer, nullable=False, server_default="0", comment="matching: recipients in this state"),
    Column("total_amount", Amount, nullable=False, server_default="0", comment="matching: sum of its recipients'"),
    Column("last_callback_at", UtcDateTime, nullable=True, comment="matching: null until a callback came"),
    Column(
        "revision",
        Integer,
        nullable=False,
        server_default="0",
        comment="raised by each change that a wait may ask for",
    ),
    Column("created_at", UtcDateTime, nullable=False),
    # parts of a send, in order
    UniqueConstraint("send_id", "part"),
    # newest messages first, by pages: all of them, a connection's (not everybody may read each), and a DAG's
    Index(None, "created_at", "id"),
    Index(None, "conn_id", "created_at", "id"),
    Index(None, "dag_id", "created_at", "id"),
    # the sweep over claims whose owner may have died, and the list of those that need a person
    partial_index(
        "ix_ninebits_message_open",
        "state",
        where="state in ('sending', 'uncertain')",
    ),
)

request = Table(
    "ninebits_request",
    metadata,
    Column("id", big_key(), primary_key=True),
    Column("message_id", ForeignKey("ninebits_message.id", ondelete="CASCADE"), nullable=False),
    Column("conn_id", Text, nullable=False, comment="the connection of this POST; a resend may take another"),
    Column("state", String(16), nullable=False, comment="states.RequestState"),
    Column(
        "ref_id",
        String(128),
        nullable=True,
        comment="9bits' answer, an adopting callback or a person; null: unknown",
    ),
    Column("known_by", String(16), nullable=True, comment="answer, callback or person; null: not known yet"),
    Column("started_at", UtcDateTime, nullable=False, comment="sender: the claim, on the ledger's clock"),
    Column(
        "late",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="sender: made so long after its message was planned that this one's id does not tell when",
    ),
    Column("finished_at", UtcDateTime, nullable=True, comment="sender: null while under way"),
    Column("status", Integer, nullable=True, comment="HTTP status; null: no answer"),
    Column("detail", Text, nullable=True, comment="what 9bits or the network said"),
    # the requests of a message; rule 2 of matching
    Index(None, "message_id"),
    # rule 1 of matching, and every look by ref_id
    Index(None, "ref_id"),
    # whether anything was rung lately of which callbacks could have come (vitals)
    Index(None, "started_at"),
    # rule 0: a connection's requests whose ref_id is unknown
    partial_index(
        "ix_ninebits_request_nameless",
        "conn_id",
        where="ref_id is null and state <> 'refused'",
    ),
    # all rules of matching: which old messages were requested in time
    partial_index("ix_ninebits_request_late", "started_at", where="late"),
)

recipient = Table(
    "ninebits_recipient",
    metadata,
    Column("id", big_key(), primary_key=True),
    Column("send_id", ForeignKey("ninebits_send.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", ForeignKey("ninebits_message.id", ondelete="CASCADE"), nullable=False),
    Column("number", String(32), nullable=False, comment="canonical: digits with the country code"),
    Column("state", String(16), nullable=False, comment="states.RecipientState"),
    Column("attempts", Integer, nullable=False, server_default="0", comment="matching: calls that came back"),
    Column("started_at", UtcDateTime, nullable=True, comment="matching: of the call that counts; null: none came"),
    Column("answered_at", UtcDateTime, nullable=True, comment="matching: null: not answered"),
    Column("ended_at", UtcDateTime, nullable=True, comment="matching: of the call that counts"),
    Column("total_duration", Integer, nullable=True, comment="matching: seconds, of the call that counts"),
    Column("call_duration", Integer, nullable=True, comment="matching: seconds billed, of the call that counts"),
    Column(
        "total_amount",
        Amount,
        nullable=True,
        comment="matching: sum of all attempts; null: none was reported",
    ),
    Column("last_callback_at", UtcDateTime, nullable=True, comment="matching: attempt_window counts from here"),
    # a number is rung once in a send, whatever its parts
    UniqueConstraint("send_id", "number"),
    # the recipients of a message
    Index(None, "message_id"),
    # all rules of matching: which messages a number was in, without a look at each recipient
    Index(None, "number", "message_id"),
)

receiver = Table(
    "ninebits_receiver",
    metadata,
    Column("id", String(32), primary_key=True, comment="random, one for each start of a receiver"),
    Column("host", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("up_since", UtcDateTime, nullable=False, comment="receiver: its heartbeats have no gap from here on"),
    Column(
        "heartbeat_at", UtcDateTime, nullable=False, comment="receiver: the last; all turned away before is counted"
    ),
    Column("stopped", Boolean, nullable=False, server_default=text("false"), comment="receiver: it ended in order"),
    Column("unauthorized", Integer, nullable=False, server_default="0", comment="receiver: answered 401"),
    Column("last_unauthorized_at", UtcDateTime, nullable=True, comment="receiver: null: none"),
    Column("oversized", Integer, nullable=False, server_default="0", comment="receiver: answered 413"),
    Column("last_oversized_at", UtcDateTime, nullable=True, comment="receiver: null: none"),
    Column("unavailable", Integer, nullable=False, server_default="0", comment="receiver: answered 503"),
    Column("last_unavailable_at", UtcDateTime, nullable=True, comment="receiver: null: none"),
    # which receivers are up
    Index(None, "heartbeat_at"),
)
