"""How moments, numbers, amounts and raw bodies are written on the page. Pure."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.masking import masked_numbers
from airflow_provider_ninebits.api.numbers import mask_number
from airflow_provider_ninebits.ledger.erasing import MASK_PREFIX
from airflow_provider_ninebits.ledger.outcome import plain_amount

if TYPE_CHECKING:
    from datetime import datetime, tzinfo
    from decimal import Decimal

RAW_SHOWN = 4096
"""How much of a raw body is shown, in characters."""
_READ = 4 * RAW_SHOWN
# A moment is no phone number, though it has as many digits.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?)")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|[][{},:]|[^][{},:"\s]+')
# Deeper ones stand no further in: what is nested a thousand times would be a megabyte of blanks.
_DEEPEST = 20


def moment(value: datetime | None, zone: tzinfo = UTC) -> str:
    """Return a moment to the second, without its zone."""
    return "" if value is None else value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def number(value: str | None, *, whole: bool) -> str:
    """Return a phone number, masked unless ``whole``; "" for none, "masked" for what ``purge --mask`` has left."""
    if value is None:
        return ""
    if value.startswith(MASK_PREFIX):
        return "masked"
    return value if whole else mask_number(value)


def amount(value: Decimal | None) -> str:
    """Return an amount with its thousands apart, without trailing zeros; "" where none was reported."""
    if value is None:
        return ""
    whole, dot, places = plain_amount(value).partition(".")
    return f"{int(whole):,}{dot}{places}"


def seconds(value: int | None) -> str:
    """Return a time in seconds as people say it; "" for none."""
    if value is None:
        return ""
    if value < 60:
        return f"{value} s"
    minutes, rest = divmod(value, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def raw(body: bytes, *, whole: bool) -> str:
    """
    Return a callback's body for reading: where it is JSON indented, its numbers as they came; cut where it is long.

    :param whole: whether phone numbers in it stay as they are.
    """
    text = body.decode("utf-8", "backslashreplace")
    if len(text) <= _READ:
        with suppress(ValueError, RecursionError):
            text = _indented(text)
    # An escape may stand for half a character, which no page can be encoded with.
    text = text.encode("utf-8", "backslashreplace").decode()
    left = len(text) - RAW_SHOWN
    # What is masked first cannot be cut in half.
    text = text[:_READ] if whole else masked(text[:_READ])
    return text if left <= 0 else f"{text[:RAW_SHOWN]}\n... and some {left} characters more"


def _indented(text: str) -> str:
    """
    Return JSON with a line for each item, and its strings without escapes, which could hide a number from the mask.

    It is not written anew from what it was read as: a 30.10 would be a 30.1, and of two equal keys one would be gone.

    :raises ValueError: for what is no JSON.
    """
    json.loads(text, parse_int=str)
    written: list[str] = []
    depth = 0
    for token in _TOKEN.findall(text):
        depth += (token in ("{", "[")) - (token in ("}", "]"))
        line = "\n" + "  " * min(depth, _DEEPEST)
        match token[0]:
            case "{" | "[" if len(token) == 1:
                written += (token, line)
            case "}" | "]":
                written += (line, token)
            case ",":
                written += (token, line)
            case ":":
                written.append(": ")
            case '"':
                written.append(json.dumps(json.loads(token), ensure_ascii=False))
            case _:
                written.append("".join(token.split()))
    return "".join(written)


def masked(text: str) -> str:
    """Return a text with phone numbers masked and its moments as they are."""
    return "".join(part if place % 2 else masked_numbers(part) for place, part in enumerate(_MOMENT.split(text)))
