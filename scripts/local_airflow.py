"""
A whole Airflow on this machine, with the simulator of 9bits beside it: what the demo and the tests run.

Everything lives in one folder and on free loopback ports; leaving the ``with`` block ends every process.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0
API_KEY = "demo-key"
COMPONENTS = frozenset({"scheduler", "dag-processor", "triggerer"})


@dataclass
class LocalAirflow:
    """A running Airflow; ``api`` speaks its REST API as admin."""

    home: Path
    url: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    api: httpx.Client = field(repr=False)
    components: dict[str, psutil.Process] = field(default_factory=dict)
    """
    What ``airflow standalone`` runs and goes on without where it dies. Not the API server: who asks it notices.
    """

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run of a DAG, waiting until the DAG processor has found it, and return the run's id."""
        run_id = f"manual__{secrets.token_hex(6)}"
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.check_alive()
            answer = self.api.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": False})
            if answer.status_code == 200:
                answer = self.api.post(
                    f"/api/v2/dags/{dag_id}/dagRuns",
                    json={"dag_run_id": run_id, "logical_date": None, "conf": conf or {}},
                )
            if answer.status_code == 200:
                return run_id
            if time.monotonic() > deadline:
                raise TimeoutError(f"{dag_id} cannot be triggered: {answer.status_code} {answer.text}")
            time.sleep(1)

    def unpause(self, dag_id: str) -> None:
        """Let a DAG be started by what it is scheduled on, waiting until the DAG processor has found it."""
        deadline = time.monotonic() + START_SECONDS
        while (answer := self.api.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": False})).status_code != 200:
            self.check_alive()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{dag_id} cannot be unpaused: {answer.status_code} {answer.text}")
            time.sleep(1)

    def token(self, username: str | None = None) -> str:
        """
        Return what a user's session is known by: whoever has it is logged in.

        :param username: one of the file of passwords; None: the first of them, or where everybody is admin, nobody.
        """
        file = self.environment.get("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE")
        if file is None:
            return str(self.api.get("/auth/token").json()["access_token"])
        passwords: dict[str, str] = json.loads(Path(file).read_text())
        username = username or next(iter(passwords))
        answer = self.api.post("/auth/token", json={"username": username, "password": passwords[username]})
        return str(answer.json()["access_token"])

    def run_ids(self, dag_id: str) -> list[str]:
        """Return the runs of a DAG, the oldest first."""
        return [run["dag_run_id"] for run in self._get(f"/api/v2/dags/{dag_id}/dagRuns", order_by="id")["dag_runs"]]

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a DAG run."""
        return str(self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def wait_for_run(self, dag_id: str, run_id: str, timeout_seconds: float = 180.0) -> str:
        """Wait until a DAG run has ended, and return its state."""
        deadline = time.monotonic() + timeout_seconds
        while (state := self.run_state(dag_id, run_id)) not in ("success", "failed"):
            self.check_alive()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{dag_id} {run_id} is {state}: {self.task_states(dag_id, run_id)}")
            time.sleep(0.5)
        return state

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        return list(self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"])

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the state of each task of a run (of the last of its mapped ones)."""
        return {ti["task_id"]: ti["state"] for ti in self.task_instances(dag_id, run_id)}

    def wait_for_task(
        self, dag_id: str, run_id: str, task_id: str, states: set[str], timeout_seconds: float = 120.0
    ) -> str:
        """Wait until a task is in one of some states, and return which."""
        deadline = time.monotonic() + timeout_seconds
        while (state := self.task_states(dag_id, run_id).get(task_id)) not in states:
            self.check_alive()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{task_id} is {state}")
            time.sleep(0.3)
        return str(state)

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Return what a task pushed."""
        return self._get(
            f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}",
            map_index=map_index,
            deserialize=True,
        )["value"]

    def clear(self, dag_id: str, run_id: str, task_ids: list[str]) -> None:
        """Clear tasks of a run, as the UI's button does."""
        answer = self.api.post(
            f"/api/v2/dags/{dag_id}/clearTaskInstances",
            json={
                "dry_run": False,
                "dag_run_id": run_id,
                "task_ids": task_ids,
                "only_failed": False,
                "reset_dag_runs": True,
            },
        )
        answer.raise_for_status()

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """Return the log of a task's try as text."""
        answer = self.api.get(
            f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}",
            params={"full_content": True},
            headers={"Accept": "application/x-ndjson"},
        )
        return answer.text

    def check_alive(self) -> None:
        """Raise when Airflow has died, or one of its components."""
        if self.process.poll() is not None:
            raise RuntimeError(f"Airflow ended with {self.process.returncode}; see the logs in {self.home}")
        for name, component in self.components.items():
            if not component.is_running() or component.status() == psutil.STATUS_ZOMBIE:
                raise RuntimeError(f"Airflow's {name} has died; see the logs in {self.home}")

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = self.api.get(path, params=params)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def free_port(preferred: int | None = None) -> int:
    """Return a loopback port that nobody uses: the preferred one where it is free."""
    for port in (preferred, 0) if preferred else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port or 0))
                return int(probe.getsockname()[1])
    raise RuntimeError("no free port on the loopback interface")


