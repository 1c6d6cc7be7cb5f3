"""The whole cluster, on this machine: who is in it, in which order it starts, and how it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from sqlalchemy import Engine, create_engine, text

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.simulator import RunningSimulator
from scripts.cluster.parts import Part, end_orphans
from scripts.cluster.settings import (
    DAGS,
    NGINX_OF_THE_DOCS,
    WORKER_SLOTS,
    airflow_options,
    nginx_conf,
    receivers_conf,
    write_certificate,
)
from scripts.local_airflow import LocalAirflow, airflow_environment, free_port
from scripts.soak.servers import Postgres, environment, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "cluster"  # noqa: S105 - of receivers that are gone in some minutes
_PATIENCE_SECONDS = 60.0
_READY_SECONDS = 300.0
# The jobs of one that was killed before stand there still; the last one of a name is the one that runs.
_WAITS_HELD = text("""
    SELECT job.unixname, count(*) AS waits FROM trigger JOIN job ON job.id = trigger.triggerer_id
     WHERE trigger.classpath LIKE 'airflow_provider_ninebits.%'
       AND job.id IN (SELECT max(id) FROM job WHERE job_type = 'TriggererJob' GROUP BY unixname)
     GROUP BY job.unixname
""")


class PatientTransport(httpx.HTTPTransport):
    """Asks again for a while: those whom it asks are killed meanwhile, and so is the proxy before them."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask until somebody answers anything but that somebody else is away."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            with suppress(httpx.TransportError):
                response = super().handle_request(request)
                if response.status_code not in (500, 502, 503, 504) or time.monotonic() > deadline:
                    return response
                response.close()
            if time.monotonic() > deadline:
                raise httpx.ConnectError("nobody answers", request=request)
            time.sleep(0.5)


class ClusterAirflow(LocalAirflow):
    """The REST API of the cluster, as admin; who serves it may be dead for a moment."""

    def check_alive(self) -> None:
        """Leave it to those who kill."""


@dataclass
class Cluster:
    """A cluster that runs."""

    folder: Path
    airflow: ClusterAirflow
    nine_bits: RunningSimulator
    ledger: Database
    ledger_server: Postgres
    parts: dict[str, Part]
    airflow_database: Engine

    def waits_held(self) -> dict[str, int]:
        """Return how many of our waits Airflow has given to each triggerer that runs now; who has none is left out."""
        with self.airflow_database.connect() as connection:
            return {row.unixname: row.waits for row in connection.execute(_WAITS_HELD)}


@contextmanager
def cluster(folder: Path, airflow_python: Path, *, calls: tuple[str, ...]) -> Iterator[Cluster]:
    """
    Run it all while the block lasts.

    :param airflow_python: the interpreter that has Airflow and Celery.
    :param calls: how the simulator plays them, as its options.
    """
    home = folder / "airflow"
    home.mkdir()
    with ExitStack() as stack:
        stack.callback(end_orphans, home)
        metadata, ledger_server = stack.enter_context(postgres()), stack.enter_context(postgres())
        metadata.run("CREATE DATABASE airflow")
        ledger_server.run("CREATE DATABASE ninebits")
        crew = _Crew(folder, home, airflow_python, metadata, ledger_server, stack)
        crew.start_servers(calls)
        crew.start_airflow()
        nine_bits_api = stack.enter_context(httpx.Client(base_url=crew.simulator_url, trust_env=False, timeout=120.0))
        api = stack.enter_context(
            httpx.Client(base_url=crew.api_url, timeout=60.0, trust_env=False, transport=PatientTransport())
        )
        process = crew.parts["API server 1"].process
        if process is None:
            raise RuntimeError("there is no API server")
        airflow = ClusterAirflow(home, crew.api_url, crew.environment, process, api)
        _wait_until_ready(airflow, crew.parts)
        ledger = Database(ledger_server.url("ninebits").render_as_string(hide_password=False))
        stack.callback(ledger.close)
        nine_bits = RunningSimulator(crew.simulator_url, nine_bits_api)
        airflow_database = create_engine(metadata.url("airflow"))
        stack.callback(airflow_database.dispose)
        yield Cluster(folder, airflow, nine_bits, ledger, ledger_server, crew.parts, airflow_database)


