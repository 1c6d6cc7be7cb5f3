"""The processor's time, of processes and of the whole machine, in seconds since they began."""

from __future__ import annotations

from pathlib import Path

import psutil


def of_process(pid: int, *, with_children: bool = False) -> float:
    """
    Return the time of a process.

    :param with_children: those that it has now, and those that it had: a server's backends come and go.
    """
    process = psutil.Process(pid)
    own = process.cpu_times()
    seconds = own.user + own.system
    if with_children:
        seconds += own.children_user + own.children_system
        seconds += sum(of_process(child.pid, with_children=False) for child in process.children(recursive=True))
    return float(seconds)


def of_machine() -> dict[str, float]:
    """Return where the time of all cores has gone."""
    times = psutil.cpu_times()
    idle = times.idle + times.iowait
    interrupts = times.irq + times.softirq
    used = times.user + times.nice + times.system
    return {"used": used, "idle": idle, "interrupts": interrupts, "stolen": times.steal}


def postmaster_of(url: str) -> int | None:
    """Return the process that all of a PostgreSQL server's are children of; None: the ledger is no server's."""
    from sqlalchemy import create_engine, text

    if url.startswith("sqlite"):
        return None
    engine = create_engine(url)
    with engine.connect() as connection:
        folder = connection.execute(text("SELECT current_setting('data_directory')")).scalar_one()
    engine.dispose()
    return int((Path(folder) / "postmaster.pid").read_text().splitlines()[0])
