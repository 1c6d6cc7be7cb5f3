"""All the commands, as one tree of parsers that both doors use. Every ``airflow`` command builds it: it is light."""

from __future__ import annotations

import argparse
from typing import Any

from airflow_provider_ninebits.cli import alerts, callbacks, check, db, messages, outcome, purge, send, servers


class CommandParser(argparse.ArgumentParser):
    """
    A command's parser, which tells a wrong option itself, with its own usage.

    What it left over would be told by the parser at the root. Airflow's has all of its help for it, on stdout.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse all there is: nothing is left over."""
        for text in args or ():
            # Python 3.11 makes an empty list of that value, which no command expects.
            if text.startswith("--") and text.partition("=")[2] == "--":
                self.error(f"argument {text.partition('=')[0]}: expected one argument")
        known, left_over = super().parse_known_args(args, namespace)
        if left_over:
            self.error(f"unrecognized arguments: {' '.join(left_over)}")
        return known, []


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands to a parser: that of ``ninebits``, or Airflow's for ``airflow ninebits``."""
    parser.set_defaults(needs_ledger=True, needs_options=True)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=CommandParser)
    send.add_command(commands)
    outcome.add_command(commands)
    messages.add_commands(commands)
    callbacks.add_commands(commands)
    alerts.add_commands(commands)
    purge.add_command(commands)
    check.add_command(commands)
    db.add_commands(commands)
    servers.add_commands(commands)
