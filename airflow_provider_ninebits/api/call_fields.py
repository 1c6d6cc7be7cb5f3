"""The fields of a callback, each read from whatever came: what cannot be read is None, and nothing raises."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.numbers import canonical_number

if TYPE_CHECKING:
    from datetime import tzinfo

# What a 32-bit column of the ledger holds.
_MOST_SECONDS = 2**31 - 1
_AMOUNT_LIMIT = Decimal(10) ** 9
_AMOUNT_STEP = Decimal("1E-9")
# Not the caller's, which may be less precise, or trap what is rounded.
_PRECISE = Context(prec=40)
_LONGEST_AMOUNT = 64
# Before it 9bits was not there: a zero that some system took for a moment (1970).
_FIRST_YEAR = 2000

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?\s*(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII | re.IGNORECASE
)
_WHOLE = re.compile(r"\d{1,10}(?:\.0*)?", re.ASCII)
_DECIMAL = re.compile(r"\+?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,6})?", re.ASCII)
_CALLER_ID = re.compile(r"[!-~](?:[ -~]{0,30}[!-~])?")
_STATUS_CODE = re.compile(r"[1-5]\d\d(?:\.0*)?", re.ASCII)


def read_to_number(value: object) -> str | None:
    """Return a destination as the digits it is compared by."""
    return canonical_number(_whole(value))


def read_caller_id(value: object) -> str | None:
    """Return a caller ID: its digits, as 9bits writes them (national form too), or its name."""
    value = _whole(value)
    number = canonical_number(value)
    if number is not None:
        return number
    text = value.strip() if isinstance(value, str) else ""
    return text if _CALLER_ID.fullmatch(text) else None


def read_inbound(value: object) -> bool:
    """Return whether a call came in; none given means that it went out."""
    return isinstance(value, str) and value.strip().lower() == "inbound"


def read_time(value: object, zone: tzinfo) -> datetime | None:
    """
    Return a moment in UTC.

    :param value: ``YYYY-MM-DD HH:MM:SS`` in ``zone`` (9bits: The Call Object), or ISO 8601 with an offset of its own.
    :return: None for "0000-00-00 00:00:00", and for all that is no believable moment. A time that the clocks skipped,
        or showed twice, is read with the offset from before they were changed.
    """
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    to_seconds, fraction, offset = match.groups()
    try:
        if fraction is None and offset is None:  # as 9bits writes it
            if zone is UTC:
                moment = datetime.fromisoformat(f"{to_seconds}+00:00")
            else:
                moment = datetime.fromisoformat(to_seconds).replace(tzinfo=zone)
        else:
            moment = datetime.fromisoformat(f"{to_seconds}.{(fraction or '0').ljust(6, '0')}{(offset or '').upper()}")
            moment = moment if offset else moment.replace(tzinfo=zone)
        if moment.year < _FIRST_YEAR:
            return None
        return moment if zone is UTC and not offset else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_seconds(value: object) -> int | None:
    """Return a duration in whole seconds, given as a number or as text (95, 95.0, "95")."""
    if type(value) is int:
        return value if 0 <= value <= _MOST_SECONDS else None
    text = _text(value)
    if text is None or not _WHOLE.fullmatch(text):
        return None
    seconds = int(text.partition(".")[0])
    return seconds if seconds <= _MOST_SECONDS else None


def read_amount(value: object) -> Decimal | None:
    """Return an amount, given as text (9bits: The Call Object) or as a number; rounded to 9 places, below 10**9."""
    text = _text(value)
    if text is None or len(text) > _LONGEST_AMOUNT or not _DECIMAL.fullmatch(text):
        return None
    try:
        amount = Decimal(text).quantize(_AMOUNT_STEP, context=_PRECISE)
    except ArithmeticError:
        return None
    return amount if amount < _AMOUNT_LIMIT else None


def read_status_code(value: object) -> int | None:
    """Return an HTTP status, given as a number or as text."""
    text = _text(value)
    return int(text[:3]) if text is not None and _STATUS_CODE.fullmatch(text) else None


def _text(value: object) -> str | None:
    """Return a number, or the text of one, as text; True and False are no numbers."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return None
    return format(value, "f") if isinstance(value, Decimal) and abs(value.adjusted()) < 64 else str(value).strip()


def _whole(value: object) -> object:
    """Return a decimal without places (2348020000000.0) as the integer that was meant."""
    if isinstance(value, Decimal) and value.adjusted() < 64 and value == value.to_integral_value():
        return int(value)
    return value
