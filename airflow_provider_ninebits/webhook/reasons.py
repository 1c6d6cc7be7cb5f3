"""What of an error may be logged."""

from __future__ import annotations

from airflow_provider_ninebits.api.masking import masked_numbers

_LONGEST = 500


def reason(error: BaseException) -> str:
    """Return why, on one line, and no long one: a database may quote what it was given."""
    said = masked_numbers(f"{type(error).__name__}: {error}")
    said = "".join(mark if mark.isprintable() else " " for mark in said)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
