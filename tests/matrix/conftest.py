"""
Other Airflows, each in an environment of its own, with the wheel installed: what ``make test-matrix`` runs.

The tests drive them from outside, by processes and HTTP; without ``NINEBITS_MATRIX``, which names the versions, there
is nothing to run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator
from tests.airflow.conftest import API_KEY, WEBHOOK_PASSWORD, Stage
from tests.integration.conftest import postgres, run_on_server
from tests.integration.otlp import collecting

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from local_airflow import airflow_environment, free_port, local_airflow  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL

__all__ = ["postgres"]

VERSIONS = os.environ.get("NINEBITS_MATRIX", "").split()
ENVIRONMENTS = Path(os.environ.get("NINEBITS_MATRIX_ENVIRONMENTS") or ROOT / ".tools" / "matrix").resolve()
NEWEST = (3, 3)
"""From here on a deprecation of Airflow's is an error: on older ones the warning may name what they do not have yet."""
PATIENCE_SECONDS = 150.0
PARTS = ("scheduler", "triggerer", "dag_processor")
UNWELL_SECONDS = 90.0
"""A part whose heartbeat is late on a busy machine is well again by then."""

collect_ignore_glob = [] if VERSIONS else ["test_*.py"]


@dataclass(frozen=True)
class Installed:
    """An environment with an Airflow and the wheel."""

    version: str
    python: Path

    @property
    def is_newest(self) -> bool:
        """Whether Airflow's deprecations are errors."""
        return self.minor >= NEWEST

    @property
    def minor(self) -> tuple[int, ...]:
        """The version without its patch."""
        return tuple(int(part) for part in self.version.split(".")[:2])

    def run(self, *command: str, home: Path, status: int = 0, **options: str) -> str:
        """Run a command of the environment, far from the checkout, and return what it prints."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AIRFLOW"))}
        ended = subprocess.run(
            [str(self.python), *command],
            cwd=home,
            env={**kept, "AIRFLOW_HOME": str(home), **options},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == status, ended.stdout[-4000:] + ended.stderr[-4000:]
        return ended.stdout


class Begun(NamedTuple):
    """A run of a DAG, and the numbers that it rings."""

    dag_id: str
    run_id: str
    numbers: list[str]


@dataclass
class MatrixStage(Stage):
    """A running Airflow of some version, with a ledger in some database."""

    ledger_url: str = ""
    installed: Installed = Installed("", Path())
    begun: dict[str, Begun] = field(default_factory=dict)
    """All runs are begun at once, so that they wait beside each other."""
    dead: list[str] = field(default_factory=list)

    def begin(self, name: str, dag_id: str, numbers: list[str], **conf: Any) -> None:
        """Begin a run, which rings these numbers unless its conf says otherwise."""
        self.begun[name] = Begun(dag_id, self.airflow.trigger(dag_id, conf or {"to": numbers}), numbers)

    def ended(self, name: str) -> tuple[Begun, str]:
        """Wait for the end of a run that was begun, and return it with its state."""
        run = self.begun[name]
        self.check_well()
        return run, self.airflow.wait_for_run(run.dag_id, run.run_id, PATIENCE_SECONDS)

    def check_well(self) -> None:
        """Raise when a part of Airflow has died, which ends no other: else each test would wait for nothing."""
        deadline = time.monotonic() + UNWELL_SECONDS
        while not self.dead:
            self.airflow.check_alive()
            health = self.airflow.api.get("/api/v2/monitor/health").raise_for_status().json()
            unwell = [part for part in PARTS if health[part]["status"] != "healthy"]
            if not unwell:
                return
            if time.monotonic() > deadline:
                self.dead = unwell
            time.sleep(2)
        raise RuntimeError(f"{self.dead} died; see {self.airflow.home / 'standalone.log'}")

    def ledger(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return what the ledger answers; nothing, while nobody has made its tables."""
        engine = create_engine(self.ledger_url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query), values)]
        except (OperationalError, ProgrammingError):
            return []
        finally:
            engine.dispose()

    def until(self, found: Callable[[], Any], what: str) -> Any:
        """Wait until something is there, and return it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (there := found()):
            self.check_well()
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(0.5)
        return there


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session", params=VERSIONS)
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """One environment after the other, the wheel installed in it."""
    environment = Installed(request.param, ENVIRONMENTS / request.param / "bin" / "python")
    pip = ["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--force-reinstall"]
    environment.run(*pip, str(wheel), home=tmp_path_factory.mktemp("pip"))
    return environment


@pytest.fixture(scope="session")
def dags_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example DAGs, those of ``tests/airflow``, and what is to be known of each version."""
    folder = tmp_path_factory.mktemp("dags")
    for source in (ROOT / "example_dags", ROOT / "tests" / "airflow" / "dags", HERE / "dags"):
        for file in source.glob("*.py"):
            shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def stage(
    request: pytest.FixtureRequest,
    installed: Installed,
    postgres: URL,
    dags_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MatrixStage]:
    """A real Airflow that rings simulated phones; the ledger is in some database."""
    home, port = tmp_path_factory.mktemp(f"airflow-{installed.version}-"), free_port()
    databases = _tables_of_airflow(postgres)
    # On SQLite nothing is said: it is the default.
    ledger_url = f"sqlite:///{home / 'ninebits.db'}"
    if request.param == "postgresql":
        ledger_url = databases["AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN"] = _fresh_database(postgres)
    settings = SimulatorSettings(
        callback_url=f"http://ninebits:{WEBHOOK_PASSWORD}@127.0.0.1:{port}/ninebits/callback",
        api_key=API_KEY,
        ref_id="mixed",
        speed=10.0,
    )
    with running_simulator(settings) as simulator, collecting() as collector:
        connection = {"conn_type": "ninebits", "password": API_KEY, "host": simulator.base_url}
        environment = airflow_environment(
            home,
            port,
            dags=dags_folder,
            simulator_url=simulator.base_url,
            python=str(installed.python),
            options={
                "AIRFLOW_CONN_NINEBITS_DEFAULT": json.dumps(connection),
                "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": WEBHOOK_PASSWORD,
                "AIRFLOW__CORE__PARALLELISM": "4",
                "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
                # Shown, so that the logs can be searched for them.
                "PYTHONWARNINGS": "default::DeprecationWarning",
                **databases,
                **metrics_to(collector.url, installed),
            },
        )
        with local_airflow(home, port, environment, str(installed.python)) as airflow:
            yield MatrixStage(
                airflow,
                simulator,
                unknown_waits="",
                python=str(installed.python),
                collector=collector,
                ledger_url=ledger_url,
                installed=installed,
            )


