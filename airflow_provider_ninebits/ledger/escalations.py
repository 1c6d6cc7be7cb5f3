"""Ladders that alerts have begun: an alert writes one, and a DAG takes it and rings on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

WATCH_SECONDS = 10.0
"""How often the watcher of a deployment's ladders says that it is there."""
WATCHED_WITHIN = timedelta(seconds=6 * WATCH_SECONDS)
"""Unseen for longer, it is not."""
TAKEN_WITHIN = timedelta(minutes=5)
"""A ladder that nobody takes for longer: its DAG is there, and paused, or does not come to run."""
LADDER_ENDS_WITHIN = timedelta(days=1)
"""A ladder that is younger may be rung still."""
_MOST = 1000

_escalation, _watch = schema.escalation.c, schema.escalation_watch.c


@dataclass(frozen=True)
class Escalation:
    """
    A ladder, whose first contact the alert itself rings.

    :param id: of the alert's ring.
    :param first_key: the idempotency key of the first contact's send.
    :param contacts: in their order, each the numbers that are rung at once.
    :param media_url: whole, its signature included.
    """

    id: str
    first_key: str
    deployment: str
    dedup_key: str
    dag_id: str | None
    run_id: str | None
    task_id: str | None
    conn_id: str
    media_url: str
    from_number: str | None
    contacts: Sequence[Sequence[str]]


def write(database: Database, escalation: Escalation) -> None:
    """
    Write a ladder down, once for each ring.

    :raises LedgerUnreachable: when it cannot be written.
    """
    values = vars(escalation) | {"contacts": json.dumps(escalation.contacts)}
    try:
        with database.writing() as connection:
            connection.execute(insert(schema.escalation).values(created_at=ledger_now(connection), **values))
    except IntegrityError:
        # Written by whoever began this ring, which has been taken over.
        return


def read(database: Database, escalation_id: str) -> Escalation | None:
    """
    Return a ladder; None: there is none of this id, or it was purged.

    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        row = connection.execute(select(schema.escalation).where(_escalation.id == escalation_id)).one_or_none()
    if row is None:
        return None
    values = {name: getattr(row, name) for name in Escalation.__dataclass_fields__}
    return Escalation(**values | {"contacts": json.loads(row.contacts)})


def waiting(database: Database, deployment: str, *, within: timedelta) -> list[str]:
    """
    Return the ids of the ladders that nobody has taken, the oldest first.

    :param within: older ones are left: whoever is rung about them would wonder.
    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        return list(
            connection.execute(
                select(_escalation.id)
                .where(
                    _escalation.created_at >= ledger_now(connection) - within,
                    _escalation.deployment == deployment,
                    _escalation.taken_by.is_(None),
                )
                .order_by(_escalation.created_at)
                .limit(_MOST)
            ).scalars()
        )


def take(database: Database, escalation_ids: Collection[str], run: str) -> list[str]:
    """
    Take ladders for a run, and return those that are its own: what it has taken before, too.

    :param run: names the DAG and its run.
    :raises LedgerUnreachable: when the ledger cannot be written.
    """
    ours = or_(_escalation.taken_by.is_(None), _escalation.taken_by == run)
    with database.writing() as connection:
        taken = [
            escalation_id
            for escalation_id in dict.fromkeys(escalation_ids)
            if connection.execute(
                update(schema.escalation).where(_escalation.id == escalation_id, ours).values(taken_by=run)
            ).rowcount
        ]
    return taken


def note_watch(database: Database, deployment: str) -> None:
    """
    Note that somebody looks for this deployment's ladders.

    :raises LedgerUnreachable: when it cannot be noted.
    """
    with database.writing() as connection:
        now = ledger_now(connection)
        # Two triggerers may be the first at the same time.
        note = (sqlite if database.is_sqlite else postgresql).insert(schema.escalation_watch)
        note = note.values(deployment=deployment, seen_at=now)
        connection.execute(note.on_conflict_do_update(index_elements=[_watch.deployment], set_={"seen_at": now}))


def is_followed(database: Database, deployment: str) -> bool:
    """
    Return whether a ladder that is written now is going to be rung on: its DAG looks for it, and takes what it finds.

    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        now = ledger_now(connection)
        seen_at = connection.execute(select(_watch.seen_at).where(_watch.deployment == deployment)).scalar_one_or_none()
        return seen_at is not None and now - seen_at <= WATCHED_WITHIN and not _some_left(connection, deployment, now)


def _some_left(connection: Connection, deployment: str, now: datetime) -> bool:
    left = select(_escalation.id).where(
        _escalation.created_at.between(now - timedelta(hours=1), now - TAKEN_WITHIN),
        _escalation.deployment == deployment,
        _escalation.taken_by.is_(None),
    )
    return connection.execute(left.limit(1)).first() is not None
