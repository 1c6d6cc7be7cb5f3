"""``ninebits db upgrade | current``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.cli.output import add_output, print_answer, print_fields
from airflow_provider_ninebits.cli.statuses import BAD, GOOD

if TYPE_CHECKING:
    import argparse

    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.ledger.database import Database


def add_commands(commands: Any) -> None:
    """Add ``db`` and what belongs to it."""
    group = commands.add_parser("db", help="the tables of the ledger").add_subparsers(required=True, metavar="COMMAND")

    upgrading = group.add_parser(
        "upgrade",
        help="make them, or bring them up to date",
        description="Makes the tables of the ledger, or brings them up to date. Whoever uses the ledger first does it "
        "too; this is for a deployment that does it before, or with the rights of another user.",
    )
    add_output(upgrading)
    upgrading.set_defaults(run=upgrade)

    current = group.add_parser(
        "current",
        help="which version they have",
        description="Tells which version the tables of the ledger have, and changes nothing. "
        "Exit status 1: it is not the one that this package uses.",
    )
    add_output(current)
    current.set_defaults(run=show_current)


def upgrade(given: argparse.Namespace, database: Database, _: Settings) -> int:
    """Bring the ledger's tables to the version of this package."""
    before = database.version()
    with database.reading():
        pass
    result = {"ledger": database.masked_url, "before": before, "version": database.version()}
    _print(given, "upgraded" if before != result["version"] else "up to date already", result)
    return GOOD


def show_current(given: argparse.Namespace, database: Database, _: Settings) -> int:
    """Tell the version of the ledger's tables; one that is not this package's is a bad answer."""
    from airflow_provider_ninebits.ledger.migrate import HEAD

    version = database.version()
    newest = version == HEAD
    result = {"ledger": database.masked_url, "version": version, "package_version": HEAD, "is_newest": newest}
    _print(given, "current" if newest else "not the version of this package: `ninebits db upgrade`", result)
    return GOOD if newest else BAD


def _print(given: argparse.Namespace, title: str, result: dict[str, Any]) -> None:
    shown = {name: "none: there are no tables yet" if value is None else value for name, value in result.items()}
    print_answer(given.output, result, lambda: print_fields(title, shown))
