"""The triggerers, in which deferred tasks wait: what Airflow's own database says of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection

_OURS = "airflow_provider_ninebits.%"
_CONNECT_SECONDS = 10

UNSEEN = FindingKind(
    "airflow_database_unseen",
    "triggerers",
    "Airflow's own database cannot be looked into from here: {reason}.",
    "Whether triggerers run, and have room for all waits, is not known.",
    "Run `ninebits check` where it can be reached, on the machine of the API server, say. Else keep [triggerer] "
    "capacity above the most waits that are open at a time.",
    Level.NOTE,
)
NONE_WAITED_FOR = FindingKind(
    "triggerer_missing",
    "triggerers",
    "No triggerer is up. Deferred waits of this package: {waits}.",
    "They are woken by nothing, and end by their time-outs.",
    "Start one: `airflow triggerer`.",
)
NONE = FindingKind(
    "triggerer_none",
    "triggerers",
    "No triggerer is up. Nothing waits in one now.",
    "Deferrable waits, calling hours and escalation need one.",
    "Start one before you use these: `airflow triggerer`.",
    Level.NOTE,
)
FULL = FindingKind(
    "triggerer_full",
    "triggerers",
    "{triggers} triggers, {waits} of them waits of this package, are more than the {triggerers} triggerers that are up "
    "take ({room}, by [triggerer] capacity = {capacity} here).",
    "Those beyond stay in the queue, and a wait in the queue is woken by nothing.",
    "Raise [triggerer] capacity where triggerers run (AIRFLOW__TRIGGERER__CAPACITY), or run more of them.",
)
NEARLY_FULL = FindingKind(
    "triggerer_nearly_full",
    "triggerers",
    "{triggers} triggers, {waits} of them waits of this package, are more than half of what the {triggerers} "
    "triggerers that are up take ({room}, by [triggerer] capacity = {capacity} here).",
    "When one of them dies the others may not have room for all.",
    "Raise [triggerer] capacity where triggerers run (AIRFLOW__TRIGGERER__CAPACITY), or run more of them.",
    Level.NOTE,
)
KINDS = (UNSEEN, NONE_WAITED_FOR, NONE, FULL, NEARLY_FULL)


@dataclass(frozen=True)
class TriggerersSeen:
    """
    What Airflow's database says.

    :param unseen: why it could not be asked; None: it was.
    :param up: how many triggerers are.
    :param triggers: of all DAGs.
    :param waits: those of this package among them.
    """

    unseen: str | None = None
    up: int = 0
    capacity: int = 1000
    triggers: int = 0
    waits: int = 0


def look() -> TriggerersSeen:
    """Ask Airflow's own database, and change nothing there."""
    from airflow.configuration import conf
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    try:
        url = make_url(conf.get("database", "sql_alchemy_conn"))
        if why := why_database_unseen(url):
            return TriggerersSeen(unseen=why)
        arguments = {"connect_timeout": _CONNECT_SECONDS} if url.get_backend_name() == "postgresql" else {}
        engine = create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
        with engine.connect() as connection:
            return _counted(connection, conf)
    except Exception as error:  # another's database, driver and schema: whatever it is, it cannot be looked at
        # Not its text, which may hold the URL.
        return TriggerersSeen(unseen=type(error).__name__)


def judge(seen: TriggerersSeen) -> list[Finding]:
    """Return what is to be said of the triggerers."""
    if seen.unseen is not None:
        return [UNSEEN.found(reason=seen.unseen)]
    if not seen.up:
        return [NONE_WAITED_FOR.found(waits=seen.waits) if seen.waits else NONE.found()]
    room = seen.up * seen.capacity
    numbers = {"triggers": seen.triggers, "waits": seen.waits, "triggerers": seen.up, "room": room}
    if seen.triggers > room:
        return [FULL.found(**numbers, capacity=seen.capacity)]
    if 2 * seen.triggers > room:
        return [NEARLY_FULL.found(**numbers, capacity=seen.capacity)]
    return []


def why_database_unseen(url: URL) -> str | None:
    """Return why Airflow's database is not to be connected to; None: nothing stands in the way."""
    backend, database = url.get_backend_name(), url.database
    if "not-allowed" in backend or "not.allowed" in backend:
        return "this is a task, which Airflow does not let in"
    # To connect would make the file.
    if backend == "sqlite" and not (database and Path(database).is_file()):
        return "there is no such file here"
    return None


def _counted(connection: Connection, conf: Any) -> TriggerersSeen:
    from airflow.jobs.job import Job
    from airflow.models.trigger import Trigger
    from sqlalchemy import func, select

    job, trigger = Job.__table__.c, Trigger.__table__.c
    alive = datetime.now(UTC) - timedelta(seconds=conf.getfloat("triggerer", "triggerer_health_check_threshold"))
    count = select(func.count())
    triggers = count.select_from(Trigger.__table__)
    return TriggerersSeen(
        up=connection.execute(
            count.select_from(Job.__table__).where(
                job.job_type == "TriggererJob", job.state == "running", job.latest_heartbeat >= alive
            )
        ).scalar_one(),
        capacity=conf.getint("triggerer", "capacity"),
        triggers=connection.execute(triggers).scalar_one(),
        waits=connection.execute(triggers.where(trigger.classpath.like(_OURS))).scalar_one(),
    )
