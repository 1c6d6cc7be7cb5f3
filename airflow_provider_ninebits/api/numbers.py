"""Destinations: read, checked, compared, masked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.errors import InvalidMessage, InvalidRecipient
from airflow_provider_ninebits.api.rendered import rendered_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_RECIPIENTS_PER_REQUEST = 1000
"""9bits: Send a voice message."""

_SEPARATORS = re.compile(r"[\s.\-‐-―()/]+")
_LONGEST_NUMBER = 20


def canonical_number(value: object) -> str | None:
    """
    Return the digits that a number is compared by: without ``+``, ``00``, blanks, dashes, dots and brackets.

    Never raises: what comes in a callback is a stranger's.

    :return: None for what is no number.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    if isinstance(value, int):
        if not 0 < value < 10**_LONGEST_NUMBER:
            return None
        value = str(value)
    text = _SEPARATORS.sub("", value).removeprefix("+")
    if not (text.isascii() and text.isdigit()):
        return None
    text = text.removeprefix("00")
    return text if 0 < len(text) <= _LONGEST_NUMBER else None


def mask_number(value: object) -> str:
    """Return a number as it may stand in logs and errors: ``234802***0000``."""
    text = canonical_number(value)
    if text is None:
        return f"<{type(value).__name__} that is no number>"
    if len(text) < 8:
        return f"{text[:1]}***"
    shown = min(6, len(text) - 5)
    ending = min(4, len(text) - shown - 1)
    return f"{text[:shown]}***{text[-ending:]}" if len(text) >= 11 else f"{text[:3]}***{text[-2:]}"


def read_recipients(to: object) -> list[str]:
    """
    Return the destinations that an argument holds: canonical, each once, in order.

    :param to: a number or any iterable of them, with country codes; ``+``, ``00``, blanks and dashes are fine. A text may be
        a list that a template rendered.
    :raises InvalidRecipient: for the first one that is no possible international number; masked, with its place and what to
        do. Nothing was sent.
    """
    items = _items(to)
    found = dict.fromkeys(_checked(item, place, len(items)) for place, item in enumerate(items, start=1))
    return list(found)


def parts_of(recipients: Sequence[str], size: int = MAX_RECIPIENTS_PER_REQUEST) -> Iterator[tuple[str, ...]]:
    """Give the recipients in parts that 9bits takes in one request."""
    for start in range(0, len(recipients), size):
        yield tuple(recipients[start : start + size])


def _items(to: object) -> list[object]:
    if isinstance(to, (bytes, bytearray, bool, float, dict)):
        raise InvalidRecipient(f"to is a {type(to).__name__}; give a number as text, or a list of them")
    try:
        if to is None or isinstance(to, (str, int, list, tuple, set, frozenset)):
            return rendered_list(to, "to")
        items = list(to)  # type: ignore[call-overload]
    except InvalidMessage as error:
        raise InvalidRecipient(str(error)) from error
    except TypeError as error:
        raise InvalidRecipient(f"to is a {type(to).__name__}; give a number as text, or a list of them") from error
    if not items:
        raise InvalidRecipient("to is empty; give at least one number, or skip the task")
    return items


def _checked(item: object, place: int, count: int) -> str:
    where = f"number {place} of {count}" if count > 1 else "the number"
    number = canonical_number(item)
    if number is None:
        raise InvalidRecipient(f"to: {where} is {mask_number(item)}; give digits with the country code: 2348020000000")
    if not _possible(number):
        raise InvalidRecipient(
            f"to: {where}, {mask_number(item)}, is no possible international number; "
            "give it with its country code and without the national 0: 2348020000000"
        )
    return number


def _possible(number: str) -> bool:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(f"+{number}", None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed)
