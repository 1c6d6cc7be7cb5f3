"""``ninebits outcome``."""

from __future__ import annotations

import argparse
import math
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.cli.output import add_output, print_answer, print_table
from airflow_provider_ninebits.cli.progress import progress_bar
from airflow_provider_ninebits.cli.statuses import BAD, GOOD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.ledger.outcome import Outcome

_LOOK_EVERY_SECONDS = 1.0
_COLUMNS = ("to_number", "state", "attempts", "started_at", "call_duration", "total_amount")


def add_command(commands: Any) -> None:
    """Add ``outcome``."""
    asking = commands.add_parser(
        "outcome",
        help="what became of a send",
        description="Tells what became of everybody whom a send rang, those not answered first, at most 100 of them. "
        "Exit status 0: all is settled, and everybody answered. 1: not so.",
    )
    asking.add_argument("ref_ids", metavar="REF_ID", nargs="+", help="what the send gave back; of several one sum")
    asking.add_argument(
        "--wait",
        type=_seconds,
        metavar="SECONDS",
        help="wait up to this many seconds for it to settle, then report it as it is (default: do not wait)",
    )
    add_output(asking)
    # It opens the ledger by the hook, so that it is patient, and fails, as a task does.
    asking.set_defaults(run=show_outcome, needs_ledger=False)


def show_outcome(given: argparse.Namespace, _database: None, _settings: Settings) -> int:
    """Tell an outcome, once it is settled or the wait is over."""
    from airflow_provider_ninebits.hooks.arguments import read_ref_ids
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

    ref_ids = read_ref_ids(given.ref_ids)
    hook = NineBitsHook()
    try:
        if given.wait is not None:
            _wait(hook, ref_ids, given.wait)
        outcome = hook.outcome(ref_ids)
    finally:
        hook.close()
    print_answer(given.output, outcome.as_dict(), lambda: _print_for_people(outcome))
    return GOOD if outcome.settled and outcome.answered == outcome.recipients else BAD


def _wait(hook: NineBitsHook, ref_ids: Sequence[str], seconds: float) -> None:
    from airflow_provider_ninebits.hooks.waiting import Standing, Wait, look_standing

    wait, deadline = Wait(tuple(ref_ids)), time.time() + seconds
    with progress_bar("waiting") as show:
        while True:
            # As if the first look had been long ago: who mistypes a ref_id is told at once, and not after a minute.
            where, seen = look_standing(
                *(hook, wait),
                first_look_at=-math.inf,
                deadline=deadline,
                tolerance_seconds=min(hook.settings.outage_tolerance_seconds, max(deadline - time.time(), 0.0)),
            )
            if where is not Standing.WAITING:
                return
            counts = seen.progress
            done = counts.recipients - counts.pending
            show(done, counts.recipients, f"{done} of {counts.recipients} are heard of, {counts.answered} answered")
            time.sleep(max(0.0, min(_LOOK_EVERY_SECONDS, deadline - time.time())))


def _print_for_people(outcome: Outcome) -> None:
    from airflow_provider_ninebits.api.numbers import mask_number

    told = outcome.as_dict()
    title = f"{', '.join(outcome.ref_ids)}: {outcome.summary()}; {'settled' if outcome.settled else 'not settled yet'}"
    if told["calls_truncated"]:
        title += f"; the first {len(told['calls'])}, those not answered first"
    print_table(title, _COLUMNS, [{**call, "to_number": mask_number(call["to_number"])} for call in told["calls"]])


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    # No day is longer than all waits, but years are what somebody mistyped.
    if not 0 <= seconds <= 366 * 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds; write 0 or more")
    return seconds
