"""
The stand-alone receiver beside the raw limit of group commit, with the same server, driver and durability.

Each side is a process of its own, asked in turn by the same sender over 32 connections, which runs on the same cores.
The receiver does all that it does for 9bits' callbacks: it checks the password, parses, tells repeats, matches to
recipients and counts, and answers when that is on disk. The bare sides insert the body they were sent: one is an app of
Starlette's, as one would write it, the other the same without any framework. There are ratios of both.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.tools.ledgers import DATABASES, accept_messages, callbacks_of, ledgers
from benchmarks.tools.results import Results

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
SECONDS = 5.0
CONNECTIONS = 32
RECIPIENTS = 100_000
LIMIT = "bare group commit, Starlette"
NO_FRAMEWORK = "bare group commit, no framework"
SIDES = {
    NO_FRAMEWORK: (["benchmarks.tools.bare", "--asgi"], "/"),
    LIMIT: (["benchmarks.tools.bare"], "/"),
    "receiver": (["airflow_provider_ninebits.webhook"], "/ninebits/callback"),
}


def measure() -> list[Results]:
    """Measure both sides on both databases."""
    found = []
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for database in DATABASES:
            results = Results(
                f"Stand-alone receiver, {database}",
                (
                    *("side", "callbacks a second", "spread", "p50 ms", "p99 ms", "p99.9 ms"),
                    *("of Starlette's", "p99 over its", "of no framework's", "p99 over its"),
                ),
            )
            with ledgers(database, folder) as url_of:
                rounds = [
                    {
                        side: one_round(side, url_of(f"side_{place}_{turn}"), folder, with_ref_id=turn % 2 == 0)
                        for place, side in enumerate(SIDES)
                    }
                    for turn in range(ROUNDS)
                ]
            for side in SIDES:
                speeds = [each[side]["per_second"] for each in rounds]
                results.add(
                    side,
                    f"{median(speeds):,.0f}",
                    f"{min(speeds):,.0f} to {max(speeds):,.0f}",
                    f"{median(each[side]['p50_ms'] for each in rounds):.1f}",
                    f"{median(each[side]['p99_ms'] for each in rounds):.1f}",
                    f"{median(each[side]['p999_ms'] for each in rounds):.1f}",
                    *_ratios(rounds, side, LIMIT),
                    *_ratios(rounds, side, NO_FRAMEWORK),
                )
            found.append(results)
    return found


def _ratios(rounds: list[dict[str, dict[str, Any]]], side: str, limit: str) -> tuple[str, str]:
    """Return what a side has of a limit's speed, and how much longer its p99 is: medians of the rounds' ratios."""
    speed = median(each[side]["per_second"] / each[limit]["per_second"] for each in rounds)
    late = median(each[side]["p99_ms"] / each[limit]["p99_ms"] for each in rounds)
    return f"{speed:.2f}", f"{late:.1f}"


def one_round(side: str, ledger_url: str, folder: Path, *, with_ref_id: bool) -> dict[str, Any]:
    """Ask one side for some seconds, and return what the sender measured."""
    rung = accept_messages(ledger_url, RECIPIENTS)
    bodies = folder / "bodies"
    bodies.write_bytes(b"\n".join(callbacks_of(rung, with_ref_id=with_ref_id)))
    module, path = SIDES[side]
    with served(module, ledger_url, folder) as port:
        command = [sys.executable, "-m", "benchmarks.tools.load", f"http://ninebits:secret@127.0.0.1:{port}{path}"]
        command += [str(bodies), "--seconds", str(SECONDS), "--connections", str(CONNECTIONS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    if measured["statuses"].keys() != {"200"}:
        raise RuntimeError(f"{side} answered {measured['statuses']}")
    return measured


@contextmanager
def served(module: list[str], ledger_url: str, folder: Path) -> Iterator[int]:
    """
    Run one side while the block lasts, and give its port.

    :param module: what is run, with its own options.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": ledger_url,
        "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": "secret",
    }
    command = [sys.executable, "-m", *module, "--port", str(port)]
    if module[0].startswith("benchmarks."):
        command += [ledger_url]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_open(process, port, folder / "server.log")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(log.read_text()[-4000:])
        time.sleep(0.05)