def airflow_environment(
    home: Path,
    port: int,
    *,
    dags: Path,
    simulator_url: str,
    options: dict[str, str] | None = None,
    python: str = sys.executable,
) -> dict[str, str]:
    """
    Return the environment of an Airflow that lives in ``home`` and rings the simulator's phones.

    :param python: the interpreter that has it.
    """
    url = f"http://127.0.0.1:{port}"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    if python != sys.executable:
        # It leads to the checkout, and another interpreter has what is to be tried installed.
        kept.pop("PYTHONPATH", None)
    connection = {"conn_type": "ninebits", "password": API_KEY, "host": simulator_url}
    return {
        **kept,
        "PATH": f"{Path(python).parent}{os.pathsep}{kept.get('PATH', '')}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        # Airflow hears of a deferral that much late (5 s by default), and a trigger holds its event back until then.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__NINEBITS__WEBHOOK_PASSWORD": "secret",
        "AIRFLOW_CONN_NINEBITS_DEFAULT": json.dumps(connection),
        **(options or {}),
    }


@contextmanager
def local_airflow(
    home: Path,
    port: int,
    environment: dict[str, str],
    python: str = sys.executable,
    *,
    part: str = "standalone",
) -> Iterator[LocalAirflow]:
    """
    Run ``airflow standalone`` until the block ends, and give it once it serves.

    :param python: the interpreter that has it.
    :param part: ``api-server``, for another one beside an Airflow that runs in the same folder already.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{part}.log").open("ab") as log:
        process = subprocess.Popen(
            [python, "-m", "airflow", part],
            env=environment,
            # Where it starts is what it imports from first: the checkout would hide what is installed.
            cwd=home,
            # It outlives a demo that is killed, and must not hold the terminal then.
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    pid_file = home / ("airflow.pid" if part == "standalone" else f"airflow-{part}.pid")
    pid_file.write_text(str(process.pid))
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0, trust_env=False) as api:
            airflow = LocalAirflow(home, f"http://127.0.0.1:{port}", environment, process, api)
            _wait_until_ready(airflow)
            if part == "standalone":
                airflow.components = components_of(process)
            yield airflow
    finally:
        end_group(process)
        pid_file.unlink(missing_ok=True)


def _wait_until_ready(airflow: LocalAirflow) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        airflow.check_alive()
        with suppress(httpx.HTTPError, ValueError, KeyError):
            health = airflow.api.get("/api/v2/monitor/health").json()
            parts = (health[name]["status"] for name in ("scheduler", "triggerer", "dag_processor"))
            if all(status == "healthy" for status in parts):
                token = airflow.token()
                airflow.api.headers["Authorization"] = f"Bearer {token}"
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"Airflow is not ready; see the logs in {airflow.home}")
        time.sleep(0.5)


def components_of(standalone: subprocess.Popen[bytes]) -> dict[str, psutil.Process]:
    """
    Return the components that a standalone Airflow does not look after, by name.

    :raises RuntimeError: where one is not there: it has died, or Airflow calls it otherwise by now.
    """
    children = psutil.Process(standalone.pid).children()
    found = {name: child for child in children for name in COMPONENTS.intersection(child.cmdline())}
    if missing := COMPONENTS - found.keys():
        raise RuntimeError(f"Airflow runs without {', '.join(sorted(missing))}")
    return found


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    for how, seconds in ((signal.SIGINT, 10), (signal.SIGTERM, 5), (signal.SIGKILL, 10)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            break
    # The group outlives its leader where a child ignores the signal.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def end_stale_group(pid_file: Path) -> None:
    """End what a start that crashed has left running, which would hold the ports and the database."""
    with suppress(FileNotFoundError, ValueError, ProcessLookupError, PermissionError):
        pid = int(pid_file.read_text())
        # The number may belong to somebody else by now.
        if b"airflow" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.killpg(pid, signal.SIGKILL)
    pid_file.unlink(missing_ok=True)
