"""
``ninebits``, and the same as ``airflow ninebits``: what a person or a script does with calls and their ledger.

A command is a parser whose defaults have ``run(given, database, settings)``, which returns an exit status, or None for
0. One that opens the ledger by itself, or needs none, sets ``needs_ledger=False`` and is given None for it. One that
reads the options by itself, or needs none, sets ``needs_options=False`` as well. :mod:`.statuses` has the statuses.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, TextIO

from airflow_provider_ninebits.cli.output import only_answers_on
from airflow_provider_ninebits.cli.statuses import GOOD, INTERRUPTED, PIPE_CLOSED, UNREACHABLE, USAGE, status_of
from airflow_provider_ninebits.cli.tree import add_commands

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UNREACHABLE", "USAGE", "main", "run_command"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit status."""
    parser = argparse.ArgumentParser(prog="ninebits", description="Voice calls through 9bits, and their ledger.")
    add_commands(parser)
    return run_command(parser.parse_args(arguments), sys.stdout)


def run_command(given: argparse.Namespace, stdout: TextIO | None) -> int:
    """
    Run what was parsed, and return its exit status.

    :param stdout: where its answers go, if it has any; a command without ``--output`` uses the process's own.
    """
    try:
        with only_answers_on(stdout) if hasattr(given, "output") else nullcontext():
            return _run(given)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _give_up(stdout)
        return PIPE_CLOSED


def _run(given: argparse.Namespace) -> int:
    try:
        if not given.needs_options:
            return given.run(given, None, None) or GOOD
        import_airflow()
        return _run_with_options(given)
    except Exception as error:
        if (status := status_of(error)) is None:
            raise
        print(f"ninebits: {error}", file=sys.stderr)  # noqa: T201 (a command line's own voice)
        return status


def _run_with_options(given: argparse.Namespace) -> int:
    from airflow_provider_ninebits.configuration import read_settings
    from airflow_provider_ninebits.ledger.database import Database

    settings = read_settings()
    if not given.needs_ledger:
        return given.run(given, None, settings) or GOOD
    database = Database(settings.sql_alchemy_conn)
    try:
        return given.run(given, database, settings) or GOOD
    finally:
        database.close()


def import_airflow() -> None:
    """
    Import Airflow for its configuration, without its own database.

    In a task, a BashOperator's say, it would be refused that at its import, and the command with it.
    """
    if "airflow" in sys.modules:
        return
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    logging.getLogger("airflow_provider_ninebits").setLevel(logging.INFO)
    os.environ["_AIRFLOW__AS_LIBRARY"] = "1"
    try:
        import airflow  # noqa: F401
    finally:
        del os.environ["_AIRFLOW__AS_LIBRARY"]


def _give_up(stdout: TextIO | None) -> None:
    """Let what was not written go: Python would try once more at its end, and complain."""
    try:
        if stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
    except (OSError, ValueError):
        return


if __name__ == "__main__":
    sys.exit(main())
