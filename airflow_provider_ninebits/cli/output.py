"""What the commands print: a table for people, or JSON for scripts."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add_output(parser: argparse.ArgumentParser) -> None:
    """Let people choose between a table and JSON."""
    parser.add_argument("--output", choices=("table", "json"), default="table", help="default: %(default)s")


def at_least_one(text: str) -> int:
    """
    Read how many at the most.

    :raises ValueError: for less than one, or what is no number; argparse tells which option.
    """
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


def print_json(value: Any) -> None:
    """Print a value as JSON, times and the like as text."""
    print(json.dumps(value, default=str, indent=2))  # noqa: T201 (what the command was asked for)


def print_table(title: str, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> None:
    """Print some columns of some rows as a table. What strangers wrote is no command to the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = tuple(columns)
    table = Table(title=title)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # As Text: rich takes square brackets in a plain string for its own commands, and fails on wrong ones.
        table.add_row(*(Text(_shown(row[column])) for column in columns))
    Console().print(table)


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    text = "" if value is None else str(value)
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)
