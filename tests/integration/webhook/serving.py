"""The real receiver: served on a loopback port while a block lasts, in this process or in one of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from airflow_provider_ninebits.simulator.running import address_of, listening_socket
from airflow_provider_ninebits.webhook.app import receiver_app
from airflow_provider_ninebits.webhook.serving import receiver_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    import uvicorn

    from airflow_provider_ninebits.metrics import Record
    from airflow_provider_ninebits.webhook.settings import ReceiverSettings

ROOT = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def served(settings: ReceiverSettings, *, store_apart: bool = False, record: Record | None = None) -> Iterator[str]:
    """
    Serve a receiver as the stand-alone command does, and give its base URL.

    :param store_apart: whether a process of its own stores, as it does there; else a thread, as within the API server.
    """
    server = receiver_server(receiver_app(settings, store_apart=store_apart, record=record))
    # Two of the 401s that are compared may lie in two seconds.
    server.config.date_header = False
    with served_app(server) as base_url:
        yield base_url


@contextlib.contextmanager
def served_app(server: uvicorn.Server) -> Iterator[str]:
    """Run a server, and give its base URL."""
    with listening_socket("127.0.0.1", 0) as listener:
        base_url = address_of(listener)
        thread = threading.Thread(target=server.run, args=([listener],), name="receiver", daemon=True)
        thread.start()
        try:
            # The socket listens already: this waits until somebody answers.
            httpx.get(f"{base_url}/nowhere", trust_env=False, timeout=30)
            yield base_url
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class ReceiverProcess:
    """``python -m airflow_provider_ninebits.webhook``, running."""

    url: str
    pid: int
    log_file: Path

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self.log_file.read_text(errors="surrogateescape")

    @property
    def peak_mib(self) -> int:
        """The most memory that its processes have had."""
        processes = [psutil.Process(self.pid), *psutil.Process(self.pid).children()]
        statuses = [Path(f"/proc/{process.pid}/status").read_text() for process in processes]
        return sum(int(status.partition("VmHWM:")[2].split()[0]) for status in statuses) // 1024

    @property
    def open_files(self) -> int:
        """How many files and sockets it has."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


@contextlib.contextmanager
def receiver_process(
    home: Path, ledger_url: str, *, password: str = "secret", options: dict[str, str] | None = None, **how: Any
) -> Iterator[ReceiverProcess]:
    """
    Run the stand-alone receiver as its command does, while the block lasts.

    :param home: an empty folder for Airflow's home and the log.
    :param options: more of the environment.
    :param how: for ``subprocess.Popen``.
    """
    with listening_socket("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "PYTHONPATH": str(ROOT),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": ledger_url,
        "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": password,
        **(options or {}),
    }
    log_file = home / "receiver.log"
    command = [sys.executable, "-m", "airflow_provider_ninebits.webhook", "--port", str(port)]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log, **how)
    try:
        running = ReceiverProcess(f"http://127.0.0.1:{port}", process.pid, log_file)
        _wait_until_it_answers(process, running)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], running: ReceiverProcess) -> None:
    until = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{running.url}/nowhere", trust_env=False, timeout=30)
            return
        assert process.poll() is None, running.log
        assert time.monotonic() < until, running.log
        time.sleep(0.05)
