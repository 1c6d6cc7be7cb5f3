"""``ninebits receiver`` and ``ninebits simulator``: the same as the modules of these names with ``python -m``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.cli.statuses import BAD, GOOD
from airflow_provider_ninebits.simulator.options import add_options as add_simulator_options
from airflow_provider_ninebits.webhook.options import add_options as add_receiver_options

if TYPE_CHECKING:
    import argparse


def add_commands(commands: Any) -> None:
    """Add ``receiver`` and ``simulator``."""
    receiving = commands.add_parser(
        "receiver",
        help="take 9bits' callbacks, alone",
        description="Serves callbacks until it is stopped, as `python -m airflow_provider_ninebits.webhook` does.",
    )
    add_receiver_options(receiving)
    receiving.set_defaults(run=receive, needs_ledger=False, needs_options=False)

    simulating = commands.add_parser(
        "simulator",
        help="stand in for 9bits, and ring nobody",
        description="Stands in for 9bits: takes sends as documented, rings nobody, and plays the callbacks. "
        "The same as `python -m airflow_provider_ninebits.simulator`.",
    )
    add_simulator_options(simulating)
    simulating.set_defaults(run=simulate, needs_ledger=False, needs_options=False)


def receive(given: argparse.Namespace, _database: None, _settings: None) -> int:
    """Serve callbacks until stopped; a receiver that could not start is a bad answer, whatever status it has itself."""
    from airflow_provider_ninebits.webhook.__main__ import serve

    try:
        failed = serve(given.host, given.port)
    except SystemExit as end:
        # So its server ends where the port is taken, with a status that means "not found" here.
        failed = bool(end.code)
    return BAD if failed else GOOD


def simulate(given: argparse.Namespace, _database: None, _settings: None) -> int:
    """Run the simulator until stopped."""
    from airflow_provider_ninebits.simulator.__main__ import simulate as run_simulator

    return run_simulator(given)
