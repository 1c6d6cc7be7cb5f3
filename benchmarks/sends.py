"""
One send, from a file of 10,000, 100,000 and 1,000,000 numbers: what it takes in memory and time.

Each send is a process of its own, over HTTP to a simulator in another one, and then comes again with the same key and
file, as a retry does: it compares them all, and rings nobody. The base is the same process with a single number:
Airflow and the libraries. Memory is the peak of the resident set (VmHWM, so Linux only). The simulator plays every
call, on the same cores: it, and not the sender, takes most of the time between two requests. Figures are medians; the
databases take turns, and each run has a fresh ledger.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.tools.ledgers import DATABASES, ledgers
from benchmarks.tools.results import Results

if TYPE_CHECKING:
    from collections.abc import Iterator

# How many numbers, and how often: a million take some minutes.
SIZES = {1: 5, 10_000: 5, 100_000: 3, 1_000_000: 2}
MEDIA = "https://media.test/reminder.mp3"
_HOOK = """
import json, sys, time
from benchmarks.sends import peak_mib
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.plans import Planner

took = []
record = Planner.record

def timed(self, *arguments, **named):
    began = time.perf_counter()
    try:
        return record(self, *arguments, **named)
    finally:
        took.append(time.perf_counter() - began)

Planner.record = timed
began = time.perf_counter()
receipt = NineBitsHook().send_voice(None, sys.argv[2], idempotency_key=sys.argv[3], to_path=sys.argv[1])
print(json.dumps({
    "recipients": receipt.recipients,
    "parts": receipt.parts,
    "planning_seconds": took[0],
    "seconds": time.perf_counter() - began,
    "peak_mib": peak_mib(),
}))
"""


def measure() -> list[Results]:
    """Measure sends of each size on both databases."""
    runs: dict[tuple[str, int], list[tuple[dict[str, Any], dict[str, Any]]]] = defaultdict(list)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        urls = {database: stack.enter_context(ledgers(database, folder)) for database in DATABASES}
        for size, times in SIZES.items():
            for turn in range(times):
                for database, url_of in urls.items():
                    # A simulator of its own: it keeps every call that it was told of.
                    with simulator() as simulator_url:
                        url = url_of(f"{size}_{turn}")
                        first, again = (one_send(size, url, simulator_url, folder) for _ in range(2))
                    runs[database, size].append((first, again))
    return [_of_database(database, {size: runs[database, size] for size in SIZES}) for database in DATABASES]


def _of_database(database: str, runs: dict[int, list[tuple[dict[str, Any], dict[str, Any]]]]) -> Results:
    results = Results(
        f"One send from a file, {database}",
        (
            *("numbers", "runs", "peak MiB", "spread", "over base", "planned s", "spread", "sent s", "spread"),
            *("again MiB", "again s", "spread"),
        ),
    )
    base = median([first["peak_mib"] for first, _ in runs[min(runs)]])
    for size, found in runs.items():
        results.add(*_cells(size, found, base))
    return results


def one_send(size: int, ledger_url: str, simulator_url: str, folder: Path) -> dict[str, Any]:
    """Send to so many numbers in a fresh process, and return what it measured."""
    file = folder / f"{size}.txt"
    if not file.exists():
        with file.open("w") as numbers:
            # Neither sorted nor random: neighbours are far apart, and each number comes once.
            numbers.writelines(f"234{8020000000 + (place * 7_368_787) % 10_000_019}\n" for place in range(size))
    connection = {"conn_type": "ninebits", "password": "bench", "host": simulator_url}
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": ledger_url,
        "AIRFLOW_CONN_NINEBITS_DEFAULT": json.dumps(connection),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    done = subprocess.run(
        [sys.executable, "-c", _HOOK, str(file), MEDIA, f"bench {size}"],
        env=environment,
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peak_mib() -> float:
    """Return the peak of this process's resident set. Not getrusage's: that one counts what the parent had."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system tells no VmHWM")


@contextmanager
def simulator() -> Iterator[str]:
    """A simulator in a process of its own; gives its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_ninebits.simulator", "--port", "0", "--speed", "1000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the simulator has no standard output")
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(30)


def _cells(size: int, runs: list[tuple[dict[str, Any], dict[str, Any]]], base: float) -> list[str]:
    for measured in (each for run in runs for each in run):
        if measured["recipients"] != size:
            raise RuntimeError(f"{measured['recipients']} of {size} numbers were sent")
    peak = [first["peak_mib"] for first, _ in runs]
    planned = [first["planning_seconds"] for first, _ in runs]
    sent = [first["seconds"] - first["planning_seconds"] for first, _ in runs]
    return [
        f"{size:,}",
        str(len(runs)),
        *_told(peak, 0),
        f"{median(peak) - base:+.0f}",
        *_told(planned, 1),
        *_told(sent, 1),
        f"{median([again['peak_mib'] for _, again in runs]):.0f}",
        *_told([again["seconds"] for _, again in runs], 1),
    ]


def _told(found: list[float], digits: int) -> tuple[str, str]:
    return f"{median(found):.{digits}f}", f"{min(found):.{digits}f} to {max(found):.{digits}f}"
