"""Callbacks that say the same again in every field: 9bits delivers at least once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import literal_column, null, select, union_all

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.bulk import Change
from airflow_provider_ninebits.ledger.driver import Query
from airflow_provider_ninebits.ledger.list_parameters import among

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.callbacks import Arrival
    from airflow_provider_ninebits.ledger.driver import BoundStatement

_callback = schema.callback.c
_KNOWN = Query(
    union_all(
        select(_callback.identity, null()).where(among(_callback.identity, "identities")),
        select(null(), _callback.number).where(
            _callback.match_state == literal_column("'unmatched'"), among(_callback.number, "numbers")
        ),
    )
)


@dataclass(frozen=True)
class Sorted:
    """
    A group of callbacks beside what is stored.

    :param fresh: what is to be stored.
    :param again: how often each identity came again.
    :param counted: what is to be written of those that are stored already.
    :param waiting: those of the group's numbers of which unmatched callbacks are stored.
    """

    fresh: list[Arrival]
    again: Counter[str | None]
    counted: Change
    waiting: set[str]


def known_of(connection: Connection, arrivals: Sequence[Arrival]) -> BoundStatement:
    """Return what is asked: which callbacks of a group are stored, and of whose numbers some wait."""
    return _KNOWN.asked(
        connection,
        identities={arrival.identity for arrival in arrivals if arrival.identity is not None},
        numbers={arrival.number for arrival in arrivals if arrival.number is not None},
    )


def without_repeats(arrivals: Sequence[Arrival], known: Iterable[tuple[Any, ...]]) -> Sorted:
    """
    Leave out what is stored already, or stands in the group twice. Pure.

    :param known: the answer to :func:`known_of`, asked by a transaction that holds the locks of the arrivals: what is
        stored of their numbers stays.
    """
    stored, waiting = set(), set()
    for identity, number in known:
        if identity is not None:
            stored.add(identity)
        if number is not None:
            waiting.add(number)
    fresh: list[Arrival] = []
    seen, again = set(stored), Counter[str | None]()
    for arrival in arrivals:
        if arrival.identity is not None and arrival.identity in seen:
            again[arrival.identity] += 1
            continue
        seen.add(arrival.identity)
        fresh.append(arrival)
    repeated = [{"identity": name, "repeats": again[name]} for name in sorted(stored) if again[name]]
    counted = Change(schema.callback, repeated, key="identity", adding=("repeats",))
    return Sorted(fresh, again, counted, waiting)
