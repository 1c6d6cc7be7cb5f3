"""
A request of 1000 numbers: the hook's beside ``http.client`` with two durable commits, and several at once.
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
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.tools.bare_sender import BareSender
from benchmarks.tools.ledgers import DATABASES, PART, ledgers
from benchmarks.tools.nine_bits import nine_bits
from benchmarks.tools.results import Results

ROUNDS = 6
PARTS = 50
MEDIA = "https://media.test/reminder.mp3"


def measure() -> list[Results]:
    """Measure both on both databases."""
    found = []
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        at_once = stack.enter_context(nine_bits())
        for database in DATABASES:
            with ledgers(database, folder) as url_of:
                found.append(_one_request(database, sent(url_of("requests"), at_once, folder)))
    return found


def _one_request(database: str, rounds: list[dict[str, list[float]]]) -> Results:
    results = Results(f"1000 numbers, {database}, ms", ("what", "hook", "spread", "bare", "spread of it", "over it"))
    for what in ("request", "planning"):
        ours, bare = ([1000 * median(each[f"{side} {what}"]) for each in rounds] for side in ("hook", "bare"))
        results.add(what, *_told(ours), *_told(bare), f"{median(ours) - median(bare):+.2f}")
    return results


def _told(rounds: list[float]) -> tuple[str, str]:
    return f"{median(rounds):.2f}", f"{min(rounds):.2f}-{max(rounds):.2f}"


def sent(ledger_url: str, server_url: str, folder: Path) -> list[dict[str, list[float]]]:
    """Send with both, in turn, in one fresh process; return what each part took."""
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": ledger_url,
        "AIRFLOW_CONN_NINEBITS_DEFAULT": json.dumps({"conn_type": "ninebits", "password": "b", "host": server_url}),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.requests", ledger_url, server_url],
        env=environment,
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def _in_turn(ledger_url: str, server_url: str) -> list[dict[str, list[float]]]:
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

    rounds = []
    with closing(NineBitsHook()) as hook, closing(BareSender(ledger_url, server_url)) as bare:
        # The first round loads and compiles, and does not count.
        for turn in range(ROUNDS + 1):
            numbers = [str(2348020000000 + place) for place in range(PARTS * PART)]
            rounds.append({**_by_hook(hook, numbers, f"turn {turn}"), **_by_bare(bare, numbers, f"turn {turn}")})
    return rounds[1:]


def _by_hook(hook: Any, numbers: list[str], key: str) -> dict[str, list[float]]:
    from airflow_provider_ninebits.ledger.sends import AskedBy

    plan = hook.plan(numbers, MEDIA, None, key=key, asked_by=AskedBy("bench"))
    told = [time.perf_counter()]
    hook.send_plan(plan, MEDIA, on_uncertain="fail", replan=False, placed=lambda _: told.append(time.perf_counter()))
    between = [after - before for before, after in zip(told, told[1:])]
    return {"hook request": between[1:], "hook planning": [between[0] / PARTS]}


def _by_bare(bare: BareSender, numbers: list[str], name: str) -> dict[str, list[float]]:
    parts = [(f"{name} {at}", numbers[at : at + PART]) for at in range(0, len(numbers), PART)]
    planning = [bare.plan(*part) for part in parts]
    return {"bare planning": planning, "bare request": [bare.send(*part) for part in parts]}


if __name__ == "__main__":
    print(json.dumps(_in_turn(*sys.argv[1:])))
