"""One real Airflow and one simulator for all tests of this folder; each test rings numbers of its own."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import httpx
import pytest

from airflow_provider_ninebits.simulator import RunningSimulator, SimulatorSettings, running_simulator
from tests.integration.otlp import Sink, collecting
from tests.integration.webhook.attempts import PASSWORDS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from local_airflow import LocalAirflow, airflow_environment, free_port, local_airflow  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

# Words that nothing else writes, so that a search of the logs means something.
API_KEY = "key-of-the-airflow-tests"
WEBHOOK_PASSWORD = "password-of-the-airflow-tests"
RECORDING = "https://example.com/reminder.mp3"
IMPATIENT_SECONDS = 1
"""The time-out of the connection ``ninebits_impatient``."""
PYTHON = os.environ.get("NINEBITS_AIRFLOW_PYTHON", sys.executable)
"""The interpreter that has Airflow: another one's, where these tests are to be about another version."""


@dataclass
class Stage:
    """The Airflow, the phones that it rings, and the ledger between them."""

    airflow: LocalAirflow
    simulator: RunningSimulator
    unknown_waits: str
    """A run of ``waits_for_unknown``: it takes a minute, so it is begun with the first test."""
    python: str = PYTHON
    collector: Sink | None = None
    """Where Airflow's metrics and traces go; None: nowhere."""
    issued: list[str] = field(default_factory=list)
    _count: Iterator[int] = field(default_factory=lambda: count(10_000_001))

    def numbers(self, how_many: int, *, prefix: str = "23480", **behaviour: Any) -> list[str]:
        """Return numbers that no other test rings, and tell the simulator how they behave."""
        fresh = [f"{prefix}{next(self._count)}" for _ in range(how_many)]
        self.issued += fresh
        self.simulator.script({"numbers": dict.fromkeys(fresh, behaviour)})
        return fresh

    def answering(self, how_many: int = 1, **behaviour: Any) -> list[str]:
        """Return numbers where somebody picks up."""
        return self.numbers(how_many, attempts=[{"answered": True, "talk_seconds": 7}], **behaviour)

    def silent(self, how_many: int = 1, **behaviour: Any) -> list[str]:
        """Return numbers where nobody picks up."""
        return self.numbers(how_many, attempts=[{"answered": False}], **behaviour)

    def holding(self, how_many: int = 1) -> list[str]:
        """Return answering numbers whose callback comes only when the test delivers it."""
        return self.answering(how_many, lose_callback=True, with_ref_id=True)

    def deliver(self, number: str) -> None:
        """Hand the receiver the last callback of a number, as 9bits would."""
        self.simulator.wait_idle()
        body = self.simulator.calls(number=number)[-1]["callback"]["body"]
        httpx.post(
            f"{self.airflow.url}/ninebits/callback", json=body, auth=("ninebits", WEBHOOK_PASSWORD), trust_env=False
        ).raise_for_status()

    def rung(self, numbers: list[str]) -> list[int]:
        """Return how often each number was rung."""
        times = self.simulator.rung()
        return [times.get(number, 0) for number in numbers]

    def run(self, dag_id: str, **conf: Any) -> tuple[str, str]:
        """Run a DAG to its end; return the run's id and its state."""
        run_id = self.airflow.trigger(dag_id, conf)
        return run_id, self.airflow.wait_for_run(dag_id, run_id)

    def task_instance(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """Return one task instance as the REST API shows it."""
        for instance in self.airflow.task_instances(dag_id, run_id):
            if (instance["task_id"], instance["map_index"]) == (task_id, map_index):
                return instance
        raise LookupError(f"{task_id} [{map_index}] is not in {dag_id} {run_id}")

    def link(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, list[str]]:
        """Return the filters of the page that a task leads to."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/links"
        answer = self.airflow.api.get(path, params={"map_index": map_index})
        answer.raise_for_status()
        page, _, query = answer.json()["extra_links"]["Voice calls"].partition("?")
        assert page == f"{str(self.airflow.api.base_url).rstrip('/')}/ninebits/calls/"
        return parse_qs(query)

    def clear(self, dag_id: str, run_id: str, task_ids: list[Any]) -> None:
        """Clear tasks, again where the API answered 500: Airflow's own SQLite was locked, and nothing was cleared."""
        for further_tries in (3, 2, 1, 0):
            try:
                return self.airflow.clear(dag_id, run_id, task_ids)
            except httpx.HTTPStatusError as error:
                if error.response.status_code != 500 or not further_tries:
                    raise

    def wait_for_try(self, dag_id: str, run_id: str, task_id: str, try_number: int, state: str) -> None:
        """Wait until a task is in a state in a later try: the state alone may still be that of the try before."""
        deadline = time.monotonic() + 120.0
        while (found := self.task_instance(dag_id, run_id, task_id)) and (
            (found["try_number"], found["state"]) != (try_number, state)
        ):
            self.airflow.check_alive()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{task_id} is {found['state']} in try {found['try_number']}")
            time.sleep(0.3)

    @contextmanager
    def ledger_gone(self) -> Iterator[None]:
        """Take the ledger's file away for a while, a folder in its place: else somebody would make a new one."""
        ledger, aside = self.airflow.home / "ninebits.db", self.airflow.home / "ninebits-aside"
        aside.mkdir()
        for file in self.airflow.home.glob("ninebits.db*"):
            file.rename(aside / file.name)
        ledger.mkdir()
        try:
            yield
        finally:
            ledger.rmdir()
            for file in aside.iterdir():
                file.rename(self.airflow.home / file.name)
            aside.rmdir()

    def let_pass(self, number: str, *, days: int) -> None:
        """Let time pass for the sends to a number: what the ledger holds of them becomes so much older."""
        send_ids = "select send_id from ninebits_recipient where number = :number"
        message_ids = f"select id from ninebits_message where send_id in ({send_ids})"
        changes = (
            f"ninebits_send set created_at = datetime(created_at, :back) where id in ({send_ids})",
            "ninebits_message set created_at = datetime(created_at, :back), "
            f"last_callback_at = datetime(last_callback_at, :back) where send_id in ({send_ids})",
            "ninebits_request set started_at = datetime(started_at, :back), "
            f"finished_at = datetime(finished_at, :back) where message_id in ({message_ids})",
        )
        with closing(sqlite3.connect(self.airflow.home / "ninebits.db")) as ledger, ledger:
            for change in changes:
                ledger.execute(f"update {change}", {"number": number, "back": f"-{days} days"})

    def message_states(self, number: str) -> list[str]:
        """Return the states of the ledger's messages to a number, in order."""
        rows = self.ledger_rows(
            "select m.state from ninebits_message m join ninebits_recipient r on r.message_id = m.id "
            "where r.number = ? order by m.created_at",
            number,
        )
        return [state for (state,) in rows]

    def ledger_rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what the ledger answers to a query."""
        with closing(sqlite3.connect(self.airflow.home / "ninebits.db")) as ledger:
            return ledger.execute(query, values).fetchall()


@pytest.fixture(scope="session")
def dags_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example DAGs, and the ones of these tests."""
    folder = tmp_path_factory.mktemp("dags")
    for file in (*(ROOT / "example_dags").glob("*.py"), *(HERE / "dags").glob("*.py")):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, dags_folder: Path) -> Iterator[Stage]:
    """A real Airflow that rings simulated phones."""
    home = tmp_path_factory.mktemp("airflow")
    port = free_port()
    settings = SimulatorSettings(
        callback_url=f"http://ninebits:{WEBHOOK_PASSWORD}@127.0.0.1:{port}/ninebits/callback",
        api_key=API_KEY,
        ref_id="mixed",
        speed=10.0,
    )
    with running_simulator(settings) as simulator, collecting() as collector:
        connection = {"conn_type": "ninebits", "password": API_KEY, "host": simulator.base_url}
        impatient = {**connection, "extra": {"timeout": IMPATIENT_SECONDS}}
        environment = airflow_environment(
            home,
            port,
            dags=dags_folder,
            simulator_url=simulator.base_url,
            python=PYTHON,
            options={
                "AIRFLOW_CONN_NINEBITS_DEFAULT": json.dumps(connection),
                "AIRFLOW_CONN_NINEBITS_IMPATIENT": json.dumps(impatient),
                "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": ",".join((WEBHOOK_PASSWORD, *PASSWORDS)),
                "AIRFLOW__CORE__PARALLELISM": "6",
                "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
                # Waits whose ledger is gone end within the tests' patience.
                "AIRFLOW__NINEBITS__OUTAGE_TOLERANCE": "8",
                # The scheduler hears of a process's end that much late; a wait that goes on before is taken for killed.
                "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
                "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
                # One that was killed is missed after so long, not only after half a minute.
                "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "12",
                "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
                "AIRFLOW__METRICS__OTEL_ON": "True",
                "AIRFLOW__TRACES__OTEL_ON": "True",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_TRACES_EXPORTER": "otlp_proto_http",
                "OTEL_METRIC_EXPORT_INTERVAL": "2000",
            },
        )
        with local_airflow(home, port, environment, PYTHON) as airflow:
            unknown_waits = airflow.trigger("waits_for_unknown")
            yield Stage(airflow, simulator, unknown_waits, collector=collector)


@pytest.fixture(scope="session")
def secrets() -> tuple[str, ...]:
    """What no log may show."""
    return API_KEY, WEBHOOK_PASSWORD, *PASSWORDS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The search of the logs comes after everything that logs.
    items.sort(key=lambda item: item.path.name == "test_logs.py")