def _tables_of_airflow(postgres: URL) -> dict[str, str]:
    # Where its own tables are in SQLite, Airflow's scheduler ends when it has waited 5 s for another of its processes.
    of_airflow = make_url(_fresh_database(postgres))
    return {
        f"AIRFLOW__DATABASE__{option}": of_airflow.set(drivername=driver).render_as_string(hide_password=False)
        for option, driver in (
            ("SQL_ALCHEMY_CONN", "postgresql+psycopg2"),
            ("SQL_ALCHEMY_CONN_ASYNC", "postgresql+asyncpg"),
        )
    }


def metrics_to(url: str, installed: Installed) -> dict[str, str]:
    """Return the options by which an Airflow tells a collector of its metrics."""
    if installed.minor >= (3, 2):
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_METRIC_EXPORT_INTERVAL": "2000"}
    else:
        parts = urlsplit(url)
        told = {
            "AIRFLOW__METRICS__OTEL_HOST": str(parts.hostname),
            "AIRFLOW__METRICS__OTEL_PORT": str(parts.port),
            "AIRFLOW__METRICS__OTEL_INTERVAL_MILLISECONDS": "2000",
        }
    return {"AIRFLOW__METRICS__OTEL_ON": "True", **told}


def _fresh_database(server: URL) -> str:
    name = f"matrix_{uuid4().hex}"
    run_on_server(server, f"CREATE DATABASE {name}")
    return server.set(database=name).render_as_string(hide_password=False)
