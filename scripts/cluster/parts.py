"""One process of the cluster: starts, is killed with all that it started, and starts again where it was."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import psutil

if TYPE_CHECKING:
    from pathlib import Path

START_SECONDS = 300.0
_ASKING_SECONDS = 5.0
_POLL_SECONDS = 0.1
_ENDING = (signal.SIGTERM, signal.SIGHUP)


@dataclass
class Part:
    """
    A process and those that it started.

    :param up_at: a URL that is answered once it serves, whatever the status; None: it has none.
    """

    name: str
    arguments: list[str]
    log: Path
    environment: dict[str, str] = field(repr=False)
    up_at: str | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, without waiting."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.arguments, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait_until_up(self) -> None:
        """
        Wait until it answers.

        :raises RuntimeError: when it ends instead, or does not answer in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while self.up_at is not None:
            self.check_alive()
            with suppress(httpx.HTTPError):
                httpx.get(self.up_at, trust_env=False, timeout=_ASKING_SECONDS)
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not serve; its log is {self.log}")
            time.sleep(_POLL_SECONDS)

    def check_alive(self) -> None:
        """Raise a RuntimeError where it has ended by itself."""
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"{self.name} has ended; its log is {self.log}")

    def asks_ports(self) -> set[int]:
        """Return the ports to which it, or one that it started, has a connection."""
        ports: set[int] = set()
        if self.process is None:
            return ports
        with suppress(psutil.Error):
            top = psutil.Process(self.process.pid)
            for process in [top, *top.children(recursive=True)]:
                with suppress(psutil.Error):
                    ports |= {each.raddr.port for each in process.net_connections("tcp") if each.raddr}
        return ports

    def kill(self) -> None:
        """Kill it and all that it started with SIGKILL, itself first, so that it starts nobody in their place."""
        if self.process is None:
            return
        family: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        _kill(family)
        self.process.wait()


def end_on_signals() -> None:
    """Have SIGTERM and SIGHUP end this process as an error does: each ``with`` on the way out ends what it started."""

    def leave(number: int, _: object) -> None:
        # What has begun to end is not left half ended by a second one.
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for each in _ENDING:
        signal.signal(each, leave)


def end_orphans(home: Path) -> None:
    """Kill what outlived those who started it: every process whose Airflow lives in this folder."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("AIRFLOW_HOME") == str(home):
                process.kill()


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
