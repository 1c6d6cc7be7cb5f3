"""``ninebits callbacks list | show | rematch``."""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.cli.output import add_output, at_least_one, print_answer, print_fields, print_table
from airflow_provider_ninebits.cli.progress import progress_bar

if TYPE_CHECKING:
    import argparse

    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.dead_letters import KeptCallback

_STATES = ("unmatched", "unreadable", "inbound", "ambiguous")
_COLUMNS = ("callback_id", "received_at", "kind", "match_state", "ambiguous", "conn_path", "ref_id", "number", "detail")


def add_commands(commands: Any) -> None:
    """Add ``callbacks`` and what belongs to it."""
    group = commands.add_parser("callbacks", help="callbacks that settled nobody").add_subparsers(
        required=True, metavar="COMMAND"
    )

    listing = group.add_parser("list", help="the newest that are unmatched, unreadable, inbound or ambiguous")
    listing.add_argument("--state", choices=_STATES, help="only those in this state")
    listing.add_argument("--limit", type=at_least_one, default=50, help="show at most this many (default: %(default)s)")
    add_output(listing)
    listing.set_defaults(run=list_callbacks)

    showing = group.add_parser("show", help="one callback, with its body")
    showing.add_argument("callback_id", metavar="ID", type=at_least_one)
    add_output(showing)
    showing.set_defaults(run=show_callback)

    rematching = group.add_parser("rematch", help="try all that are unmatched again")
    add_output(rematching)
    rematching.set_defaults(run=rematch_callbacks)


def list_callbacks(given: argparse.Namespace, database: Database, _: Settings) -> None:
    """Show the newest callbacks that settled nobody, or one of several; a table also says how many there are."""
    from airflow_provider_ninebits.ledger.dead_letters import Fate, count_callbacks
    from airflow_provider_ninebits.ledger.dead_letters import list_callbacks as listed

    fate = None if given.state is None else Fate(given.state)
    rows = [asdict(summary) for summary in listed(database, fate=fate, limit=given.limit)]

    def for_people() -> None:
        counts = ", ".join(f"{count} {each}" for each, count in count_callbacks(database).items())
        print_table(f"callbacks: {counts}", _COLUMNS, [{**row, "number": _masked(row["number"])} for row in rows])

    print_answer(given.output, rows, for_people)


def show_callback(given: argparse.Namespace, database: Database, _: Settings) -> None:
    """Show one callback: in a table with masked numbers, in JSON as it came."""
    from airflow_provider_ninebits.api.masking import masked_numbers
    from airflow_provider_ninebits.ledger.dead_letters import show_callback as shown

    fields = _fields(shown(database, given.callback_id))

    def for_people() -> None:
        masked = {**fields, "number": _masked(fields["number"]), "raw": masked_numbers(fields["raw"])}
        del masked["raw_base64"]
        print_fields("callback", masked)

    print_answer(given.output, fields, for_people)


def rematch_callbacks(given: argparse.Namespace, database: Database, settings: Settings) -> None:
    """Try all unmatched callbacks again, and say how many found their recipient."""
    from airflow_provider_ninebits.ledger.rematching import try_again

    with progress_bar("trying again") as show:
        tried, matched = try_again(
            database,
            window=timedelta(seconds=settings.match_window_seconds),
            told=lambda tried, matched: show(0, None, f"{tried} tried, {matched} matched"),
        )
    result = {"tried": tried, "matched": matched}
    print_answer(given.output, result, lambda: print_table("tried again", ("tried", "matched"), [result]))


def _fields(found: KeptCallback) -> dict[str, Any]:
    values = asdict(found)
    raw = values.pop("raw")
    return {
        **values.pop("summary"),
        **values,
        # The text is for reading; only the other one is every byte.
        "raw": raw.decode("utf-8", "backslashreplace"),
        "raw_base64": base64.b64encode(raw).decode(),
    }


def _masked(number: str | None) -> str | None:
    from airflow_provider_ninebits.api.numbers import mask_number

    return None if number is None else mask_number(number)
