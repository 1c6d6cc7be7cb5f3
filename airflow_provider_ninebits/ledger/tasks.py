"""The generation of an Airflow task's sends: which attempt the ledger saw last, and whether its work had ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.keys import Attempt, Sighting, TaskPlace, generation_of, is_outdated, place_key

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database


def begin_attempt(database: Database, place: TaskPlace, attempt: Attempt) -> int:
    """
    Note that an attempt at a task begins, and return the generation that it belongs to.

    Once per attempt: a task that comes back from a deferral keeps what it was told.

    :raises LedgerUnreachable: when it cannot be noted; nothing was sent then.
    """
    try:
        return _begin(database, place, attempt)
    except IntegrityError:
        # Two processes of one task came first at once; the other's row is there now.
        return _begin(database, place, attempt)


def finish(database: Database, place: TaskPlace, generation: int) -> None:
    """Mark a generation's work as ended: when the task is cleared after this, it rings again, on purpose."""
    task = schema.task.c
    with database.writing() as connection:
        connection.execute(
            update(schema.task)
            .where(task.place_key == place_key(place), task.generation == generation)
            .values(finished=True)
        )


def _begin(database: Database, place: TaskPlace, attempt: Attempt) -> int:
    task = schema.task.c
    key = place_key(place)
    with database.writing() as connection:
        row = connection.execute(select(schema.task).where(task.place_key == key).with_for_update()).one_or_none()
        last = None
        if row is not None:
            seen = Attempt(row.task_instance_id, row.try_number, row.max_tries)
            last = Sighting(seen, row.generation, row.finished)
        generation = generation_of(attempt, last)
        if is_outdated(attempt, last):
            # Its place is its successor's, whose retries go by what stands there.
            return generation
        values = {
            "generation": generation,
            "task_instance_id": attempt.task_instance_id,
            "try_number": attempt.try_number,
            "max_tries": attempt.max_tries,
            "finished": last is not None and last.finished and last.generation == generation,
            "seen_at": ledger_now(connection),
        }
        if last is None:
            connection.execute(insert(schema.task).values(place_key=key, **values))
        else:
            connection.execute(update(schema.task).where(task.place_key == key).values(**values))
    return generation
