"""Processes of a benchmark: they start, are waited for, are asked what they take, and end with the block."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 600.0
ROOT = Path(__file__).resolve().parents[2]


def cores(
    process: psutil.Process, windows: int, window_seconds: float, meanwhile: Callable[[], None] | None = None
) -> list[float]:
    """Return how many cores a process and its children took, window for window."""
    found = []
    for _ in range(windows):
        before, begun_at = _cpu_seconds(process), time.monotonic()
        if meanwhile is not None:
            meanwhile()
        time.sleep(max(begun_at + window_seconds - time.monotonic(), 0.0))
        found.append((_cpu_seconds(process) - before) / (time.monotonic() - begun_at))
    return found


def _cpu_seconds(process: psutil.Process) -> float:
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


@contextmanager
def started(command: list[str], environment: dict[str, str], log: Path) -> Iterator[psutil.Process]:
    """Run a process while the block lasts."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=only_with(environment), cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(holds: Callable[[], bool], process: psutil.Process, log: Path) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE or time.monotonic() > deadline:
            raise RuntimeError(log.read_text(errors="replace")[-4000:])
        time.sleep(0.5)


def only_with(more: dict[str, str]) -> dict[str, str]:
    """Return this process's environment, without its Airflow options, with these."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**{name: value for name, value in kept.items() if not name.startswith("AIRFLOW")}, **more}


def said_by(environment: dict[str, str], *arguments: str) -> list[Any]:
    """Run Python with some arguments to its end, and return the list that its last line is, in JSON."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))
