"""Strangers' text, as it may stand in a log line or an error."""

from __future__ import annotations

import re

from airflow_provider_ninebits.api.numbers import LONGEST_NUMBER, canonical_number, mask_number

# A time of day goes with the date, as in a run's id and in 9bits' callbacks: a date alone may be a number.
_TIME = (
    r"(?<![0-9])(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][T ]"
    r"[0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?(?![0-9])"
)
# All that `canonical_number` leaves out, and what people and encodings (UTF-16, JSON's escapes) put between digits. A
# comma with a blank after it is between two numbers. No mark is a digit: what can be read in one way only is read once.
_MARK = (
    r"(?:[\s.\-()/_\x00\u00ad\u00b7\u200b-\u2015\u202a-\u202e\u2060\u2212\ufeff]"
    r"|,(?!\s)|\\(?:u[0-9A-Fa-f]{4}|[bfnrt/]))"
)
_NUMBER = re.compile(rf"(?P<time>{_TIME})|[0-9](?:{_MARK}*(?!{_TIME})[0-9]){{7,}}")
_NO_DIGIT = re.compile(r"\\u[0-9A-Fa-f]{4}|[^0-9]")
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
    number = canonical_number(found.group()) or _NO_DIGIT.sub("", found.group())
    # Several numbers in one: of none of them may an end be shown.
    return mask_number(number) if len(number) <= LONGEST_NUMBER else "***"
