"""
A request of 1000 numbers, beside ``http.client`` and two durable commits; and several at once.

"request" is what one part costs once the send is planned: claim (a commit), POST, answer (a commit). The bare side
makes the same POST over one kept-alive connection between two commits of the same rows, written by the driver itself
(psycopg, or sqlite3 with ``synchronous=FULL``). "planning" is what comes before it, once for each part: its thousand
recipients, made unique and committed; the bare side has them in one statement and one commit. Both run in turn in one
process, against the same server, which answers at once. CPU is that of the sending process.

Parallel requests go to a server that takes 50 or 200 ms for each. Ideal is (parts / parallel) x that. Beside it stand
as many threads that only make the same POST by ``http.client``. "First wave" is what the first request of each thread
takes beyond that, until the last of them is answered: all of them ask the ledger at once then, and never again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.tools.bare_sender import BareSender, posted
from benchmarks.tools.ledgers import DATABASES, PART, ledgers
from benchmarks.tools.nine_bits import nine_bits
from benchmarks.tools.processes import said_by
from benchmarks.tools.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
PARTS = 40
# How long each takes, how many at once, and how many parts then: with few parts the first wave is much of it.
PARALLEL = {50: ((1, 40), (4, 160), (16, 160), (16, 480)), 200: ((4, 80), (16, 160))}
PARALLEL_ROUNDS = 3
MEDIA = "https://media.test/reminder.mp3"


def measure() -> list[Results]:
    """Measure both on both databases."""
    found = []
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = {delay_ms: stack.enter_context(nine_bits(delay_ms)) for delay_ms in (0, *PARALLEL)}
        for database in DATABASES:
            with ledgers(database, folder) as url_of:
                found.append(_one_request(database, sent("in_turn", url_of("requests"), servers[0], folder)))
                rounds = {
                    delay_ms: sent(f"in_parallel {delay_ms}", url_of(f"after_{delay_ms}_ms"), servers[delay_ms], folder)
                    for delay_ms in PARALLEL
                }
                found.append(_parallel(database, rounds))
    return found


def _one_request(database: str, rounds: list[dict[str, Any]]) -> Results:
    results = Results(f"1000 numbers, {database}, ms", ("what", "hook", "spread", "bare", "spread of it", "over it"))
    for what in ("request", "request, CPU", "planning"):
        ours, bare = ([1000 * each[f"{side} {what}"] for each in rounds] for side in ("hook", "bare"))
        results.add(what, *_told(ours), *_told(bare), f"{median(ours) - median(bare):+.2f}")
    return results


def _parallel(database: str, rounds_by_delay: dict[int, list[dict[str, list[float]]]]) -> Results:
    results = Results(
        f"Several parts at once, {database}",
        (
            *("each takes, ms", "max_parallel_requests", "parts", "seconds", "spread", "ideal", "over ideal"),
            *("first wave, ms over", "http.client alone, s", "over that"),
        ),
    )
    for delay_ms, rounds in rounds_by_delay.items():
        for parallel, parts in PARALLEL[delay_ms]:
            seconds, first, alone = ([each[f"{parallel} {parts}"][column] for each in rounds] for column in range(3))
            ideal = parts / parallel * delay_ms / 1000
            results.add(
                *(str(delay_ms), str(parallel), str(parts)),
                *_told(seconds),
                f"{ideal:.2f}",
                f"{median(seconds) / ideal:.2f}",
                f"{1000 * median(first) - delay_ms:.0f}",
                f"{median(alone):.2f}",
                f"{median(ours / bare for ours, bare in zip(seconds, alone, strict=True)):.2f}",
            )
    return results


def _told(rounds: list[float]) -> tuple[str, str]:
    return f"{median(rounds):.2f}", f"{min(rounds):.2f}-{max(rounds):.2f}"


def sent(how: str, ledger_url: str, server_url: str, folder: Path) -> list[dict[str, Any]]:
    """Send in one fresh process; return what each round took."""
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": ledger_url,
        "AIRFLOW_CONN_NINEBITS_DEFAULT": json.dumps({"conn_type": "ninebits", "password": "bench", "host": server_url}),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    return said_by(environment, "-m", "benchmarks.requests", *how.split(), ledger_url, server_url)


def in_turn(ledger_url: str, server_url: str) -> list[dict[str, float]]:
    """Send with the hook, and without anything."""
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

    rounds = []
    with closing(NineBitsHook()) as hook, closing(BareSender(ledger_url, server_url)) as bare:
        # The first round loads and compiles, and does not count.
        for turn in range(ROUNDS + 1):
            rounds.append({**_by_hook(hook, f"turn {turn}"), **_by_bare(bare, f"turn {turn}")})
    return rounds[1:]


def in_parallel(delay_ms: str, _: str, server_url: str) -> list[dict[str, list[float]]]:
    """Send with more and more requests at once, in turn; return seconds, those of the first wave, and http.client's."""
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

    rounds, asked = [], PARALLEL[int(delay_ms)]
    with closing(NineBitsHook()) as hook:
        # It loads and compiles, and does not count.
        _told_at(hook, PARTS, "first", max(parallel for parallel, _ in asked))
        for turn in range(PARALLEL_ROUNDS):
            found = {}
            for parallel, parts in asked:
                _, *told = _told_at(hook, parts, f"{turn} {parallel} {parts}", parallel)
                found[f"{parallel} {parts}"] = [sum(told), sum(told[:parallel]), posted(server_url, parts, parallel)]
            rounds.append(found)
    return rounds


def _by_hook(hook: Any, key: str) -> dict[str, float]:
    planning, *requests = _told_at(hook, PARTS, key)
    _, *cpu = _told_at(hook, PARTS, f"{key}, CPU", clock=time.process_time)
    return {
        "hook request": median(requests),
        "hook request, CPU": sum(cpu) / PARTS,
        "hook planning": planning / PARTS,
    }


def _told_at(
    hook: Any, parts: int, key: str, parallel: int = 1, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Send; return what it took until all was planned, and then from each part to the next."""
    from airflow_provider_ninebits.hooks import plans
    from airflow_provider_ninebits.ledger.sends import AskedBy

    plan = hook.plan(_numbers(parts), MEDIA, None, key=key, asked_by=AskedBy("bench"))
    told = [clock()]
    record = plans.Planner.record

    def planned(*given: Any, **named: Any) -> Any:
        try:
            return record(*given, **named)
        finally:
            told.append(clock())

    plans.Planner.record = planned  # type: ignore[method-assign]
    try:
        hook.send_plan(
            plan,
            MEDIA,
            on_uncertain="fail",
            replan=False,
            max_parallel_requests=parallel,
            placed=lambda *_: told.append(clock()),
        )
    finally:
        plans.Planner.record = record  # type: ignore[method-assign]
    return [after - before for before, after in pairwise(told)]


def _by_bare(bare: BareSender, name: str) -> dict[str, float]:
    parts = [(f"{name} {at}", _numbers(PARTS)[at : at + PART]) for at in range(0, PARTS * PART, PART)]
    planning = median([bare.plan(*part) for part in parts])
    began = time.process_time()
    requests = [bare.send(*part) for part in parts]
    cpu = (time.process_time() - began) / PARTS
    return {"bare planning": planning, "bare request": median(requests), "bare request, CPU": cpu}


def _numbers(parts: int) -> list[str]:
    return [str(2348020000000 + place) for place in range(parts * PART)]


if __name__ == "__main__":
    how, *given = sys.argv[1:]
    print(json.dumps({"in_turn": in_turn, "in_parallel": in_parallel}[how](*given)))
