"""``ninebits messages list | show | resolve``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.cli.output import add_output, at_least_one, print_answer, print_fields, print_table

if TYPE_CHECKING:
    import argparse

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
    listing.add_argument("--dag-id", metavar="DAG", help="only those that this DAG asked for")
    listing.add_argument("--ref-id", metavar="REF", help="only the one behind this ref_id")
    listing.add_argument("--before", metavar="ID", help="only older ones than this message: the next page of a list")
    listing.add_argument("--limit", type=at_least_one, default=50, help="show at most this many (default: %(default)s)")
    add_output(listing)
    listing.set_defaults(run=list_messages)

    showing = group.add_parser("show", help="one message and its requests")
    showing.add_argument("message_id", metavar="ID")
    add_output(showing)
    showing.set_defaults(run=show_message)

    resolving = group.add_parser("resolve", help="say whether an uncertain message was placed")
    resolving.add_argument("message_id", metavar="ID")
    said = resolving.add_mutually_exclusive_group(required=True)
    said.add_argument("--placed", action="store_true", help="its phones rang: it is not sent again")
    said.add_argument("--not-placed", action="store_true", help="they did not: the next try sends it")
    resolving.add_argument("--ref-id", metavar="REF", help="9bits' id of it, where you found it out")
    add_output(resolving)
    resolving.set_defaults(run=resolve_message)


def list_messages(given: argparse.Namespace, database: Database, _: Settings) -> None:
    """Show the newest messages."""
    from airflow_provider_ninebits.ledger.listing import list_messages as listed
    from airflow_provider_ninebits.ledger.states import MessageState

    state = None if given.state is None else MessageState(given.state)
    found = listed(
        database, state=state, dag_id=given.dag_id, ref_id=given.ref_id, before=given.before, limit=given.limit
    )
    rows = [asdict(summary) for summary in found]
    print_answer(given.output, rows, lambda: print_table("messages", _LIST_COLUMNS, rows))


def show_message(given: argparse.Namespace, database: Database, _: Settings) -> None:
    """Show one message and its requests: in a table with masked numbers, in JSON as it was sent."""
    from airflow_provider_ninebits.api.masking import masked_numbers
    from airflow_provider_ninebits.ledger.listing import show_message as shown

    summary, requests = shown(database, given.message_id)
    fields, rows = asdict(summary), [asdict(request) for request in requests]

    def for_people() -> None:
        # A recording that was made for one person may have their number in its name.
        print_fields("message", {**fields, "media_url": masked_numbers(summary.media_url)})
        print_table("requests", _REQUEST_COLUMNS, rows)

    print_answer(given.output, {**fields, "requests": rows}, for_people)


def resolve_message(given: argparse.Namespace, database: Database, settings: Settings) -> None:
    """Record a person's word on an uncertain message."""
    from airflow_provider_ninebits.api.answers import usable_ref_id
    from airflow_provider_ninebits.ledger.resolving import resolve
    from airflow_provider_ninebits.ledger.states import MessageState

    ref_id = usable_ref_id(given.ref_id)
    if given.ref_id is not None and ref_id is None:
        raise ValueError("--ref-id is not a ref_id; give it as 9bits wrote it: letters and digits without blanks")
    state = resolve(
        database,
        given.message_id,
        placed=given.placed,
        ref_id=ref_id,
        window=timedelta(seconds=settings.match_window_seconds),
    )
    if given.placed != (state is MessageState.ACCEPTED):
        raise ValueError(
            f"message {given.message_id} is {state} by what is known of it, and stays so; "
            f"`ninebits messages show {given.message_id}` tells its requests"
        )
    result = {"message_id": given.message_id, "state": state.value}
    title = "resolved; clear its task to go on"
    print_answer(given.output, result, lambda: print_table(title, ("message_id", "state"), [result]))
