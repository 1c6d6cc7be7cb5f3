"""``ninebits send``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from airflow_provider_ninebits.api.defaults import CONN_ID
from airflow_provider_ninebits.cli.output import add_output, at_least_one, print_answer, print_fields, print_table
from airflow_provider_ninebits.cli.progress import progress_bar
from airflow_provider_ninebits.cli.statuses import BAD, GOOD

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.hooks.receipts import SendReceipt
    from airflow_provider_ninebits.ledger.sends import SendPlan

_DESCRIPTION = (
    "Rings phones now and plays them a recording. It knows no calling hours. On a terminal it says how many phones, "
    "and asks; elsewhere it wants --yes. Exit status 1: 9bits refused it, or nobody knows whether phones rang."
)


def add_command(commands: Any) -> None:
    """Add ``send``."""
    sending = commands.add_parser("send", help="ring phones and play a recording", description=_DESCRIPTION)
    add = sending.add_argument
    whom = sending.add_mutually_exclusive_group(required=True)
    whom.add_argument(
        "--to", action="extend", nargs="+", metavar="NUMBER", help="with the country code; as often as needed"
    )
    whom.add_argument(
        "--to-file",
        metavar="FILE",
        help="where the numbers are, one a line: a file, or whatever Airflow's ObjectStoragePath reads (s3://...)",
    )
    add("--to-column", metavar="NAME", help="the column of the numbers, where FILE is a CSV")
    add("--exclude-file", metavar="FILE", help="numbers that are not rung")
    add("--media-url", required=True, metavar="URL", help="where 9bits fetches the recording")
    add("--from-number", metavar="NUMBER", help="the caller ID (default: 9bits picks one of the account's)")
    add("--conn-id", default=CONN_ID, help="the Airflow connection (default: %(default)s)")
    add("--idempotency-key", metavar="KEY", help="what was sent with the same key before is not sent again")
    add(
        "--on-uncertain",
        choices=("fail", "resend"),
        default="fail",
        help="where nobody knows whether phones rang; resend may ring them twice (default: %(default)s)",
    )
    add("--max-recipients", type=at_least_one, metavar="N", help="refuse to ring more")
    add("--max-requests-per-second", type=float, metavar="N", help="requests of 1000 numbers each")
    add("--max-parallel-requests", type=at_least_one, metavar="N", help="how many of them are under way at once")
    add("--dry-run", action="store_true", help="check and count everything, and ring nobody")
    add("--yes", action="store_true", help="do not ask")
    add_output(sending)
    sending.set_defaults(run=send, needs_ledger=False)


def send(given: argparse.Namespace, _database: None, settings: Settings) -> int:
    """Ring whom was asked for, after a person or ``--yes`` has said so."""
    from airflow_provider_ninebits.cli.connections import CommandHook

    # None where a daemon was started without them.
    on_terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
    if not (given.dry_run or given.yes or on_terminal):
        raise ValueError("this rings phones, and there is no terminal to ask on: give --yes, or --dry-run to count")
    hook = CommandHook(given.conn_id)
    try:
        sending = Sending(hook, given, given.idempotency_key or f"cli-{uuid4().hex}", settings.deployment)
        if given.dry_run:
            _print_counts(given, sending.count())
            return GOOD
        if on_terminal:
            counted = sending.count()
            if not (given.yes or sending.person_agrees(counted)):
                _say("nobody was rung")
                return BAD
        _print_receipt(given, sending.send(), sending.key)
        return GOOD
    finally:
        hook.close()


@dataclass
class Sending:
    """One use of ``send``: the same plan is counted, shown and sent."""

    hook: NineBitsHook
    given: argparse.Namespace
    key: str
    deployment: str
    counted: SendReceipt | None = None
    placed: dict[int, str] = field(default_factory=dict)
    plan: SendPlan = field(init=False)

    def __post_init__(self) -> None:
        from airflow_provider_ninebits.hooks.arguments import read_key
        from airflow_provider_ninebits.hooks.plans import asked_by_environment
        from airflow_provider_ninebits.ledger.keys import user_key

        given = self.given
        self.plan = self.hook.plan(
            given.to,
            given.media_url,
            given.from_number,
            key=user_key(self.deployment, read_key(self.key)),
            asked_by=asked_by_environment(self.deployment),
            to_path=_whole_path(given.to_file),
            to_column=given.to_column,
            exclude=_numbers_at(given.exclude_file),
            max_recipients=given.max_recipients,
        )

    def count(self) -> SendReceipt:
        """Read and count whom it would ring."""
        self.counted = self._send_plan(dry_run=True)
        return self.counted

    def person_agrees(self, counted: SendReceipt) -> bool:
        """Say what is about to happen, and ask."""
        excluded = f" ({counted.excluded} are excluded)" if counted.excluded else ""
        print(  # noqa: T201
            f"Ring {counted.recipients} phones now{excluded}, over connection {self.given.conn_id!r}, and play "
            f"{self.plan.media}? [y/N] ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def send(self) -> SendReceipt:
        """Send it, and tell what was placed where that comes to no good end."""
        if self.counted is not None:
            # What the file has by now may be more than the person has agreed to.
            self.plan = replace(self.plan, max_recipients=max(self.counted.recipients, 1))
        total = None if self.counted is None else self.counted.parts
        _say(f"should this not come to its end, --idempotency-key {self.key} goes on where it stopped")
        with self._told_what_was_placed(), progress_bar("sending") as show:

            def placed(ref_id: str, place: int) -> None:
                self.placed[place] = ref_id
                show(len(self.placed), total, f"{len(self.placed)} requests are placed")

            return self._send_plan(placed=placed)

    def _send_plan(self, **how: Any) -> SendReceipt:
        return self.hook.send_plan(
            self.plan,
            self.given.media_url,
            on_uncertain=self.given.on_uncertain,
            replan=False,
            max_requests_per_second=self.given.max_requests_per_second,
            max_parallel_requests=self.given.max_parallel_requests,
            **how,
        )

    @contextmanager
    def _told_what_was_placed(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if self.placed:
                _say(f"placed before that: ref_id {', '.join(ref_id for _, ref_id in sorted(self.placed.items()))}")
            raise


def _print_counts(given: argparse.Namespace, receipt: SendReceipt) -> None:
    counts = receipt.counts()
    print_answer(given.output, counts, lambda: print_fields("nobody was rung", counts))


def _print_receipt(given: argparse.Namespace, receipt: SendReceipt, key: str) -> None:
    told = {**asdict(receipt), "parts": receipt.parts, "idempotency_key": key}
    del told["parts_counted"]
    title = f"{receipt.recipients} phones ring; `ninebits outcome REF_ID --wait SECONDS` tells who answers"
    if receipt.resumed:
        title = "all of it was sent before with this key: nobody was rung now"
    pairs = zip(receipt.ref_ids, receipt.message_ids, strict=True)
    rows = [{"ref_id": ref, "message_id": message} for ref, message in pairs]
    print_answer(given.output, told, lambda: print_table(title, ("ref_id", "message_id"), rows))


def _whole_path(file: str | None) -> str | None:
    """Return a path as ObjectStoragePath takes it, which knows no folder that this process was started in."""
    return file if file is None or "://" in file else str(Path(file).absolute())


def _numbers_at(file: str | None) -> Path | str | None:
    """Return a path as ``exclude`` takes it, which takes digits for a number where they are no path by their type."""
    return file if file is None or "://" in file else Path(file).absolute()


def _say(words: str) -> None:
    print(f"ninebits: {words}", file=sys.stderr)  # noqa: T201 (a command line's own voice)
