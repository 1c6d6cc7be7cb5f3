"""
Where the processor's time of a callback goes, in microseconds: the profile of the stand-alone receiver.

Reading, taking and the ledger are measured by themselves, in one process. What is left of what the receiver's two
processes use while it is asked over 32 connections is HTTP and the event loop in the one, and what passes between the
two. CPU time, since it says less about who else was busy on the machine.
"""

from __future__ import annotations

import asyncio
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
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.receiver import CONNECTIONS, SIDES, served
from benchmarks.tools.ledgers import DATABASES, accept_messages, callbacks_of, ledgers
from benchmarks.tools.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
CALLBACKS = 8000
GROUPS = (16, 64)
"""With 32 senders half of them wait while a group is committed: the first. By the second its parts are told apart."""
SECONDS = 4.0


def measure() -> list[Results]:
    """Measure on both databases."""
    results = Results(
        "CPU of a callback, in microseconds",
        ("what", *DATABASES),
    )
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        columns = []
        for database in DATABASES:
            with ledgers(database, folder) as url_of:
                columns.append(_of_one(url_of, folder))
    for what in columns[0]:
        results.add(what, *(f"{column[what]:.0f}" for column in columns))
    return [results]


def _of_one(url_of: Callable[[object], str], folder: Path) -> dict[str, float]:
    os.environ.setdefault("AIRFLOW_HOME", str(folder / "airflow"))
    rounds = []
    for turn in range(ROUNDS):
        with_ref_id = turn % 2 == 0
        alone = _parts(url_of(f"parts_{turn}"), with_ref_id=with_ref_id)
        whole = _whole(url_of(f"whole_{turn}"), folder, with_ref_id=with_ref_id)
        rounds.append(alone | whole)
    found = {what: median(each[what] for each in rounds) for what in rounds[0]}
    first, second = (found[f"groups of {size}"] for size in GROUPS)
    # So much of a callback's is a share in what a group costs whatever its size.
    for_each_group = (first - second) / (1 / GROUPS[0] - 1 / GROUPS[1])
    return {
        "the process that is asked": found["asked"],
        "· HTTP, the event loop, waking and telling the thread that passes groups on": found["asked"] - found["take"],
        "· the password, the answer": found["take"] - found["read"],
        "· JSON, its fields, the hash that tells a repeat": found["read"],
        "the process that stores": found["stores"],
        "· what passes between the two": found["stores"] - first,
        f"· the ledger, a sixteenth of what a group of {GROUPS[0]} costs whatever is in it": for_each_group / GROUPS[0],
        "· the ledger, for the callback itself": first - for_each_group / GROUPS[0],
        "all of it": found["asked"] + found["stores"],
    }


def _parts(url: str, *, with_ref_id: bool) -> dict[str, float]:
    from airflow_provider_ninebits.ledger.callbacks import store
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.webhook.arrivals import read_arrivals

    bodies = callbacks_of(accept_messages(url, CALLBACKS), with_ref_id=with_ref_id)
    arrivals: list[Any] = []
    took = {
        "read": _cpu_us(lambda: arrivals.extend(read_arrivals(body, None, "UTC")[0] for body in bodies), len(bodies))
    }
    took["take"] = _cpu_us(lambda: _take(url, bodies), len(bodies))
    half = len(arrivals) // 2
    with closing(Database(url)) as ledger:
        for size, some in zip(GROUPS, (arrivals[:half], arrivals[half:]), strict=True):
            groups = [some[start : start + size] for start in range(0, len(some), size)]
            # What is compiled once is no callback's.
            warm, rest = groups[: len(groups) // 4], groups[len(groups) // 4 :]
            for group in warm:
                store(ledger, group, window=timedelta(days=1))
            count = sum(map(len, rest))
            took[f"groups of {size}"] = _cpu_us(
                lambda groups=rest: [store(ledger, group, window=timedelta(days=1)) for group in groups], count
            )
    return took


def _take(url: str, bodies: list[bytes]) -> None:
    """Take bodies, for a ledger that takes no time."""
    from airflow_provider_ninebits.webhook.app import Receiver
    from airflow_provider_ninebits.webhook.settings import ReceiverSettings

    class AtOnce:
        def submit(self, _: object, __: object, ___: object, settled: Callable[[Exception | None], None]) -> None:
            settled(None)

    intake = Receiver(ReceiverSettings(url, passwords=("secret",)), store_apart=False).intake
    intake.writer = AtOnce()  # type: ignore[assignment]
    answered: list[Any] = []
    with closing(asyncio.new_event_loop()) as loop:
        for body in bodies:
            intake.take([b"Basic bmluZWJpdHM6c2VjcmV0"], body, loop, answered.append)
    if {answer.status for answer in answered} != {200}:
        raise RuntimeError("not all of them were taken")


def _whole(url: str, folder: Path, *, with_ref_id: bool) -> dict[str, float]:
    bodies = folder / "bodies"
    bodies.write_bytes(b"\n".join(callbacks_of(accept_messages(url, 10 * CALLBACKS), with_ref_id=with_ref_id)))
    module, path = SIDES["receiver"]
    with served(module, url, folder) as port:
        server = next(
            each for each in psutil.net_connections("tcp") if each.laddr and each.laddr.port == port and each.pid
        )
        asked = psutil.Process(server.pid)
        both = {"asked": asked, "stores": asked.children()[0]}
        before = {name: process.cpu_times() for name, process in both.items()}
        command = [sys.executable, "-m", "benchmarks.tools.load", f"http://ninebits:secret@127.0.0.1:{port}{path}"]
        command += [str(bodies), "--seconds", str(SECONDS), "--connections", str(CONNECTIONS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        after = {name: process.cpu_times() for name, process in both.items()}
    answered = sum(json.loads(done.stdout)["statuses"].values())
    return {
        name: 1e6 * (after[name].user + after[name].system - before[name].user - before[name].system) / answered
        for name in both
    }


def _cpu_us(do: Callable[[], object], times: int) -> float:
    before = time.process_time()
    do()
    return 1e6 * (time.process_time() - before) / times
