"""
The tables that a purge writes: what it has purged, and what a late retry is given back.

A part of :mod:`~airflow_provider_ninebits.ledger.schema`, which names them.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from airflow_provider_ninebits.ledger.columns import UtcDateTime, big_key
from airflow_provider_ninebits.ledger.metadata import metadata

receipt = Table(
    "ninebits_receipt",
    metadata,
    Column("id", big_key(), primary_key=True),
    Column("send_id", ForeignKey("ninebits_send.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", String(32), nullable=False, comment="of the message that was purged"),
    Column("part", Integer, nullable=False, comment="its place among the parts of its send"),
    Column("state", String(16), nullable=False, comment="its states.MessageState when it was purged"),
    Column("recipients", Integer, nullable=False, comment="how many numbers it had"),
    Column("ref_id", String(128), nullable=True, comment="of one of its requests, a row each; null: none was known"),
    # what a late retry is given back
    Index(None, "send_id"),
    # a look by ledger:<message id>
    Index(None, "message_id"),
    # a look by ref_id, which must not be taken for one that was never seen
    Index(None, "ref_id"),
)

purge = Table(
    "ninebits_purge",
    metadata,
    Column("id", big_key(), primary_key=True),
    Column("purged_until", UtcDateTime, nullable=False, comment="purge: what came before may be gone"),
    Column("begun_at", UtcDateTime, nullable=False),
)
