"""
A ledger with 10,000,000 recipients and callbacks beside one with 100,000, on PostgreSQL.

Both are filled alike: a million people who are rung again and again over 300 days. Then both are asked the same in
turn: callbacks for a fresh send to numbers from all over the ledger, through the stand-alone receiver; the recording of
such a send; the watcher's look at 1000 messages; a wait's look, and the outcome of a message of 1000. At last the
oldest sends of the large one are purged. ``NINEBITS_GROWTH_RECIPIENTS`` is another size than ten million.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.outcomes import look, read_outcome
from airflow_provider_ninebits.ledger.purging import Policy, purge
from airflow_provider_ninebits.ledger.retention import Windows
from benchmarks.receiver import served
from benchmarks.tools import filling
from benchmarks.tools.ledgers import accept_messages, callbacks_of, ledgers
from benchmarks.tools.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = int(os.environ.get("NINEBITS_GROWTH_RECIPIENTS", "10000000"))
SMALL = 100_000
ROUNDS = 5
SECONDS = 4.0
CONNECTIONS = 32
IN_A_ROUND = 20_000
QUERIES = 40
PURGED = 100_000
ASKED = {
    "callbacks with a ref_id, a second": "callbacks with ref_id",
    "callbacks without one, a second": "callbacks without",
    "recipients of a send recorded, a second": "recorded",
    "watcher: 1000 messages, looks a second": "watcher",
    "a wait's look, looks a second": "look",
    "outcome of 1000 recipients, a second": "outcome",
}


def measure() -> list[Results]:
    """Fill both, ask both, and purge."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url_of = stack.enter_context(ledgers("PostgreSQL", folder))
        urls = {size: url_of(f"of_{size}") for size in (SMALL, LARGE)}
        took = {}
        for size, url in urls.items():
            began = time.perf_counter()
            filling.fill(url, size)
            took[size] = time.perf_counter() - began
        room = filling.sizes(urls[LARGE])
        rounds = [{size: one_round(url, size, turn, folder) for size, url in urls.items()} for turn in range(ROUNDS)]
        compared = _compared(rounds)
        compared.add("seconds to fill it before", f"{took[SMALL]:.0f}", f"{took[LARGE]:.0f}", "", "")
        return [compared, _room(room), purged(urls[LARGE])]


def one_round(url: str, size: int, turn: int, folder: Path) -> dict[str, float]:
    """Ask one ledger everything, and return how often a second each was done."""
    numbers = [filling.number_of(turn * IN_A_ROUND + person) for person in range(IN_A_ROUND)]
    began = time.perf_counter()
    rung = accept_messages(url, numbers, name=f"round{turn}")
    found = {"recorded": len(numbers) / (time.perf_counter() - began)}
    half = IN_A_ROUND // 2
    for name, some, with_ref_id in (
        ("callbacks with ref_id", rung[:half], True),
        ("callbacks without", rung[half:], False),
    ):
        bodies = folder / "bodies"
        bodies.write_bytes(b"\n".join(callbacks_of(some, with_ref_id=with_ref_id)))
        found[name] = _callbacks_a_second(url, bodies, folder)
    with closing(Database(url)) as ledger:
        found |= _questions(ledger, size)
    return found


def _questions(ledger: Database, size: int) -> dict[str, float]:
    messages = size // filling.PART
    # From all over the ledger, each time others: not those that were read a moment ago.
    some = [filling.ref_id_of(place * 7919 % messages) for place in range(QUERIES + 1)]
    thousand = [filling.ref_id_of(place * 7919 % messages) for place in range(1000)]
    no_window = timedelta(0)
    return {
        "watcher": _a_second(lambda _: look(ledger, thousand, attempt_window=no_window)),
        "look": _a_second(lambda turn: look(ledger, [some[turn]], attempt_window=no_window)),
        "outcome": _a_second(lambda turn: read_outcome(ledger, [some[turn]], attempt_window=no_window)),
    }


def _a_second(ask: Callable[[int], object]) -> float:
    # The first one connects.
    ask(QUERIES)
    began = time.perf_counter()
    for turn in range(QUERIES):
        ask(turn)
    return QUERIES / (time.perf_counter() - began)


def _callbacks_a_second(url: str, bodies: Path, folder: Path) -> float:
    with served(["airflow_provider_ninebits.webhook"], url, folder) as port:
        command = [sys.executable, "-m", "benchmarks.tools.load"]
        command += [f"http://ninebits:secret@127.0.0.1:{port}/ninebits/callback", str(bodies)]
        command += ["--seconds", str(SECONDS), "--connections", str(CONNECTIONS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    if measured["statuses"].keys() != {"200"}:
        raise RuntimeError(f"answered {measured['statuses']}")
    return float(measured["per_second"])


def purged(url: str) -> Results:
    """Purge the oldest recipients of the large ledger, and tell what a million would take."""
    oldest_days = filling.DAYS * (1 - PURGED / LARGE)
    policy = Policy(
        older_than=timedelta(days=oldest_days),
        windows=Windows(match=timedelta(days=1), attempt=timedelta(0)),
    )
    rested: list[float] = []
    with closing(Database(url)) as ledger:
        began = time.perf_counter()
        done = purge(ledger, policy, pause=rested.append)
        busy_seconds = time.perf_counter() - began
    a_million = 1_000_000 / done.recipients
    results = Results(
        "Purging the oldest recipients of it, each with its callback",
        ("recipients", "busy s", "with its rests s", "a million would take"),
    )
    whole_seconds = busy_seconds + sum(rested)
    results.add(
        f"{done.recipients:,}",
        f"{busy_seconds:.0f}",
        f"{whole_seconds:.0f}",
        f"{whole_seconds * a_million / 60:.0f} min",
    )
    return results


def _compared(rounds: list[dict[int, dict[str, float]]]) -> Results:
    results = Results(
        "What a ledger of a size is asked, PostgreSQL",
        ("", f"{SMALL:,} recipients", f"{LARGE:,}", "spread", "of the small one's speed"),
    )
    for title, name in ASKED.items():
        speeds = [each[LARGE][name] for each in rounds]
        results.add(
            title,
            f"{median(each[SMALL][name] for each in rounds):,.0f}",
            f"{median(speeds):,.0f}",
            f"{min(speeds):,.0f} to {max(speeds):,.0f}",
            f"{median(each[LARGE][name] / each[SMALL][name] for each in rounds):.2f}",
        )
    return results


def _room(sizes: dict[str, tuple[int, int]]) -> Results:
    results = Results(
        f"What {LARGE:,} recipients and callbacks take on disk",
        ("table", "MiB", "its indexes MiB", "MiB for a million calls"),
    )
    for name, (table, indexes) in sizes.items():
        results.add(
            name, *(f"{count / 2**20:,.0f}" for count in (table, indexes, (table + indexes) * 1_000_000 / LARGE))
        )
    table, indexes = (sum(each[place] for each in sizes.values()) for place in (0, 1))
    results.add("all", *(f"{count / 2**20:,.0f}" for count in (table, indexes, (table + indexes) * 1_000_000 / LARGE)))
    return results
