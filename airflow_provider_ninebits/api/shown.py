"""Strangers' text, as it may stand in a log line or an error."""

from __future__ import annotations

import re

from airflow_provider_ninebits.api.numbers import mask_number

# A time of day goes with the date, as in a run's id and in 9bits' callbacks: a date alone may be a number.
_TIME = r"(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?!\d)"
_NUMBER = re.compile(rf"(?P<time>{_TIME})|\d(?:[ ().\-/]{{0,3}}\d){{7,}}", re.ASCII)
_BEARER = re.compile(r"(?i)(bearer)\s+\S+")
_LONGEST = 200
_READ = 8192


def shown_text(value: str | bytes, secret: str = "") -> str:
    """
    Return a text bounded, in ASCII, without control characters (they forge log lines), whole numbers and secrets.

    :param value: text, or the bytes of one.
    :param secret: the API key, which an answer may repeat.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    # What is masked first cannot be cut in half; nothing past this could be shown anyway.
    text = text[:_READ]
    if secret:
        text = text.replace(secret, "***")
    text = masked_numbers(_BEARER.sub(r"\1 ***", text))
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(mark if " " <= mark <= "~" else ascii(mark)[1:-1] for mark in text)


def masked_numbers(text: str) -> str:
    """Return a text with all that may be a phone number masked; times are none."""
    return _NUMBER.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    if found["time"] is not None:
        return found.group()
    return mask_number(found.group()) if len(found.group()) <= 24 else "***"
