"""
``ninebits``: what a person does with the ledger.

Exit status: 0 good, 1 the answer is bad, 2 wrong usage or options, 3 not found, 4 the ledger or 9bits cannot be reached.

A command is a parser whose defaults have ``run(given, database, settings)``, which returns an exit status, or None for 0.
One that opens the ledger by itself, or needs none, sets ``needs_ledger=False`` and is given None for it.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from airflow_provider_ninebits.cli import alerts, callbacks, messages, purge
from airflow_provider_ninebits.configuration import InvalidOption, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = 2
NOT_FOUND = 3
UNREACHABLE = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit status."""
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.errors import (
        LedgerUnreachable,
        LedgerUnusable,
        NoSuchCallback,
        NoSuchMessage,
        SendBusy,
    )

    given = _parser().parse_args(arguments)
    _import_airflow()
    try:
        settings = read_settings()
        if not given.needs_ledger:
            return given.run(given, None, settings) or 0
        database = Database(settings.sql_alchemy_conn)
        try:
            return given.run(given, database, settings) or 0
        finally:
            database.close()
    except (NoSuchMessage, NoSuchCallback) as error:
        return _fail(error, NOT_FOUND)
    except LedgerUnreachable as error:
        return _fail(error, UNREACHABLE)
    except (InvalidOption, LedgerUnusable, SendBusy, ValueError) as error:
        return _fail(error, USAGE)


def _import_airflow() -> None:
    """
    Import Airflow for its configuration, without its own database.

    In a task, a BashOperator's say, it would be refused that at its import, and the command with it.
    """
    if "airflow" in sys.modules:
        return
    os.environ["_AIRFLOW__AS_LIBRARY"] = "1"
    try:
        import airflow  # noqa: F401
    finally:
        del os.environ["_AIRFLOW__AS_LIBRARY"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ninebits", description="The ledger of airflow-provider-ninebits.")
    parser.set_defaults(needs_ledger=True)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    alerts.add_commands(commands)
    messages.add_commands(commands)
    callbacks.add_commands(commands)
    purge.add_command(commands)
    return parser


def _fail(error: Exception, status: int) -> int:
    print(f"ninebits: {error}", file=sys.stderr)  # noqa: T201 (a command line's own voice)
    return status


if __name__ == "__main__":
    sys.exit(main())
