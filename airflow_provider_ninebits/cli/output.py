"""What the commands print: a table for people, JSON or YAML for scripts. Nothing else comes to stdout."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

OUTPUTS: Final = ("table", "json", "yaml")

LARGEST: Final = 2**63 - 1
"""The databases of a ledger have no larger numbers."""
_DIGITS = 20

_ANSWERS: ContextVar[TextIO | None] = ContextVar("ninebits_answers", default=None)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Let people choose between a table, JSON and YAML."""
    parser.add_argument("--output", choices=OUTPUTS, default="table", help="default: %(default)s")


def at_least_one(text: str) -> int:
    """
    Read how many at the most, or the id of a row.

    :raises argparse.ArgumentTypeError: for less than one, more than the ledger can hold, or what is no whole number.
    """
    # No more digits than that are read: there are texts with millions of them.
    if not (text.isascii() and text.isdecimal() and int(text[:_DIGITS]) >= 1):
        raise argparse.ArgumentTypeError(f"{text[:_DIGITS]!r} is not a whole number of 1 or more")
    if len(text) > _DIGITS or int(text) > LARGEST:
        raise argparse.ArgumentTypeError(f"{text[:_DIGITS]!r}... is more than {LARGEST}")
    return int(text)


@contextmanager
def only_answers_on(stdout: TextIO | None) -> Iterator[None]:
    """
    Give stdout to the answers alone: what others print and log meanwhile goes to stderr.

    :param stdout: where the answers go; None: nowhere, since this process has none.
    """
    token = _ANSWERS.set(stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
            if stdout is not None:
                # Here, where it is still caught that nobody reads it.
                stdout.flush()
    finally:
        _ANSWERS.reset(token)


def print_answer(output: str, value: Any, for_people: Callable[[], None]) -> None:
    """
    Print an answer as it was asked for.

    :param value: what it is in JSON and YAML.
    :param for_people: prints it as tables; what only they show is looked up there.
    """
    if output == "table":
        for_people()
    else:
        print_plain(value, output)


def print_plain(value: Any, output: str) -> None:
    """Print a value as JSON or YAML, times and the like as text."""
    if output == "yaml":
        _print_yaml(value)
    else:
        print_json(value)


def print_json(value: Any) -> None:
    """Print a value as JSON, times and the like as text."""
    _write(json.dumps(value, default=str, indent=2) + "\n")


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
    console = Console(file=_ANSWERS.get())
    # Captured: where nobody reads it, rich itself would end the process, with a status that means something else.
    with console.capture() as printed:
        console.print(table)
    _write(printed.get())


def print_fields(title: str, fields: Mapping[str, Any]) -> None:
    """Print one thing as a table, a row for each of its fields."""
    print_table(title, ("field", "value"), [{"field": name, "value": value} for name, value in fields.items()])


def print_text(text: str) -> None:
    """Print a text as it is."""
    _write(text)


def printable(text: str) -> str:
    """Return a text with escapes for what is no printable character: to a terminal it may be a command."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


def _print_yaml(value: Any) -> None:
    import yaml

    # By way of JSON, so that both say the same, and no YAML names a class of ours.
    plain = json.loads(json.dumps(value, default=str))
    _write(yaml.safe_dump(plain, sort_keys=False))


def _write(text: str) -> None:
    stream = _ANSWERS.get() or sys.stdout
    stream.write(text)


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return printable("" if value is None else str(value))
