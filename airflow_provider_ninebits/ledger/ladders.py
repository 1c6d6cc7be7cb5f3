"""
Ladders: contacts that are rung one after the other until somebody answers.

Each step of a ladder is a send with a key of its own, so what has rung, and when, is in the ledger already: who goes on
after a crash reads it there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.columns import known_moment
from airflow_provider_ninebits.ledger.counts import Asked
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.looks import looks
from airflow_provider_ninebits.ledger.sends import read_parts
from airflow_provider_ninebits.ledger.states import MessageState, RequestState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

_message, _request = schema.message.c, schema.request.c
_MAY_RING = (MessageState.ACCEPTED, MessageState.UNCERTAIN)
# A wait ends by another machine's clock: what is left by the ledger's is not worth another one.
_TOLERANCE = timedelta(seconds=1)


@dataclass(frozen=True)
class Rung:
    """
    A step of a ladder whose phones ring, or have rung; for all that is known, where no clear answer came.

    :param step: its place in the ladder, from 0, over all rounds.
    :param refs: what stands for its messages wherever a ``ref_id`` is taken.
    :param rang_at: when its last request began, on the ledger's clock.
    :param answered: how many of its recipients have answered.
    :param settled: whether nothing more is to be expected of it.
    """

    step: int
    refs: tuple[str, ...]
    rang_at: datetime
    answered: int
    settled: bool


class Climbed(NamedTuple):
    """How far a ladder is, and the time on the ledger's clock; ``rungs``: in their order."""

    rungs: tuple[Rung, ...]
    now: datetime

    @property
    def refs(self) -> list[str]:
        """What stands for all of its messages wherever a ``ref_id`` is taken."""
        return [ref for rung in self.rungs for ref in rung.refs]


class Move(StrEnum):
    """What is to be done with a ladder."""

    RING = "ring"
    WAIT = "wait"
    ANSWERED = "answered"


class Next(NamedTuple):
    """
    A move, and what it is about.

    :param step: which step is rung.
    :param until: until when is waited, at the latest.
    """

    move: Move
    step: int = -1
    until: datetime | None = None


class Tried(NamedTuple):
    """
    A step whose send was begun.

    :param numbers: whom it rings; None: they were purged.
    :param may_have_rung: whether 9bits may have placed any of its calls.
    """

    numbers: tuple[str, ...] | None
    may_have_rung: bool


def next_move(climbed: Climbed, *, ring_for: timedelta, passed: int = -1) -> Next:
    """
    Return what comes next on a ladder that has somebody left to ring, see :func:`still_to_ring`. Pure.

    Whoever was rung before counts whenever they answer. The next one is rung as soon as nothing more is to be expected
    of the last one, or when ``ring_for`` is over since they were rung.

    :param passed: the last step that cannot be rung, as 9bits has refused it; -1: none.
    """
    if any(rung.answered for rung in climbed.rungs):
        return Next(Move.ANSWERED)
    last = climbed.rungs[-1] if climbed.rungs else None
    if last is not None and last.step > passed and not last.settled:
        until = last.rang_at + ring_for
        if climbed.now < until - min(_TOLERANCE, ring_for / 2):
            return Next(Move.WAIT, until=until)
    return Next(Move.RING, 1 + max(passed, -1 if last is None else last.step))


def still_to_ring(
    contacts: Sequence[tuple[str, ...]], rounds: int, tried: Iterable[Tried | None]
) -> list[tuple[str, ...]]:
    """
    Return who is still to be rung, in this order. Pure.

    The list as it is now says who is rung how often. Who was rung before takes their own places in it, from the first
    round on; who is in it no more takes none, so they shorten it for nobody.

    :param contacts: as they are now.
    :param tried: the steps that are over; None: one that was never begun.
    """
    begun = [each for each in tried if each is not None]
    rung = Counter(frozenset(each.numbers) for each in begun if each.numbers is not None)
    unknown = sum(each.numbers is None for each in begun)
    left = []
    for contact in [*contacts] * rounds:
        if rung[frozenset(contact)]:
            rung[frozenset(contact)] -= 1
        elif unknown:
            unknown -= 1
        else:
            left.append(contact)
    return left


def read_climbed(database: Database, keys: Sequence[str], *, attempt_window: timedelta) -> Climbed:
    """
    Return what of a ladder has rung.

    :param keys: the idempotency keys of all steps that it may have, in their order.
    :param attempt_window: how long an unanswered recipient may still be tried again, from its last callback.
    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        found = [_rung(connection, step, send_id, attempt_window) for step, send_id in _sends(connection, keys).items()]
        return Climbed(tuple(rung for rung in found if rung is not None), ledger_now(connection))


def read_tried(database: Database, keys: Sequence[str]) -> list[Tried | None]:
    """
    Return whom each of some steps rings; None: it was not begun.

    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        sends = _sends(connection, keys)
        return [_tried(connection, sends[step]) if step in sends else None for step in range(len(keys))]


def _sends(connection: Connection, keys: Sequence[str]) -> dict[int, str]:
    """Return the send of each step that has one, in their order."""
    send = schema.send.c
    rows = connection.execute(select(send.idempotency_key, send.id).where(send.idempotency_key.in_(keys))).all()
    return dict(sorted((keys.index(row.idempotency_key), row.id) for row in rows))


def _tried(connection: Connection, send_id: str) -> Tried:
    parts = read_parts(connection, send_id)
    recipient = schema.recipient.c
    numbers = connection.execute(
        select(recipient.number)
        .where(recipient.message_id.in_([part.message_id for part in parts]))
        .order_by(recipient.id)
    ).scalars()
    known = tuple(numbers)
    return Tried(
        known if known and all(number.isdigit() for number in known) else None,
        any(part.state in (MessageState.SENDING, *_MAY_RING) for part in parts),
    )


def _rung(connection: Connection, step: int, send_id: str, attempt_window: timedelta) -> Rung | None:
    parts = read_parts(connection, send_id)
    if not parts or any(part.state not in _MAY_RING for part in parts):
        # Not begun, or not to its end: who rings it goes on with it.
        return None
    rang_at = connection.execute(
        select(func.max(_request.started_at))
        .join(schema.message, _message.id == _request.message_id)
        .where(_message.send_id == send_id, _request.state != RequestState.REFUSED)
    ).scalar_one()
    refs = tuple(part.ref for part in parts)
    [look] = looks(connection, [Asked(refs, attempt_window)])
    return Rung(step, refs, known_moment(rang_at), look.progress.answered, look.progress.settled(look.now))
