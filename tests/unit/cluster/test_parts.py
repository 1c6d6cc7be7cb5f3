"""A part dies with all that it started, and can start again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from scripts.cluster.parts import Part, end_orphans
from scripts.local_airflow import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Its child leaves the process group, as Airflow's do.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True)
child.wait()
"""
SLEEPING = "import time; time.sleep(600)"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "airflow"
    yield home
    end_orphans(home)


def part_of(home: Path, child: str = SLEEPING) -> Part:
    environment = os.environ | {"AIRFLOW_HOME": str(home)}
    return Part("a part", [sys.executable, "-c", PARENT, child], home.parent / "part.log", environment)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


def family(part: Part) -> list[psutil.Process]:
    assert part.process is not None
    top = psutil.Process(part.process.pid)
    until(lambda: top.children())
    return [top, *top.children()]


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_part_is_killed_with_its_children_and_starts_again(home: Path) -> None:
    part = part_of(home)
    part.start()
    first = family(part)
    part.kill()
    until(lambda: all(gone(each) for each in first))
    with pytest.raises(RuntimeError, match=r"a part has ended; its log is .*part\.log"):
        part.check_alive()
    part.start()
    part.check_alive()
    assert family(part)[0].pid != first[0].pid
    part.kill()


def test_whoever_outlived_its_parent_is_found_by_its_home(home: Path) -> None:
    part, other = part_of(home), part_of(home.parent / "another")
    part.start()
    other.start()
    try:
        top, child = family(part)
        top.kill()
        assert not gone(child)
        end_orphans(home)
        until(lambda: gone(child))
        assert not any(gone(each) for each in family(other))
    finally:
        other.kill()
        part.kill()


def test_connections_of_its_children_are_seen(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        child = f"import socket, time; s = socket.create_connection(('127.0.0.1', {port})); time.sleep(600)"
        part = part_of(home, child)
        assert part.asks_ports() == set()
        part.start()
        connection, _ = server.accept()
        with connection:
            assert port in part.asks_ports()
        part.kill()


# What the cluster test is: parts that end with the block that started them.
CLUSTER = """
import os, sys, time
from contextlib import ExitStack
from pathlib import Path
from scripts.cluster.parts import Part, end_on_signals

end_on_signals()
with ExitStack() as stack:
    part = Part("a part", [sys.executable, "-c", sys.argv[1], sys.argv[2]], Path(sys.argv[3]), dict(os.environ))
    stack.callback(part.kill)
    part.start()
    print("started", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_that_was_started(home: Path, number: signal.Signals) -> None:
    arguments = [sys.executable, "-c", CLUSTER, PARENT, SLEEPING, str(home.parent / "part.log")]
    environment = os.environ | {"AIRFLOW_HOME": str(home)}
    with subprocess.Popen(arguments, env=environment, cwd=ROOT, stdout=subprocess.PIPE) as cluster:
        assert cluster.stdout is not None
        assert cluster.stdout.readline() == b"started\n"
        top = psutil.Process(cluster.pid)
        until(lambda: len(top.children(recursive=True)) == 2)
        started = top.children(recursive=True)
        cluster.send_signal(number)
        assert cluster.wait(60) == 128 + number
        until(lambda: all(gone(process) for process in started))
