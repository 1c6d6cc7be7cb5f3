"""``ninebits purge``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.cli.output import add_output, print_answer, print_table
from airflow_provider_ninebits.cli.progress import progress_bar

if TYPE_CHECKING:
    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.ledger.database import Database

_MOST_DAYS = 36500


def add_command(commands: Any) -> None:
    """Add ``purge``."""
    purging = commands.add_parser(
        "purge",
        help="take out of the ledger what is old and settled",
        description="Takes messages, recipients and callbacks out of the ledger, those that are old and settled. "
        "The keys of what is gone stay, so that a late retry rings nobody.",
    )
    purging.add_argument(
        "--older-than-days",
        type=_days,
        required=True,
        metavar="N",
        help="take what had its last event more than N days ago; choose more than your longest wait",
    )
    purging.add_argument("--mask", action="store_true", help="keep the statistics, and drop the numbers only")
    purging.add_argument(
        "--unsettled",
        action="store_true",
        help="take what is unsettled too (uncertain messages, the unsent rest of a send): nobody can resume it then",
    )
    purging.add_argument(
        "--keys-older-than-days",
        type=_days,
        metavar="M",
        help="forget the keys as well, those of runs that Airflow does not have any more (default: never)",
    )
    purging.add_argument("--dry-run", action="store_true", help="count what would go, and take nothing")
    purging.add_argument(
        "--vacuum",
        action="store_true",
        help="rewrite a SQLite ledger afterwards, so that it shrinks; nobody can write to it meanwhile",
    )
    add_output(purging)
    purging.set_defaults(run=run_purge)


def run_purge(given: argparse.Namespace, database: Database, settings: Settings) -> None:
    """Purge, and tell what has gone."""
    from airflow_provider_ninebits.ledger.purging import Policy, purge, vacuum
    from airflow_provider_ninebits.ledger.retention import Windows

    if given.keys_older_than_days is not None and given.keys_older_than_days < given.older_than_days:
        raise ValueError(
            "--keys-older-than-days must be at least --older-than-days: "
            "keys are kept at least as long as what they stand for"
        )
    policy = Policy(
        older_than=given.older_than_days,
        windows=Windows(
            match=timedelta(seconds=settings.match_window_seconds),
            attempt=timedelta(seconds=settings.attempt_window_seconds),
        ),
        mask=given.mask,
        unsettled_too=given.unsettled,
        keys_older_than=given.keys_older_than_days,
    )
    if given.vacuum and not database.is_sqlite:
        raise ValueError("--vacuum is for a SQLite ledger; PostgreSQL cleans up by itself (autovacuum)")
    with progress_bar("purging") as show:
        counts = asdict(
            purge(
                database,
                policy,
                dry_run=given.dry_run,
                told=lambda done: show(0, None, f"{done.recipients} recipients, {done.callbacks} callbacks"),
            )
        )
    if given.vacuum and not given.dry_run:
        vacuum(database)
    title = f"{'would be ' if given.dry_run else ''}{'masked' if given.mask else 'purged'}"
    rows = [{"rows": _words(name), "count": count} for name, count in counts.items()]
    result = {**counts, "mask": given.mask, "dry_run": given.dry_run}
    print_answer(given.output, result, lambda: print_table(title, ("rows", "count"), rows))


def _words(name: str) -> str:
    return "unsettled sends that stay" if name == "unsettled_sends" else name


def _days(text: str) -> timedelta:
    try:
        days = int(text)
    except ValueError:
        days = -1
    # Further back than that are no calls, and at some point no dates.
    if not 0 <= days <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; write 0 or more, {_MOST_DAYS} at most")
    return timedelta(days=days)
