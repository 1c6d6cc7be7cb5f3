"""
A ledger with 10,000,000 recipients and callbacks beside an empty one, on PostgreSQL.

The large one has a million people who were rung again and again over 300 days. Both are asked the same in turn:
callbacks for a fresh send to numbers from all over the ledger, through the stand-alone receiver; the recording of such
a send; the watcher's look at 1000 messages; a wait's look, and the outcome of a message of 1000. The empty side is a
fresh ledger in each round, with nothing in it but what is asked for: the send that callbacks are of; 1000 messages
for the watcher; as many messages of 1000 as are looked at. At last the oldest sends of the large one are purged.
``NINEBITS_GROWTH_RECIPIENTS`` is another size than ten million.
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
from itertools import chain
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
EMPTY, FULL = "empty", "large"
ROUNDS = 5
SECONDS = 5.0
CONNECTIONS = 32
IN_A_ROUND = 50_000
QUERIES = 60
LOOKS = 1000
WATCHED = 1000
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
    """Fill the large one, ask both, and purge."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url_of = stack.enter_context(ledgers("PostgreSQL", folder))
        large = url_of("large")
        began = time.perf_counter()
        filling.fill(large, LARGE)
        took = time.perf_counter() - began
        room = filling.sizes(large)
        rounds = [_round(url_of, large, turn, folder) for turn in range(ROUNDS)]
        return [_compared(rounds), _room(room, took), purged(large)]


def _round(url_of: Callable[[object], str], large: str, turn: int, folder: Path) -> dict[str, dict[str, float]]:
    written, watched, waited = (url_of(f"{what}_{turn}") for what in ("written", "watched", "waited"))
    with closing(Database(written)) as ledger, ledger.reading():
        # To make its tables is no part of what is measured.
        pass
    # In turn, also as to who comes first.
    sides = ((EMPTY, written), (FULL, large))[:: 1 - 2 * (turn % 2)]
    found = {side: asked_to_write(url, turn, folder) for side, url in sides}
    filling.fill(watched, WATCHED, filling.Shape(part=1, messages=1))
    filling.fill(waited, (QUERIES + 1) * filling.PART)
    messages = LARGE // filling.PART
    # From all over the ledger, in each round others.
    somewhere = [filling.ref_id_of((place + turn * WATCHED) * 7919 % messages) for place in range(WATCHED)]
    all_there_are = [filling.ref_id_of(place) for place in range(WATCHED)]
    asked = {EMPTY: (watched, waited, all_there_are), FULL: (large, large, somewhere)}
    # What was written last is on disk by now, with all of its server: nothing goes on beside one side alone.
    for side, _ in sides:
        of_looks, of_outcomes, ref_ids = asked[side]
        with closing(Database(of_looks)) as ledger:
            found[side] |= _looks(ledger, ref_ids)
        with closing(Database(of_outcomes)) as ledger:
            found[side] |= _outcomes(ledger, ref_ids)
    return found


def asked_to_write(url: str, turn: int, folder: Path) -> dict[str, float]:
    """Record a send in one ledger and have it called back; return how many a second of each."""
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
    return found


def _looks(ledger: Database, ref_ids: list[str]) -> dict[str, float]:
    no_window = timedelta(0)
    # Before the watcher's, which reads them all.
    single = _a_second(lambda turn: look(ledger, [ref_ids[turn % WATCHED]], attempt_window=no_window), LOOKS)
    return {"look": single, "watcher": _a_second(lambda _: look(ledger, ref_ids, attempt_window=no_window), QUERIES)}


def _outcomes(ledger: Database, ref_ids: list[str]) -> dict[str, float]:
    return {
        "outcome": _a_second(lambda turn: read_outcome(ledger, [ref_ids[turn]], attempt_window=timedelta(0)), QUERIES)
    }


def _a_second(ask: Callable[[int], object], times: int) -> float:
    # The first one connects.
    ask(times)
    began = time.perf_counter()
    for turn in range(times):
        ask(turn)
    return times / (time.perf_counter() - began)


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


def _compared(rounds: list[dict[str, dict[str, float]]]) -> Results:
    results = Results(
        "What a ledger is asked, PostgreSQL",
        ("", "empty", "spread", f"{LARGE:,} recipients", "spread", "of the empty one's speed", "spread"),
    )
    for title, name in ASKED.items():
        empty, full = ([each[side][name] for each in rounds] for side in (EMPTY, FULL))
        ratios = [large / small for small, large in zip(empty, full, strict=True)]
        cells = [
            (f"{median(speeds):,.{digits}f}", f"{min(speeds):,.{digits}f} to {max(speeds):,.{digits}f}")
            for speeds, digits in ((empty, 0), (full, 0), (ratios, 2))
        ]
        results.add(title, *chain.from_iterable(cells))
    return results


def _room(sizes: dict[str, tuple[int, int]], filled_in_seconds: float) -> Results:
    results = Results(
        f"What {LARGE:,} recipients and callbacks take on disk (filled in {filled_in_seconds:.0f} s)",
        ("table", "MiB", "its indexes MiB", "MiB for a million calls"),
    )
    for name, (table, indexes) in sizes.items():
        results.add(
            name, *(f"{count / 2**20:,.0f}" for count in (table, indexes, (table + indexes) * 1_000_000 / LARGE))
        )
    table, indexes = (sum(each[place] for each in sizes.values()) for place in (0, 1))
    results.add("all", *(f"{count / 2**20:,.0f}" for count in (table, indexes, (table + indexes) * 1_000_000 / LARGE)))
    return results
