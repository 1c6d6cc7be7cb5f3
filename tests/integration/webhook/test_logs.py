"""What the receiver and the simulator, in processes of their own, log: neither a password nor a whole number."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_ninebits.simulator.running import RunningSimulator
from tests.integration.webhook.serving import ROOT, ReceiverProcess, receiver_process

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "hidden-callback-password"
API_KEY = "hidden-api-key"
NUMBERS = ["2348021112223", "2348021112224", "2348021112225"]


@pytest.fixture
def receiver(tmp_path: Path, ledger_url: str) -> Iterator[ReceiverProcess]:
    home = tmp_path / "home"
    home.mkdir()
    everything = {"AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG"}
    with receiver_process(home, ledger_url, password=PASSWORD, options=everything) as running:
        yield running


def test_no_log_tells_a_password_or_a_number(receiver: ReceiverProcess, ledger_folder: Path, tmp_path: Path) -> None:
    simulator_log = tmp_path / "simulator.log"
    with simulator_process(receiver, simulator_log) as simulator:
        send(simulator)
        simulator.wait_idle()
        # From now on storing fails, and the error has the statement and what was bound to it.
        with sqlite3.connect(ledger_folder / "ninebits.db") as spoiler:
            spoiler.execute("ALTER TABLE ninebits_callback RENAME COLUMN raw TO gone")
        spoiler.close()
        deliver_by_hand(receiver)
        # Nobody listens there: the simulator says so with the URL.
        simulator.set_callback_url(f"http://ninebits:{PASSWORD}@127.0.0.1:9/ninebits/callback?token={PASSWORD}")
        send(simulator)
        simulator.wait_idle()
        log = receiver.log + simulator_log.read_text()
    # There is something to search.
    assert "A callback could not be stored" in receiver.log
    assert "[debug" in receiver.log
    assert "callback for 234802***2223: 200" in simulator_log.read_text()
    assert "callback: no answer from http://127.0.0.1:9/ninebits/callback" in simulator_log.read_text()
    lines = log.splitlines()
    assert [line for line in lines if PASSWORD in line or API_KEY in line] == []
    assert [line for line in lines if any(number in line for number in NUMBERS)] == []
    assert [line for line in lines if re.search(r"(?<!\d)234\d{8,}", line)] == []


def send(simulator: RunningSimulator) -> None:
    httpx.post(
        f"{simulator.base_url}/v1/sendvoice",
        json={"to": NUMBERS, "media_url": "https://example.com/a.mp3"},
        headers={"Authorization": f"Bearer {API_KEY}"},
        trust_env=False,
    ).raise_for_status()


def deliver_by_hand(receiver: ReceiverProcess) -> None:
    call = {"to_number": NUMBERS[0], "start_at": "2023-10-24 22:54:06"}
    for password, status in ((PASSWORD, 503), ("other-" + PASSWORD, 401)):
        answer = httpx.post(
            f"{receiver.url}/ninebits/callback", json=call, auth=("ninebits", password), trust_env=False
        )
        assert answer.status_code == status


@contextlib.contextmanager
def simulator_process(receiver: ReceiverProcess, log_file: Path) -> Iterator[RunningSimulator]:
    """Run the simulator as its command does, with the callback URL on its command line."""
    url = receiver.url.replace("http://", f"http://ninebits:{PASSWORD}@") + "/ninebits/callback"
    options = ["--port", "0", "--callback-url", url, "--api-key", API_KEY, "--speed", "100000"]
    command = [sys.executable, "-m", "airflow_provider_ninebits.simulator", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        log_file.open("w") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            log.write(first_line := process.stdout.readline())
            base_url = first_line.split()[-1]
            with httpx.Client(base_url=base_url, trust_env=False, timeout=30) as client:
                yield RunningSimulator(base_url, client)
        finally:
            process.terminate()
            log.write(process.stdout.read())
