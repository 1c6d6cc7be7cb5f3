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


def print_json(value: Any) -> None:
    """Print a value as JSON, times and the like as text."""
    print(json.dumps(value, default=str, indent=2))  # noqa: T201 (what the command was asked for)


def print_table(title: str, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> None:
    """Print some columns of some rows as a table."""
    from rich.console import Console
    from rich.table import Table

    columns = tuple(columns)
    table = Table(title=title)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_shown(row[column]) for column in columns))
    Console().print(table)


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return "" if value is None else str(value)