class _Crew:
    """Starts everybody, each with its own log."""

    def __init__(
        self,
        folder: Path,
        home: Path,
        airflow_python: Path,
        metadata: Postgres,
        ledger_server: Postgres,
        stack: ExitStack,
    ) -> None:
        self.folder, self.python, self.stack = folder, str(airflow_python), stack
        names = ("redis", "simulator", "nginx", "api", "api 1", "api 2", "receiver 1", "receiver 2")
        self.ports = {name: free_port() for name in names}
        self.simulator_url = f"http://127.0.0.1:{self.ports['simulator']}"
        self.api_url = f"http://127.0.0.1:{self.ports['api']}"
        options = airflow_options(
            metadata=metadata.url("airflow"),
            ledger=ledger_server.url("ninebits"),
            redis_port=self.ports["redis"],
            simulator_url=self.simulator_url,
            password=PASSWORD,
            bin_folder=airflow_python.parent,
        )
        self.environment = airflow_environment(
            home, self.ports["api"], dags=DAGS, simulator_url=self.simulator_url, options=options
        )
        self.parts: dict[str, Part] = {}

    def start_servers(self, calls: tuple[str, ...]) -> None:
        """Start Redis, the receivers, nginx and the simulator."""
        redis = self.folder / "redis"
        redis.mkdir()
        port = str(self.ports["redis"])
        # What was queued is still there after a kill.
        kept = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
        self._start("Redis", ["redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", str(redis), *kept])
        certificate = write_certificate(self.folder)
        for name in ("receiver 1", "receiver 2"):
            port = str(self.ports[name])
            arguments = [self.python, "-m", "airflow_provider_ninebits.webhook", "--port", port]
            # One after the other: the first one makes the ledger's tables.
            self._start(name, arguments, up_at=f"http://127.0.0.1:{port}/ninebits/health").wait_until_up()
        self._write_nginx_conf()
        arguments = ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        self._start("nginx", arguments, up_at=f"{self.api_url}/nobody-is-there-yet").wait_until_up()
        url = f"https://ninebits:{PASSWORD}@127.0.0.1:{self.ports['nginx']}/ninebits/callback"
        simulator = [sys.executable, "-m", "airflow_provider_ninebits.simulator"]
        self._start(
            "simulator",
            [*simulator, "--port", str(self.ports["simulator"]), "--callback-url", url, *calls],
            up_at=f"{self.simulator_url}/simulator/health",
            environment=environment(SSL_CERT_FILE=str(certificate)),
        ).wait_until_up()

    def start_airflow(self) -> None:
        """Make Airflow's tables, and start its processes."""
        with (self.folder / "migrate.log").open("ab") as log:
            subprocess.run(
                [self.python, "-m", "airflow", "db", "migrate"],
                env=self.environment,
                stdout=log,
                stderr=log,
                check=True,
            )
        for place in ("1", "2"):
            port = str(self.ports[f"api {place}"])
            url = f"http://127.0.0.1:{port}/api/v2/monitor/health"
            self._airflow(f"API server {place}", "api-server", "--port", port, "--host", "127.0.0.1", up_at=url)
        self._airflow("scheduler", "scheduler", "--skip-serve-logs")
        self._airflow("DAG processor", "dag-processor")
        for place in ("1", "2"):
            # Under its user's name a process stands in Airflow's table of jobs: what tells the two from each other.
            named = self.environment | {"LOGNAME": f"triggerer {place}"}
            self._airflow(f"triggerer {place}", "triggerer", "--skip-serve-logs", environment=named)
            celery = ("celery", "worker", "--skip-serve-logs", "--celery-hostname", f"worker-{place}")
            self._airflow(f"worker {place}", *celery, "--concurrency", str(WORKER_SLOTS))

    def _airflow(
        self, name: str, *command: str, up_at: str | None = None, environment: dict[str, str] | None = None
    ) -> None:
        pid_file = str(self.folder / f"{name.replace(' ', '-')}.pid")
        self._start(name, [self.python, "-m", "airflow", *command, "--pid", pid_file], up_at, environment)

    def _start(
        self, name: str, arguments: list[str], up_at: str | None = None, environment: dict[str, str] | None = None
    ) -> Part:
        log = self.folder / f"{name.replace(' ', '-').lower()}.log"
        part = Part(name, arguments, log, environment or self.environment, up_at)
        self.parts[name] = part
        # At the end nobody has anything to lose any more, and eleven orderly ends take a minute.
        self.stack.callback(part.kill)
        part.start()
        return part

    def _write_nginx_conf(self) -> None:
        receivers = receivers_conf(
            NGINX_OF_THE_DOCS.read_text(),
            port=self.ports["nginx"],
            receivers=[self.ports["receiver 1"], self.ports["receiver 2"]],
            folder=self.folder,
        )
        (self.folder / "receivers.conf").write_text(receivers)
        api_servers = [self.ports["api 1"], self.ports["api 2"]]
        main = nginx_conf(self.folder, api_port=self.ports["api"], api_servers=api_servers, as_root=os.geteuid() == 0)
        (self.folder / "nginx.conf").write_text(main)


def _wait_until_ready(airflow: ClusterAirflow, parts: dict[str, Part]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        for part in parts.values():
            part.check_alive()
        with suppress(httpx.HTTPError, ValueError, KeyError):
            health = airflow.api.get("/api/v2/monitor/health").json()
            if all(health[name]["status"] == "healthy" for name in ("scheduler", "triggerer", "dag_processor")):
                token = airflow.api.get("/auth/token").json()["access_token"]
                airflow.api.headers["Authorization"] = f"Bearer {token}"
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"Airflow is not ready; the logs are in {airflow.home.parent}")
        time.sleep(0.5)


def missing_programs() -> list[str]:
    """Return which of the programs that come from Debian are not there."""
    # /usr/sbin, where nginx is, is not on everybody's path.
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"
    return [name for name in ("redis-server", "nginx") if shutil.which(name) is None]
