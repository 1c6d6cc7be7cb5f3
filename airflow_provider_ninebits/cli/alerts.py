"""``ninebits alerts list``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.cli.output import add_output, at_least_one, print_answer, print_table

if TYPE_CHECKING:
    import argparse

    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.ledger.database import Database

_COLUMNS = ("dedup_key", "rang_at", "ringing", "rings", "held_back", "held_back_in_all", "dag_id", "run_id", "task_id")


def add_commands(commands: Any) -> None:
    """Add ``alerts`` and what belongs to it."""
    group = commands.add_parser("alerts", help="what notifiers rang for, and held back").add_subparsers(
        required=True, metavar="COMMAND"
    )

    listing = group.add_parser("list", help="the keys with which alerts came last, and how many were held back")
    listing.add_argument("--limit", type=at_least_one, default=50, help="show at most this many (default: %(default)s)")
    add_output(listing)
    listing.set_defaults(run=list_alerts)


def list_alerts(given: argparse.Namespace, database: Database, _: Settings) -> None:
    """Show the keys with which alerts came last: when it rang for them, and how many rang nobody since."""
    from airflow_provider_ninebits.ledger.alerts import list_alerts as listed

    rows = [asdict(summary) for summary in listed(database, limit=given.limit)]
    print_answer(given.output, rows, lambda: print_table("alerts", _COLUMNS, rows))
