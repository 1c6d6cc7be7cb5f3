"""
The table of callbacks, and what its indexes are for.

Most callbacks are matched, and looked at no more, so the indexes over the others are partial. PostgreSQL takes each for
as small as it was when the table was last analyzed. Where a question's condition implied those of several, it read all
of another one rather than look for some numbers in the right one; so none but its own is implied by a question.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint, text

from airflow_provider_ninebits.ledger.columns import Amount, UtcDateTime, big_key, partial_index
from airflow_provider_ninebits.ledger.metadata import metadata

_DEAD_LETTER = "case match_state when 'matched' then ambiguous else true end"
is_dead_letter = text(_DEAD_LETTER)
"""Whether a person may want to look at it. As in the index, which is used for these words only."""

callback = Table(
    "ninebits_callback",
    metadata,
    Column("id", big_key(), primary_key=True),
    Column("received_at", UtcDateTime, nullable=False, comment="receiver: on the ledger's clock"),
    Column("receiver_id", String(32), nullable=True, comment="receiver: which one; null: not by a receiver"),
    Column("conn_path", Text, nullable=True, comment="the conn_id in the URL; null: the account's one path"),
    Column("kind", String(16), nullable=False, comment="call, answer or unreadable"),
    Column("raw", LargeBinary, nullable=False, comment="as it came"),
    Column("identity", String(64), nullable=True, comment="what makes repeats equal; null: nothing does"),
    Column("repeats", Integer, nullable=False, server_default="0", comment="receiver: how often it came again"),
    Column("ref_id", String(128), nullable=True),
    Column("number", String(32), nullable=True, comment="canonical destination; null: none readable"),
    Column("inbound", Boolean, nullable=False, server_default=text("false")),
    Column("started_at", UtcDateTime, nullable=True, comment="null: absent or unreadable"),
    Column("answered_at", UtcDateTime, nullable=True, comment="null: not answered"),
    Column("ended_at", UtcDateTime, nullable=True, comment="null: absent or unreadable"),
    Column("total_duration", Integer, nullable=True, comment="seconds"),
    Column("call_duration", Integer, nullable=True, comment="seconds billed"),
    Column("total_amount", Amount, nullable=True),
    Column("status", Integer, nullable=True, comment="status_code of an API answer; null: a call"),
    Column("detail", Text, nullable=True, comment="message of an API answer, or why it cannot be read"),
    Column("match_state", String(16), nullable=False, comment="matched, unmatched, inbound or unreadable"),
    Column(
        "ambiguous",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="several could have been meant",
    ),
    # No foreign keys: PostgreSQL checks them row by row, which took longer than all else that it does for a callback.
    # Whoever deletes recipients or requests lets go of their callbacks.
    Column("recipient_id", big_key(), nullable=True),
    Column("request_id", big_key(), nullable=True, comment="the one that it shows to have been placed, or answers"),
    # repeats are kept once
    UniqueConstraint("identity"),
    # newest callbacks first
    Index(None, "received_at"),
    # those that a person may want to look at, which are few among the others; newest first
    partial_index(
        "ix_ninebits_callback_dead_letter",
        "received_at",
        "id",
        where=_DEAD_LETTER,
    ),
    # a recipient's attempts. Partial: SQLite would read all that are nobody's, rather than look by request_id below
    partial_index(
        "ix_ninebits_callback_recipient_id",
        "recipient_id",
        where="recipient_id is not null",
    ),
    # API answers that a request got, and calls of a part that gave way to another plan. Other calls are found by their
    # recipients: to keep all of them here too changed one more page of a SQLite file for each callback
    partial_index(
        "ix_ninebits_callback_answered_request",
        "request_id",
        where="recipient_id is null and request_id is not null",
    ),
    # unmatched callbacks of a number, tried again when an answer is recorded
    partial_index(
        "ix_ninebits_callback_waiting_number",
        "number",
        where="match_state = 'unmatched' and number is not null",
    ),
    # unmatched API answers, which have no number: tried again when one request less may adopt them
    partial_index(
        "ix_ninebits_callback_waiting_answer",
        "received_at",
        where="match_state = 'unmatched' and kind = 'answer'",
    ),
    # unmatched callbacks of a ref_id, tried again when it becomes known
    partial_index(
        "ix_ninebits_callback_waiting_ref_id",
        "ref_id",
        where="match_state = 'unmatched' and ref_id is not null",
    ),
)
