"""
Where the time of two cores goes for each callback, in microseconds: the profile of the stand-alone receiver.

While it is asked over 32 connections, the time of its two processes is taken, that of PostgreSQL's, of the sender, of
interrupts and of all else on the machine, and how long the cores were idle: together they are all there is. Beside it
stands the bare app of `receiver`, asked in the same way. Reading, taking and the ledger are measured by themselves, in
one process; what is left of what the two processes use is HTTP and the event loop in the one, and what passes between
the two.

The second table has what storing costs more while there is a subscription to events, and while metrics are told.
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

from benchmarks.receiver import CONNECTIONS, LIMIT, SIDES, served
from benchmarks.tools import additions, cpu
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
    found: list[tuple[dict[str, float], dict[str, float]]] = []
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        os.environ.setdefault("AIRFLOW_HOME", str(folder / "airflow"))
        added = []
        for database in DATABASES:
            with ledgers(database, folder) as url_of:
                found.append(_of_one(url_of, folder))
                added.append(additions.measure(database, url_of))
    columns = [f"{side}, {database}" for database in DATABASES for side in ("receiver", "bare app")]
    results = Results(f"Of {psutil.cpu_count()} cores, for a callback, in microseconds", ("what", *columns))
    for what in found[0][0]:
        cells = [side.get(what) for sides in found for side in sides]
        results.add(what, *("-" if cell is None else f"{cell:,.0f}" for cell in cells))
    return [results, *added]


def _of_one(url_of: Callable[[object], str], folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    rounds, bare = [], []
    for turn in range(ROUNDS):
        with_ref_id = turn % 2 == 0
        alone = _parts(url_of(f"parts_{turn}"), with_ref_id=with_ref_id)
        whole = _whole("receiver", url_of(f"whole_{turn}"), folder, with_ref_id=with_ref_id)
        rounds.append(alone | whole)
        bare.append(_whole(LIMIT, url_of(f"bare_{turn}"), folder, with_ref_id=with_ref_id))
    return _told(rounds), _told(bare)


def _told(rounds: list[dict[str, float]]) -> dict[str, float]:
    found = {what: median(each[what] for each in rounds) for what in rounds[0]}
    told = {"the process that is asked": found["asked"]}
    if "stores" in found:
        first, second = (found[f"groups of {size}"] for size in GROUPS)
        # So much of a callback's is a share in what a group costs whatever its size.
        for_each_group = (first - second) / (1 / GROUPS[0] - 1 / GROUPS[1])
        told |= {
            "· HTTP, the event loop, handing over, telling who waits": found["asked"] - found["take"],
            "· the password, the answer": found["take"] - found["read"],
            "· JSON, its fields, the hash that tells a repeat": found["read"],
            "the process that stores": found["stores"],
            "· what passes between the two": found["stores"] - first,
            f"· the ledger, a sixteenth of what a group of {GROUPS[0]} costs whatever is in it": for_each_group
            / GROUPS[0],
            "· the ledger, for the callback itself": first - for_each_group / GROUPS[0],
        }
    if "PostgreSQL" in found:
        told["PostgreSQL's processes"] = found["PostgreSQL"]
    named = sum(found.get(name, 0.0) for name in ("asked", "stores", "PostgreSQL", "the sender"))
    return told | {
        "the sender": found["the sender"],
        "interrupts: the network in this machine, the disk": found["machine: interrupts"],
        "all else on the machine": found["machine: used"] - named,
        "taken by other machines on the same processor": found["machine: stolen"],
        "idle: waiting for the disk, or for each other": found["machine: idle"],
        "all of the cores": found["all"],
        "callbacks a second": found["per_second"],
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

    settings = ReceiverSettings(url, passwords=("secret",))
    intake = Receiver(settings, store_apart=False, record=None, ended=None).intake
    intake.writer = AtOnce()  # type: ignore[assignment]
    answered: list[Any] = []
    with closing(asyncio.new_event_loop()) as loop:
        for body in bodies:
            intake.take([b"Basic bmluZWJpdHM6c2VjcmV0"], body, loop, answered.append)
    if {answer.status for answer in answered} != {200}:
        raise RuntimeError("not all of them were taken")


def _whole(side: str, url: str, folder: Path, *, with_ref_id: bool) -> dict[str, float]:
    bodies = folder / "bodies"
    bodies.write_bytes(b"\n".join(callbacks_of(accept_messages(url, 10 * CALLBACKS), with_ref_id=with_ref_id)))
    module, path = SIDES[side]
    with served(module, url, folder) as port:
        server = next(
            each for each in psutil.net_connections("tcp") if each.laddr and each.laddr.port == port and each.pid
        )
        watched = {"asked": f"{server.pid}"}
        if children := psutil.Process(server.pid).children():
            watched["stores"] = f"{children[0].pid}"
        if postmaster := cpu.postmaster_of(url):
            watched["PostgreSQL"] = f"{postmaster}+"
        command = [sys.executable, "-m", "benchmarks.tools.load", f"http://ninebits:secret@127.0.0.1:{port}{path}"]
        command += [str(bodies), "--seconds", str(SECONDS), "--connections", str(CONNECTIONS)]
        command += [f"--watch={name}={pid}" for name, pid in watched.items()]
        measured = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    if measured["statuses"].keys() != {"200"}:
        raise RuntimeError(f"{side} answered {measured['statuses']}")
    counted = measured["per_second"] * measured["seconds"]
    used = {name: 1e6 * seconds / counted for name, seconds in measured["cpu_seconds"].items()}
    whole = sum(each for name, each in used.items() if name.startswith("machine: "))
    return {**used, "all": whole, "per_second": measured["per_second"]}


def _cpu_us(do: Callable[[], object], times: int) -> float:
    before = time.process_time()
    do()
    return 1e6 * (time.process_time() - before) / times
