"""
Idempotency keys, and which generation of a task is at work. Pure.

9bits has no idempotency key; the ledger's is unique, so that whoever comes with it again finds what was sent before.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class TaskPlace:
    """The place of a task in its DAG run: what stays the same when it is retried or cleared."""

    deployment: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int


@dataclass(frozen=True)
class Attempt:
    """One attempt at a task, as Airflow counts them."""

    task_instance_id: str
    try_number: int
    max_tries: int


@dataclass(frozen=True)
class Sighting:
    """The attempt that the ledger saw last at a place, its generation, and whether its work had ended."""

    attempt: Attempt
    generation: int
    finished: bool


def generation_of(attempt: Attempt, last: Sighting | None) -> int:
    """
    Return the generation that an attempt belongs to: the same one goes on where it stopped, a new one rings again.

    First rule that fits:

    1. the same task instance id: the same attempt, back again;
    2. a try number that is not higher: the run was deleted and made anew (or ``dag.test()``): a new generation; unless
       the attempt is an outdated one, which belongs to the generation of the one that came after it;
    3. the same ``max_tries``: a retry, which goes on whatever the mark says, since a worker may die between the mark
       and Airflow's knowing;
    4. another ``max_tries``: somebody cleared the task. Unfinished work goes on (people fix a key, resolve a message,
       and clear); finished work is done again, on purpose.
    """
    if last is None:
        return 0
    if attempt.task_instance_id == last.attempt.task_instance_id:
        return last.generation
    if attempt.try_number <= last.attempt.try_number:
        return last.generation if is_outdated(attempt, last) else last.generation + 1
    if attempt.max_tries == last.attempt.max_tries:
        return last.generation
    return last.generation + 1 if last.finished else last.generation


def is_outdated(attempt: Attempt, last: Sighting | None) -> bool:
    """
    Return whether an attempt was made before the one that was seen last: a process that slept while it was replaced.

    Airflow's ids of task instances are UUIDs of version 7, which begin with the time in milliseconds.
    """
    if last is None or attempt.try_number > last.attempt.try_number:
        return False
    made_at, last_made_at = _made_at_ms(attempt.task_instance_id), _made_at_ms(last.attempt.task_instance_id)
    return made_at is not None and last_made_at is not None and made_at < last_made_at


def _made_at_ms(task_instance_id: str) -> int | None:
    try:
        parsed = UUID(task_instance_id)
    except ValueError:
        return None
    return parsed.int >> 80 if parsed.version == 7 else None


def place_key(place: TaskPlace) -> str:
    """Return the key under which the ledger keeps what it last saw at this place."""
    return _digest([place.deployment, place.dag_id, place.run_id, place.task_id, place.map_index])


def task_key(place: TaskPlace, generation: int, step: int = 0) -> str:
    """
    Return the idempotency key of a task's send.

    :param step: which of several sends of one task this is.
    """
    return _digest([place.deployment, place.dag_id, place.run_id, place.task_id, place.map_index, generation, step])


def user_key(deployment: str, idempotency_key: str) -> str:
    """Return the key for one that a user of the hook chose; it can never meet a task's, nor another deployment's."""
    return _digest(["user", deployment, idempotency_key])


def alert_key(deployment: str, *what: str) -> str:
    """Return the key under which the ledger keeps the alerts that are about the same."""
    return _digest(["alert", deployment, *what])


def ring_key(key: str, ring_id: str) -> str:
    """Return the idempotency key of one ring for an alert: whoever takes it over comes with the same."""
    return _digest(["ring", key, ring_id])


def _digest(parts: list[object]) -> str:
    # JSON keeps the borders between parts: with a plain separator "a/b" + "c" and "a" + "b/c" would be one key.
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode("ascii")).hexdigest()
