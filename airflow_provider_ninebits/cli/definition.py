"""
What Airflow is told of the commands, for ``airflow ninebits``. Airflow 3.2 and later ask; 3.1 has no such place.

Every ``airflow`` command imports this and builds the parsers: nothing heavy is imported.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from airflow_provider_ninebits.cli.tree import add_commands

if TYPE_CHECKING:
    import argparse

    from airflow.cli.cli_config import CLICommand


def get_commands() -> list[CLICommand]:
    """
    Return the command ``ninebits``, with the same tree of parsers below it that ``ninebits`` by itself has.

    Airflow knows groups of commands of two levels, made of lists of arguments. An argument adds itself to the parser
    that it is given; ours adds all the commands.
    """
    from airflow.cli.cli_config import ActionCommand, Arg

    class Commands(Arg):
        """All the commands, as Airflow takes an argument."""

        def add_to_parser(self, parser: argparse.ArgumentParser) -> None:
            """Add the commands to a parser."""
            add_commands(parser)

    return [
        ActionCommand(
            name="ninebits",
            help="Voice calls through 9bits",
            description="Voice calls through 9bits, and their ledger. The same as the command `ninebits` by itself.",
            func=run,
            args=(Commands(flags=("command",)),),  # type: ignore[no-untyped-call]
        )
    ]


def run(given: argparse.Namespace) -> None:
    """
    Run a command that Airflow has parsed, and end the process with its exit status.

    What Airflow's log and everything else that was set up before writes to stdout goes to stderr from here on, for
    commands that answer on stdout: they hold the stream itself, so what it leads to is changed.
    """
    from airflow_provider_ninebits.cli.main import run_command

    if not hasattr(given, "output") or sys.stdout is None or sys.stderr is None:
        sys.exit(run_command(given, sys.stdout))
    sys.stdout.flush()
    answers = open(  # noqa: SIM115 (it is open as long as the process runs)
        os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors
    )
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.exit(run_command(given, answers))
