"""Both doors, as real processes: what a script sees of them is their stdout and their exit status."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
import yaml
from airflow.providers_manager import ProvidersManager

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.simulator.running import listening_socket
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.scenes import ADA, BEN, accepted
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ninebits.simulator import RunningSimulator

OWN = ("airflow_provider_ninebits.cli.main",)
AIRFLOWS = ("airflow", "ninebits")
# Airflow 3.1 has no commands of providers.
DOORS = [OWN, AIRFLOWS] if hasattr(ProvidersManager, "cli_command_functions") else [OWN]
MEDIA = ("--media-url", "https://media.test/a.mp3")

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(params=DOORS, ids="-".join)
def door(request: pytest.FixtureRequest) -> list[str]:
    return [sys.executable, "-m", *request.param]


@pytest.fixture
def environment(tmp_path: Path, migrated_sqlite: Path, simulator: RunningSimulator) -> dict[str, str]:
    """A fresh Airflow home, with a ledger and a connection."""
    shutil.copy(migrated_sqlite, tmp_path / "ninebits.db")
    fields = {"conn_type": "ninebits", "password": "an-api-key", "host": simulator.base_url, "extra": {"timeout": 20}}
    return {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW_CONN_NINEBITS_DEFAULT": json.dumps(fields),
        "COLUMNS": "200",
    }


@pytest.fixture
def ledger(environment: dict[str, str]) -> Iterator[Database]:
    database = Database(f"sqlite:///{environment['AIRFLOW_HOME']}/ninebits.db")
    yield database
    database.close()


def run(door: list[str], environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*door, *arguments], env=environment, capture_output=True, text=True, check=False)


def started(door: list[str], environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*door, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in its background hears no Ctrl-C, nor does what that starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_scripts_get_one_object_and_a_status(
    door: list[str], environment: dict[str, str], simulator: RunningSimulator, ledger: Database
) -> None:
    simulator.script({"numbers": {BEN: {"attempts": [{"answered": False}]}}})
    with served(ReceiverSettings(ledger.url.render_as_string(), passwords=("secret",))) as url:
        simulator.set_callback_url(f"{url}/ninebits/callback".replace("://", "://ninebits:secret@"))
        # The first command in this home: Airflow sets its configuration up, and has to say something about it.
        sent = run(door, environment, "send", *MEDIA, "--to", ADA, "--yes", "--output", "json")
        assert sent.returncode == 0, sent.stderr
        (ref_id,) = json.loads(sent.stdout)["ref_ids"]
        other = run(door, environment, "send", *MEDIA, "--to", BEN, "--yes", "--output", "yaml")
        simulator.wait_idle()
        simulator.set_callback_url(None)
    assert "accepted message" in sent.stderr
    answered = run(door, environment, "outcome", ref_id, "--wait", "20", "--output", "json")
    assert (answered.returncode, json.loads(answered.stdout)["answered"]) == (0, 1)
    unanswered = run(door, environment, "outcome", yaml.safe_load(other.stdout)["ref_ids"][0], "--output", "yaml")
    assert (unanswered.returncode, yaml.safe_load(unanswered.stdout)["unanswered"]) == (1, 1)


@pytest.mark.parametrize(
    ("line", "status", "told"),
    [
        ("messages list --bogus", 2, "unrecognized arguments: --bogus"),
        ("messages list --state nothing", 2, "--state"),
        ("messages show nothing --output json", 3, "no message nothing"),
    ],
)
def test_what_is_wrong_is_told_on_stderr_alone(
    door: list[str], environment: dict[str, str], line: str, status: int, told: str
) -> None:
    done = run(door, environment, *line.split())
    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_ledger_is_4_through_both(door: list[str], environment: dict[str, str]) -> None:
    environment["AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN"] = "postgresql://user:secret@127.0.0.1:9/ledger"
    done = run(door, environment, "messages", "list", "--output", "json")
    assert (done.returncode, done.stdout) == (4, "")
    assert "secret" not in done.stderr


@pytest.mark.parametrize("output", ["table", "json"])
def test_nobody_reads_it_any_more(door: list[str], environment: dict[str, str], ledger: Database, output: str) -> None:
    accepted(ledger, "r1", ADA)
    # Where it is set nothing is left in a buffer, for Python to complain about at its end.
    environment.pop("PYTHONUNBUFFERED", None)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*door, "messages", "list", "--output", output],
        env=environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 141
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_ctrl_c_ends_a_wait(door: list[str], environment: dict[str, str], ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    waiting = started(door, environment, "outcome", "r1", "--wait", "120", "--output", "json")
    sleeps(waiting)
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, out) == (130, "")
    assert "Traceback" not in err


def sleeps(process: subprocess.Popen[str]) -> None:
    """Wait until the process has the ledger open and uses no more of a processor: it waits."""
    seen = psutil.Process(process.pid)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        used = sum(seen.cpu_times()[:2])
        time.sleep(1.5)
        if process.poll() is not None:
            raise AssertionError(process.communicate())
        opened = any(each.path.endswith("ninebits.db") for each in seen.open_files())
        if opened and sum(seen.cpu_times()[:2]) - used < 0.3:
            return
    raise TimeoutError


def test_ctrl_c_in_a_send_tells_how_to_go_on(environment: dict[str, str], simulator: RunningSimulator) -> None:
    door = [sys.executable, "-m", *OWN]
    simulator.script({"faults": [{"kind": "delay", "seconds": 60, "placed": True}]})
    ringing = started(door, environment, "send", *MEDIA, "--to", ADA, "--yes", "--output", "json")
    until = time.monotonic() + 60
    while not simulator.requests() and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(0.5)
    ringing.send_signal(signal.SIGINT)
    out, err = ringing.communicate(timeout=30)
    assert (ringing.returncode, out) == (130, "")
    assert "Traceback" not in err
    key = err.partition("--idempotency-key ")[2].split()[0]
    again = run(door, environment, "send", *MEDIA, "--to", ADA, "--yes", "--idempotency-key", key)
    assert again.returncode == 1
    assert "ninebits messages resolve" in again.stderr
    assert simulator.rung() in ({}, {ADA: 1})


def test_in_a_task_that_airflow_keeps_off_its_database(
    environment: dict[str, str], simulator: RunningSimulator
) -> None:
    environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "airflow-db-not-allowed:///"
    door = [sys.executable, "-m", *OWN]
    sent = run(door, environment, "send", *MEDIA, "--to", ADA, "--yes", "--output", "json")
    assert sent.returncode == 0, sent.stderr
    assert simulator.rung() == {ADA: 1}
    unknown = run(door, environment, "send", *MEDIA, "--to", ADA, "--yes", "--conn-id", "nowhere")
    assert unknown.returncode == 2
    assert "Traceback" not in unknown.stderr


@pytest.mark.slow
def test_a_connection_in_airflows_own_database_is_found(
    environment: dict[str, str], simulator: RunningSimulator
) -> None:
    airflow = [sys.executable, "-m", "airflow"]
    fields = environment.pop("AIRFLOW_CONN_NINEBITS_DEFAULT")
    for command in (["db", "migrate"], ["connections", "add", "in_database", "--conn-json", fields]):
        done = run(airflow, environment, *command)
        assert done.returncode == 0, done.stderr
    for door in DOORS:
        line = ("send", *MEDIA, "--to", ADA, "--yes", "--conn-id", "in_database", "--output", "json")
        sent = run([sys.executable, "-m", *door], environment, *line)
        assert sent.returncode == 0, sent.stderr
        assert json.loads(sent.stdout)["recipients"] == 1
    assert simulator.rung() == {ADA: len(DOORS)}


def test_the_simulator_answers(door: list[str], environment: dict[str, str]) -> None:
    serving = started(door, environment, "simulator", "--port", "0", "--seed", "7")
    assert serving.stdout is not None
    line = serving.stdout.readline()
    address = line.split()[-1]
    assert httpx.get(f"{address}/simulator/health", trust_env=False, timeout=30).status_code == 200
    serving.send_signal(signal.SIGTERM)
    serving.communicate(timeout=30)
    assert serving.returncode == 0


def test_the_receiver_answers(door: list[str], environment: dict[str, str]) -> None:
    with listening_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    serving = started(door, environment, "receiver", "--port", str(port))
    until = time.monotonic() + 60
    status = None
    while status is None and time.monotonic() < until:
        try:
            status = httpx.get(f"http://127.0.0.1:{port}/ninebits/health", trust_env=False, timeout=30).status_code
        except httpx.TransportError:
            time.sleep(0.3)
    serving.send_signal(signal.SIGTERM)
    _, err = serving.communicate(timeout=30)
    assert status == 200, err


@pytest.mark.parametrize("server", ["receiver", "simulator"])
def test_a_server_whose_port_is_taken(environment: dict[str, str], server: str) -> None:
    with listening_socket("127.0.0.1", 0) as listener:
        port = str(listener.getsockname()[1])
        done = run([sys.executable, "-m", *OWN], environment, server, "--port", port)
    assert done.returncode == 1
    assert "address already in use" in (done.stderr + done.stdout).lower()


def test_ctrl_c_ends_a_receiver_without_a_traceback(environment: dict[str, str]) -> None:
    with listening_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    serving = started([sys.executable, "-m", *OWN], environment, "receiver", "--port", str(port))
    until = time.monotonic() + 60
    answered = False
    while not answered and time.monotonic() < until:
        try:
            answered = httpx.get(f"http://127.0.0.1:{port}/ninebits/health", trust_env=False, timeout=30).is_success
        except httpx.TransportError:
            time.sleep(0.3)
    serving.send_signal(signal.SIGINT)
    out, err = serving.communicate(timeout=30)
    assert serving.returncode == 130
    assert "Traceback" not in out + err


def test_a_receiver_with_an_option_that_cannot_be_used_says_so(door: list[str], environment: dict[str, str]) -> None:
    environment["AIRFLOW__NINEBITS__CALLBACK_TIMEZONE"] = "Africa/Atlantis"
    done = run(door, environment, "receiver", "--port", "0")
    assert done.returncode == 2
    assert "callback_timezone" in done.stderr
    assert "Traceback" not in done.stderr
