"""What of an error may be logged."""

from __future__ import annotations

from airflow_provider_ninebits.api.masking import masked_numbers


def reason(error: Exception) -> str:
    """Return why, on one line: a database may quote what it was given."""
    said = masked_numbers(f"{type(error).__name__}: {error}")
    return "".join(mark if mark.isprintable() else " " for mark in said)
