"""An outage of the ledger, told as the error that a task raises for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ninebits.exceptions import LedgerUnavailable

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable


def unavailable(error: LedgerUnreachable | LedgerUnusable, masked_url: str) -> LedgerUnavailable:
    """Return the task's error for one of the ledger's."""
    return LedgerUnavailable(masked_url, getattr(error, "cause", None) or str(error))
