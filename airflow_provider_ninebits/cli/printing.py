"""How the commands show what they found: as a table for people, as JSON for programs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add ``--output``."""
    parser.add_argument("--output", choices=("table", "json"), default="table", help="default: %(default)s")


def print_json(value: Any) -> None:
    """Print a value, all of it."""
    print(json.dumps(value, default=str, indent=2))  # noqa: T201 (what the command was asked for)


def print_table(title: str, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> None:
    """Print rows. What strangers wrote cannot colour, move or clear anything in the terminal."""
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
