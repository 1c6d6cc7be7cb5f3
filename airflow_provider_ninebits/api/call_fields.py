"""The fields of a callback, each read defensively: unreadable is None, never an exception."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from zoneinfo import ZoneInfo

_LONGEST_TEXT = 500
_LARGEST_DURATION_SECONDS = 2**31 - 1
_AMOUNT_LIMIT = Decimal(10**9)
_AMOUNT_STEP = Decimal("1e-9")


def read_text(value: object) -> str:
    """Return a text, bounded and without what a database or a log line could stumble over."""
    if not isinstance(value, str):
        return ""
    text = value[:_LONGEST_TEXT]
    return "".join(character if character.isprintable() else "�" for character in text)


def read_moment(value: object, timezone: str) -> datetime | None:
    """
    Return a moment in UTC.

    :param value: ``YYYY-MM-DD HH:MM:SS`` in ``timezone``, or ISO 8601 with an offset of its own. Absent, null, "" and
        ``0000-00-00 00:00:00`` are no moment.
    """
    if not isinstance(value, str) or not 10 <= len(value.strip()) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(timezone))
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # PostgreSQL and SQLite both keep these; years at the borders overflow when another zone is asked for.
    return moment if 1970 <= moment.year <= 9000 else None


def read_duration_seconds(value: object) -> int | None:
    """Return whole seconds, given as a number or as text."""
    amount = _decimal(value)
    if amount is None or not 0 <= amount <= _LARGEST_DURATION_SECONDS:
        return None
    return int(amount)


def read_amount(value: object) -> Decimal | None:
    """Return an amount, given as text or as a number, to nine places."""
    amount = _decimal(value)
    if amount is None or not 0 <= amount < _AMOUNT_LIMIT:
        return None
    with localcontext() as context:
        context.prec = 50
        rounded = amount.quantize(_AMOUNT_STEP)
    return rounded if rounded < _AMOUNT_LIMIT else None


def read_status(value: object) -> int | None:
    """Return an HTTP status, given as a number or as text."""
    status = _decimal(value)
    if status is None or not 100 <= status <= 599 or status != int(status):
        return None
    return int(status)


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and abs(value) >= 10**18:
        return None
    if isinstance(value, str) and (len(value) > 40 or not value.isascii() or "_" in value):
        return None
    try:
        number = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    # A huge exponent is cheap to write and dear to compare.
    return number if number.is_finite() and abs(number.adjusted()) < 40 else None
