"""What is left of a message that was purged: enough to give back its receipt, and to say that it was purged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_provider_ninebits.ledger import schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.engine import Connection, Row

LEDGER_REF_PREFIX = "ledger:"
_IN_LIST = 1000


def purged_refs(connection: Connection, refs: Collection[str]) -> set[str]:
    """Return those of some ``ref_id`` (or ``ledger:<message id>``) whose messages were purged."""
    receipt = schema.receipt.c
    by_id = [ref.removeprefix(LEDGER_REF_PREFIX) for ref in refs if ref.startswith(LEDGER_REF_PREFIX)]
    by_ref = [ref for ref in refs if not ref.startswith(LEDGER_REF_PREFIX)]
    found: set[str] = set()
    for some in _in_lists(by_ref):
        found.update(connection.execute(select(receipt.ref_id).where(receipt.ref_id.in_(some))).scalars())
    for some in _in_lists(by_id):
        ids = connection.execute(select(receipt.message_id).where(receipt.message_id.in_(some))).scalars()
        found.update(f"{LEDGER_REF_PREFIX}{message_id}" for message_id in ids)
    return found


def receipts(connection: Connection, *, send_id: str | None = None, message_id: str | None = None) -> list[Row]:  # type: ignore[type-arg]
    """Return the receipts of a purged send, or of one purged message: a row for each ``ref_id``, in order."""
    receipt = schema.receipt.c
    which = receipt.message_id == message_id if send_id is None else receipt.send_id == send_id
    return list(connection.execute(select(schema.receipt).where(which).order_by(receipt.part, receipt.id)))


def _in_lists(refs: list[str]) -> Iterable[list[str]]:
    return (refs[start : start + _IN_LIST] for start in range(0, len(refs), _IN_LIST))
