"""Lists that a template made into text: Jinja renders ``{{ ti.xcom_pull(...) }}`` as a string."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping

from airflow_provider_ninebits.api.errors import InvalidMessage

NOTHING = frozenset({"", "none", "null", "undefined"})
"""What a template makes of a value that is missing."""
_BRACKETS = "[](){}"


def rendered_list(value: object, argument: str) -> list[object]:
    """
    Return the items of a list, or of the text that a template made of one; a plain text is one item.

    :param argument: the name of what is read, for the error.
    :raises InvalidMessage: for None, "None", "", other brackets, and an empty list: an upstream task pushed nothing,
        mostly.
    """
    if isinstance(value, str):
        value = _read_text(value.strip(), argument)
    if isinstance(value, (bytes, bytearray, Mapping)):
        raise InvalidMessage(f"{argument} is a {type(value).__name__}; give one value as text, or a list")
    if value is None:
        raise InvalidMessage(f"{argument} is None; did the upstream task that it comes from push nothing?")
    # Any iterable: what mapped tasks have pushed comes as a lazy sequence.
    items = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if not items:
        raise InvalidMessage(f"{argument} is an empty list; give at least one, or skip the task")
    return items


def _read_text(text: str, argument: str) -> object:
    if text.lower() in NOTHING:
        raise InvalidMessage(
            f"{argument} is {text!r}; did the upstream task push nothing, or is the template's name misspelt?"
        )
    if text[0] not in _BRACKETS:
        return text
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(found, (list, tuple, set)):
            return list(found)
    if text.startswith("{{"):
        raise InvalidMessage(f"{argument} is a template that was not rendered; is it given to a templated field?")
    if text[0] == "(" and text.strip("()+0123456789 -./"):
        raise InvalidMessage(f"{argument} is bracketed text that is no list; give a number or a list of them")
    if text[0] == "(":
        return text
    raise InvalidMessage(f"{argument} is bracketed text that is no list; give one value, or a list as JSON or Python")
