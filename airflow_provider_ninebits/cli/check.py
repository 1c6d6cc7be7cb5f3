"""``ninebits check``."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.api.defaults import CONN_ID
from airflow_provider_ninebits.cli.output import add_output, print_answer, print_text, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from airflow_provider_ninebits.checks.findings import Finding
    from airflow_provider_ninebits.checks.running import Examined

_WIDTH = 80


def add_command(commands: Any) -> None:
    """Add ``check``."""
    checking = commands.add_parser(
        "check",
        help="look what is wrong, and how to mend it",
        description="Looks at the connection, the ledger, the receivers and their callbacks, the options and the "
        "triggerers, and says what is wrong, why it matters and how to mend it. It rings nobody. Exit status 1: a "
        "problem was found; 2: an option cannot be used; 4: the ledger or 9bits cannot be reached, or 9bits fails.",
    )
    checking.add_argument(
        "--conn-id",
        action="append",
        metavar="ID",
        help=f"a connection to look at; may be given several times (default: {CONN_ID})",
    )
    checking.add_argument(
        "--callback-url",
        metavar="URL",
        help="send a test callback there, look for it in the ledger, and take it out again; without credentials in it, "
        "those of the options are sent, but not over http to another machine",
    )
    add_output(checking)
    checking.set_defaults(run=run_check, needs_ledger=False, needs_options=False)


def run_check(given: argparse.Namespace, _: None, __: None) -> int:
    """Look at everything, tell what was found, and return the exit status that it makes."""
    from airflow_provider_ninebits.cli.main import import_airflow

    import_airflow()
    from airflow_provider_ninebits.checks.findings import exit_status
    from airflow_provider_ninebits.checks.running import examine
    from airflow_provider_ninebits.cli.connections import CommandHook
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

    def hook_of(conn_id: str, database_seen: bool) -> NineBitsHook:
        # To ask a SQLite file of Airflow's that is not there would make an empty one.
        return CommandHook(conn_id) if database_seen else NineBitsHook(conn_id)

    conn_ids = dict.fromkeys(given.conn_id or [CommandHook.default_conn_name])
    examined = examine(conn_ids, given.callback_url, hook_of)
    status = exit_status(examined.findings)
    if examined.callback_sent_to is not None:
        sys.stderr.write(f"a test callback was sent to {examined.callback_sent_to}\n")
    told = {
        "findings": [_plain(each) for each in examined.findings],
        "not_looked_at": examined.not_looked_at,
        **_counts(examined.findings),
        "exit_status": status,
    }
    print_answer(given.output, told, lambda: print_text("\n".join(_lines(examined)) + "\n"))
    return status


def _plain(finding: Finding) -> dict[str, Any]:
    fields = asdict(finding)
    del fields["weight"]
    return fields


def _counts(found: Sequence[Finding]) -> dict[str, int]:
    problems = sum(finding.level == "problem" for finding in found)
    return {"problems": problems, "notes": len(found) - problems}


def _lines(examined: Examined) -> Iterator[str]:
    """Give the lines for people: by subject, the problems of each first."""
    from airflow_provider_ninebits.checks.catalogue import SUBJECTS

    found = examined.findings
    ordered = sorted(found, key=lambda each: (SUBJECTS.index(each.subject), each.level != "problem"))
    for subject, group in groupby(ordered, key=lambda each: each.subject):
        yield subject
        for finding in group:
            yield from _wrapped(f"{finding.level.upper():8}", finding.what)
            yield from _wrapped("    why:", finding.why)
            yield from _wrapped("    fix:", finding.fix)
        yield ""
    said = {finding.subject for finding in found}
    good = [subject for subject in SUBJECTS if subject not in said.union(examined.not_looked_at)]
    for head, subjects in (("good", good), ("not looked at, for want of the ledger", examined.not_looked_at)):
        if subjects:
            yield from textwrap.wrap(f"{head}: {', '.join(subjects)}", _WIDTH)
    yield ", ".join(f"{count} {name if count != 1 else name[:-1]}" for name, count in _counts(found).items())


def _wrapped(head: str, text: str) -> list[str]:
    # Commands and URLs are copied from here: they are not broken.
    return textwrap.wrap(
        printable(text),
        width=_WIDTH,
        initial_indent=f"  {head} ",
        subsequent_indent=" " * 11,
        break_long_words=False,
        break_on_hyphens=False,
    )
