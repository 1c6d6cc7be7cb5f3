"""``make demo`` as somebody in a terminal runs it: it stays up until Ctrl-C, and starts again after a crash."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parent.parent.parent
STAYS_UP = "Ctrl-C ends it all"


def heed_ctrl_c() -> None:
    """Do as a program in a terminal: what a shell runs in the background ignores the signal, and so does its child."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Terminal:
    """The demo on a terminal of its own."""

    def __init__(self, home: Path) -> None:
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "scripts/demo.py"), str(home)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
            start_new_session=True,
            preexec_fn=heed_ctrl_c,
        )
        os.close(theirs)
        self._shown = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # The terminal of a process that has ended is an error to read.
        with suppress(OSError):
            while piece := os.read(self.ours, 65536):
                self._shown += piece

    @property
    def shown(self) -> str:
        """What stands on the terminal, without its control sequences."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self._shown.decode())

    def wait_for(self, words: str) -> None:
        """Wait until some words stand on the terminal."""
        deadline = time.monotonic() + 240
        while words not in self.shown:
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the demo did not say {words!r}, but: {self.shown}")
            time.sleep(0.1)

    def press_ctrl_c(self) -> int:
        """Do what the terminal does at Ctrl-C, and return the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)


@contextmanager
def terminal(home: Path) -> Iterator[Terminal]:
    begun = Terminal(home)
    try:
        yield begun
    finally:
        with suppress(ProcessLookupError):
            os.killpg(begun.process.pid, signal.SIGKILL)
        begun.process.wait()
        begun._reader.join()
        os.close(begun.ours)


def started_by(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return all processes below one: they change their titles, and with them what tells their environment."""
    found = psutil.Process(process.pid).children(recursive=True)
    assert len(found) > 4
    return found


def still_there(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return which of some processes do not end; init may take a second to bury those that do."""
    return list(psutil.wait_procs(processes, timeout=5)[1])


def test_starts_after_a_crash_stays_up_and_leaves_no_process_behind(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    with terminal(home) as crashed:
        crashed.wait_for("Airflow is up")
        orphans = started_by(crashed.process)
        crashed.process.kill()
    assert [process for process in orphans if process.is_running()] != []

    with terminal(home) as demo:
        demo.wait_for(STAYS_UP)
        assert still_there(orphans) == []
        assert "2 of 3 answered" in demo.shown
        assert "2348020000000" not in demo.shown
        time.sleep(3)
        assert demo.process.poll() is None
        started = started_by(demo.process)
        assert demo.press_ctrl_c() == 0, demo.shown
        assert still_there(started) == []
