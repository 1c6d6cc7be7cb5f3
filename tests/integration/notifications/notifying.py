"""What the tests of the notifier play: contexts as Airflow makes them, servers that hang, and processes that die."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.notifications import ringing
from airflow_provider_ninebits.notifications.voice import NineBitsNotifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from airflow_provider_ninebits.simulator import RunningSimulator

MEDIA = "https://media.test/failed.mp3"
ADA = "2348020000001"
PATIENCE_SECONDS = 60


def notifier(to: Any = ADA, **arguments: Any) -> NineBitsNotifier:
    return NineBitsNotifier(**{"to": to, "media_url": MEDIA, **arguments})


def context(task_id: str = "load", run_id: str = "manual__1", dag_id: str = "etl") -> Any:
    """A task's, as far as notifiers look at it."""
    ti = SimpleNamespace(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=-1)
    return {"ti": ti, "run_id": run_id}


@contextmanager
def bounded(seconds: float = 20.0) -> Iterator[None]:
    """Less than what hangs would take, and far more than the bound that is asked for: a machine may be busy."""
    begun = time.monotonic()
    yield
    took = time.monotonic() - begun
    assert took < seconds, f"it took {took:.1f} s"


@contextmanager
def hanging_server() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        kept: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield int(server.getsockname()[1])
        for each in kept:
            each.close()


def requested(simulator: RunningSimulator, how_often: int) -> None:
    """Wait until so many sends have come to 9bits."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(simulator.requests()) < how_often:
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.05)


@contextmanager
def process(work: Callable[[Any, Connection], None], arguments: dict[str, Any]) -> Iterator[tuple[Any, Connection]]:
    """A process with the options of this one; none outlives the block."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ours, theirs = context.Pipe()
    options = {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW_")}
    started = context.Process(target=_with_options, args=(work, options, arguments, theirs), daemon=True)
    started.start()
    theirs.close()
    try:
        yield started, ours
    finally:
        started.kill()
        started.join()
        started.close()
        ours.close()


def _with_options(work: Callable[..., None], options: dict[str, str], arguments: Any, pipe: Connection) -> None:
    os.environ.update(options)
    work(arguments, pipe)


def notify(arguments: dict[str, Any], pipe: Connection) -> None:
    """Notify once."""
    notifier(**arguments)(context())
    pipe.send("done")


def notify_and_stop_before_it_is_noted(arguments: dict[str, Any], pipe: Connection) -> None:
    """Notify, and stop with the call accepted and the alert still claimed."""

    def stop(*_: Any, **__: Any) -> None:
        pipe.send("accepted")
        pipe.recv()

    ringing.alerts.note_rung = stop  # type: ignore[assignment]
    notifier(**arguments)(context())


def notify_many(arguments: dict[str, Any], pipe: Connection) -> None:
    """Notify from several threads at once, when told to."""
    pipe.send("ready")
    pipe.recv()
    threads = [
        threading.Thread(target=notifier(ADA), args=(context(f"task {place}"),))
        for place in range(arguments["threads"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send("done")
