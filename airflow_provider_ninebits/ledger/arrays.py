"""
Lists as PostgreSQL reads them.

psycopg writes arrays too, but it asks each value's type how, which took nearly a tenth of a group of callbacks' time.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.ledger.columns import amount_units, moment_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def array(values: Iterable[Any]) -> str:
    """
    Return some values as one that PostgreSQL takes for an array: bound, and cast to the array's type.

    :param values: as the ledger's columns have them.
    """
    listed = [*values]
    if listed and listed.count(listed[0]) == len(listed):
        # Half of the columns of a group of callbacks have the same value in all rows, or none.
        texts = [_TEXTS.get(type(listed[0]), _quoted)(listed[0])] * len(listed)
        return "{" + ",".join(texts) + "}"
    kinds = {*map(type, listed)}
    if len(kinds) == 1:
        # To ask each value what it is took as long as to write it.
        (kind,) = kinds
        if kind not in _TEXTS:
            return _of_texts(listed)
        return "{" + ",".join(map(_TEXTS[kind], listed)) + "}"
    return "{" + ",".join([_TEXTS.get(type(value), _quoted)(value) for value in listed]) + "}"


def _of_texts(texts: list[str]) -> str:
    together = "".join(texts)
    if "\\" in together or '"' in together:
        return "{" + ",".join(map(_quoted, texts)) + "}"
    return '{"' + '","'.join(texts) + '"}'


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


# Whatever column of ours a value of the type is for; all else is text, our states among it.
_TEXTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "NULL",
    bool: lambda value: "t" if value else "f",
    int: str,
    bytes: lambda value: f'"\\\\x{value.hex()}"',
    datetime: lambda value: f'"{moment_text(value)}+00"',
    Decimal: lambda value: str(amount_units(value)),
}
