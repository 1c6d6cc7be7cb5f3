"""``ninebits messages list | show | resolve``."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.ledger.database import Database

_STATES = ("planned", "sending", "accepted", "refused", "uncertain", "replaced", "purged")
_LIST_COLUMNS = ("message_id", "created_at", "state", "dag_id", "task_id", "recipients", "answered", "unanswered")
_REQUEST_COLUMNS = ("request_id", "state", "ref_id", "known_by", "started_at", "status", "detail")


def add_commands(commands: Any) -> None:
    """Add ``messages`` and what belongs to it."""
    group = commands.add_parser("messages", help="what was sent").add_subparsers(required=True, metavar="COMMAND")

    listing = group.add_parser("list", help="the newest messages")
    listing.add_argument("--state", choices=_STATES, help="only those in this state")
    listing.add_argument("--limit", type=int, default=50, help="at most so many (default: %(default)s)")
    _add_output(listing)
    listing.set_defaults(run=list_messages)

    showing = group.add_parser("show", help="one message and its requests")
    showing.add_argument("message_id", metavar="ID")
    _add_output(showing)
    showing.set_defaults(run=show_message)

    resolving = group.add_parser("resolve", help="say whether an uncertain message was placed")
    resolving.add_argument("message_id", metavar="ID")
    said = resolving.add_mutually_exclusive_group(required=True)
    said.add_argument("--placed", action="store_true", help="its phones rang: it is not sent again")
    said.add_argument("--not-placed", action="store_true", help="they did not: the next try sends it")
    resolving.add_argument("--ref-id", metavar="REF", help="9bits' id of it, where you found it out")
    _add_output(resolving)
    resolving.set_defaults(run=resolve_message)


def list_messages(given: argparse.Namespace, database: Database, _: Settings) -> None:
    """Show the newest messages."""
    from airflow_provider_ninebits.ledger.listing import list_messages as listed
    from airflow_provider_ninebits.ledger.states import MessageState

    state = None if given.state is None else MessageState(given.state)
    rows = [asdict(summary) for summary in listed(database, state=state, limit=given.limit)]
    if given.output == "json":
        _print_json(rows)
    else:
        _print_table("messages", _LIST_COLUMNS, rows)


def show_message(given: argparse.Namespace, database: Database, _: Settings) -> None:
    """Show one message and its requests."""
    from airflow_provider_ninebits.ledger.listing import show_message as shown

    summary, requests = shown(database, given.message_id)
    if given.output == "json":
        _print_json({**asdict(summary), "requests": [asdict(request) for request in requests]})
        return
    _print_table("message", ("field", "value"), [{"field": k, "value": v} for k, v in asdict(summary).items()])
    _print_table("requests", _REQUEST_COLUMNS, [asdict(request) for request in requests])


def resolve_message(given: argparse.Namespace, database: Database, settings: Settings) -> None:
    """Record a person's word on an uncertain message."""
    from airflow_provider_ninebits.ledger.resolving import resolve

    state = resolve(
        database,
        given.message_id,
        placed=given.placed,
        ref_id=given.ref_id,
        window=timedelta(seconds=settings.match_window_seconds),
    )
    result = {"message_id": given.message_id, "state": state.value}
    if given.output == "json":
        _print_json(result)
    else:
        _print_table("resolved; clear its task to go on", ("message_id", "state"), [result])


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", choices=("table", "json"), default="table", help="default: %(default)s")


def _print_json(value: Any) -> None:
    print(json.dumps(value, default=str, indent=2))  # noqa: T201 (what the command was asked for)


def _print_table(title: str, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> None:
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
