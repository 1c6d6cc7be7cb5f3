"""Destinations: read, checked, compared, masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from airflow_provider_ninebits.api.errors import InvalidMessage, InvalidRecipient
from airflow_provider_ninebits.api.rendered import rendered_list

MAX_RECIPIENTS_PER_REQUEST = 1000
"""9bits: Send a voice message."""

_SEPARATORS = re.compile(r"[\s.\-\u2010-\u2015()/]+")
# "+44 (0)20 ...": the 0 is dialled at home only, and would ring somebody else.
_TRUNK_ZERO = re.compile(r"(?<=\d)\s*\(0\)")
# A spreadsheet's idea of a number, "2348020000000.0": without its dot it would be another, longer one.
_DECIMAL = re.compile(r"[^.]*\.0{0,2}")
LONGEST_NUMBER = 20


def canonical_number(value: object) -> str | None:
    """
    Return the digits that a number is compared by: without ``+``, ``00``, blanks, dashes, dots and brackets.

    Never raises: what comes in a callback is a stranger's.

    :return: None for what is no number.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    if isinstance(value, int):
        if not 0 < value < 10**LONGEST_NUMBER:
            return None
        return str(value)
    # As 9bits writes it. A "00" before it needs another look.
    if value.isdigit() and value.isascii() and not value.startswith("00") and len(value) <= LONGEST_NUMBER:
        return value
    if _DECIMAL.fullmatch(value.strip()):
        return None
    text = _SEPARATORS.sub("", _TRUNK_ZERO.sub("", value)).removeprefix("+")
    if not (text.isascii() and text.isdigit()):
        return None
    text = text.removeprefix("00")
    return text if 0 < len(text) <= LONGEST_NUMBER else None


def mask_number(value: object) -> str:
    """Return a number as it may stand in logs and errors: ``234802***0000``."""
    text = canonical_number(value)
    if text is None:
        return f"<{type(value).__name__} that is no number>"
    if len(text) < 8:
        return f"{text[:1]}***"
    if len(text) < 11:
        return f"{text[:3]}***{text[-2:]}"
    # Three digits at least stay hidden.
    return f"{text[: min(6, len(text) - 7)]}***{text[-4:]}"


def read_recipients(to: object, argument: str = "to") -> list[str]:
    """
    Return the destinations that an argument holds: canonical, each once, in order.

    :param to: a number or any iterable of them, with country codes; ``+``, ``00``, blanks and dashes are fine. A text
        may be a list that a template rendered.
    :param argument: the name of what is read, for the error.
    :return: as E.164 without ``+``: a national 0 after the country code is left out, so that one phone is one number.
    :raises InvalidRecipient: for the first one that is no possible international number; masked, with its place and
        what to do. Nothing was sent.
    """
    items = _items(to, argument)
    several = len(items) > 1
    found = dict.fromkeys(
        read_recipient(item, f"{argument}: " + (f"number {place} of {len(items)}" if several else "the number"))
        for place, item in enumerate(items, start=1)
    )
    return list(found)


def read_recipient(item: object, where: str) -> str:
    """
    Return one destination, canonical, as :func:`read_recipients` does.

    :param where: what the error calls it: the argument and the place in it.
    :raises InvalidRecipient: for what is no possible international number.
    """
    number = canonical_number(item)
    if number is None:
        raise InvalidRecipient(f"{where} is {mask_number(item)}; give digits with the country code: 2348020000000")
    international = _international(number)
    if international is None:
        raise InvalidRecipient(
            f"{where}, {mask_number(item)}, is no possible international number; "
            "give it with its country code and without the national 0: 2348020000000"
        )
    return international


def _items(to: object, argument: str) -> list[object]:
    if isinstance(to, (bytes, bytearray, bool, float, Mapping)):
        raise InvalidRecipient(f"{argument} is a {type(to).__name__}; give a number as text, or a list of them")
    if isinstance(to, Iterable) and not isinstance(to, str):
        to = list(to)
    elif to is not None and not isinstance(to, (str, int)):
        raise InvalidRecipient(f"{argument} is a {type(to).__name__}; give a number as text, or a list of them")
    try:
        return rendered_list(to, argument)
    except InvalidMessage as error:
        raise InvalidRecipient(str(error)) from error


def _international(number: str) -> str | None:
    """Return a possible international number as E.164 without its ``+``."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(f"+{number}", None)
    except phonenumbers.NumberParseException:
        return None
    # `is_possible_number` is content with what can be dialled at home only, without its area code.
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)).removeprefix("+")
