"""Callbacks that say the same again in every field: 9bits delivers at least once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.lists import among

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.callbacks import Arrival

_callback = schema.callback.c
_STORED = select(_callback.identity).where(among(_callback.identity, "identities"))
_COUNT = (
    update(schema.callback)
    .where(_callback.identity == bindparam("which"))
    .values(repeats=_callback.repeats + bindparam("times"))
)


def without_repeats(connection: Connection, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], Counter[str | None]]:
    """
    Leave out what is stored already, or stands in the group twice, and count it where it is stored.

    :param connection: a write transaction that holds the locks of the arrivals.
    :return: what is to be stored, and how often each identity came again.
    """
    identities = {arrival.identity for arrival in arrivals if arrival.identity is not None}
    stored = set(connection.execute(_STORED, {"identities": identities}).scalars() if identities else ())
    fresh: list[Arrival] = []
    seen, again = set(stored), Counter[str | None]()
    for arrival in arrivals:
        if arrival.identity is not None and arrival.identity in seen:
            again[arrival.identity] += 1
            continue
        seen.add(arrival.identity)
        fresh.append(arrival)
    if repeated := [{"which": name, "times": again[name]} for name in stored if again[name]]:
        connection.execute(_COUNT, repeated)
    return fresh, again
