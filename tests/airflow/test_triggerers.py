"""Two triggerers beside each other, and one that is killed in the middle of a wait."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from local_airflow import end_group

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(400)]

PATIENCE_SECONDS = 60.0


def triggerer_of(stage: Stage) -> list[psutil.Process]:
    """The processes of Airflow's own triggerer."""
    components = psutil.Process(stage.airflow.process.pid).children()
    [triggerer] = [each for each in components if "triggerer" in each.cmdline()]
    return [triggerer, *triggerer.children(recursive=True)]


def processes_of(triggerer: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes of another triggerer."""
    return [*psutil.Process(triggerer.pid).children(recursive=True), psutil.Process(triggerer.pid)]


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)


@contextmanager
def stopped(stage: Stage, processes: list[psutil.Process]) -> Iterator[None]:
    """Let processes sleep, so that others do what they would have done."""
    databases = [stage.airflow.home / name for name in ("airflow.db", "ninebits.db")]
    try:
        suspend_outside_transactions(processes, databases)
        yield
    finally:
        resume(processes)


def suspend_outside_transactions(processes: list[psutil.Process], databases: list[Path]) -> None:
    """Let processes sleep while they write in none of some SQLite databases: nobody else could, and Airflow dies."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        for process in processes:
            process.suspend()
        if all(can_be_written(database) for database in databases):
            return
        resume(processes)
        if time.monotonic() > deadline:
            raise TimeoutError(f"whenever the processes sleep, one of {databases} is locked")
        time.sleep(0.1)


def resume(processes: list[psutil.Process]) -> None:
    for process in processes:
        # Unless it was killed meanwhile.
        with suppress(psutil.NoSuchProcess):
            process.resume()


def can_be_written(database: Path) -> bool:
    # Whoever is awake is done with writing long before this ends, and Airflow waits for five seconds.
    connection = sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=2.0, isolation_level=None)
    with closing(connection):
        try:
            connection.execute("begin exclusive")
        except sqlite3.OperationalError:
            return False
        connection.execute("rollback")
        return True


@contextmanager
def another_triggerer(stage: Stage, capacity: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """A triggerer beside Airflow's own, which takes one trigger at a time, or some more."""
    command = [stage.python, "-m", "airflow", "triggerer", "--skip-serve-logs", "--capacity", str(capacity)]
    with (stage.airflow.home / "triggerer.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env=stage.airflow.environment,
            cwd=stage.airflow.home,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end_group(process)


def waiting(stage: Stage, number: str) -> str:
    """Return a run that waits for a call to a number, once it is deferred and some triggerer has taken it."""
    ring_id, _ = stage.run("ring", to=[number])
    run_id = stage.airflow.trigger("wait", {"ref_id": stage.airflow.xcom("ring", ring_id, "ring")})
    stage.airflow.wait_for_task("wait", run_id, "wait", {"deferred"})
    while triggerer_job(stage, run_id) is None:
        stage.airflow.check_alive()
        time.sleep(0.2)
    return run_id


def triggerer_job(stage: Stage, run_id: str) -> Any:
    job = stage.task_instance("wait", run_id, "wait")["triggerer_job"]
    return None if job is None else job["id"]


def test_two_triggerers_wait_beside_each_other_and_one_takes_over_from_the_other(stage: Stage) -> None:
    # Its wait would be taken from the triggerer that is put to sleep here.
    stage.airflow.wait_for_run("waits_for_unknown", stage.unknown_waits)
    first, second, third = stage.holding(3)
    with another_triggerer(stage) as other:
        with stopped(stage, triggerer_of(stage)):
            ours = waiting(stage, first)
        # The other one is full.
        theirs = waiting(stage, second)
        assert triggerer_job(stage, ours) != triggerer_job(stage, theirs)
        for number, run_id in ((first, ours), (second, theirs)):
            stage.deliver(number)
            assert stage.airflow.wait_for_run("wait", run_id) == "success"
            assert stage.task_instance("wait", run_id, "wait")["try_number"] == 1

        with stopped(stage, triggerer_of(stage)):
            orphaned = waiting(stage, third)
        job = triggerer_job(stage, orphaned)
        kill(processes_of(other))
        other.wait()
        # Nobody watches when this comes.
        stage.deliver(third)
        assert triggerer_job(stage, orphaned) == job
        assert stage.airflow.wait_for_run("wait", orphaned) == "success"
        outcome = stage.airflow.xcom("wait", orphaned, "wait")
        assert (outcome["answered"], outcome["pending"]) == (1, 0)
        assert stage.task_instance("wait", orphaned, "wait")["try_number"] == 1
    assert stage.rung([first, second, third]) == [1, 1, 1]
