"""Callbacks that settled nobody, or may have settled the wrong one, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select, tuple_

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callback_table import is_dead_letter
from airflow_provider_ninebits.ledger.dead_letters import Fate, KeptCallback, kept_callback, kept_callbacks
from airflow_provider_ninebits.ledger.list_parameters import among

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

COUNTED = 5_000
"""Of how many of the newest their fates are counted."""
LOOKED_AT = 20_000
"""How many callbacks one page looks at, at most, where only some of them are asked for."""

_callback = schema.callback.c
_NEWEST_FIRST = (_callback.received_at.desc(), _callback.id.desc())


class CallbackKey(NamedTuple):
    """The place of a callback in the list: pages begin after one."""

    received_at: datetime
    callback_id: int


@dataclass(frozen=True)
class CallbackPage:
    """
    A page of callbacks, newest first.

    :param after: where the next one begins; None: there is none.
    :param cut_short: whether it ended because it had looked at :data:`LOOKED_AT`, and not because it was full.
    """

    callbacks: tuple[KeptCallback, ...]
    after: CallbackKey | None
    cut_short: bool = False


def browse_dead_letters(
    connection: Connection,
    *,
    fate: Fate | None = None,
    conn_paths: Iterable[str] | None = None,
    deployment: str | None = None,
    after: CallbackKey | None = None,
    limit: int = 50,
) -> CallbackPage:
    """
    Return a page of the callbacks that a person may want to look at.

    :param fate: only those of this one; None: of all of them.
    :param conn_paths: only those that came over the paths of these connections; None: over any, the account's one path
        included.
    :param deployment: not those that found a recipient or a request of another Airflow's; None: whosever they are.
    :param after: the key that the page before gave; None: from the newest on.
    """
    looked_at = select(_callback.id).where(is_dead_letter).order_by(*_NEWEST_FIRST)
    if after is not None:
        looked_at = looked_at.where(tuple_(_callback.received_at, _callback.id) < tuple_(*after))
    near = looked_at.limit(LOOKED_AT).subquery("near")
    statement = kept_callbacks(near).order_by(*_NEWEST_FIRST).limit(limit + 1)
    given = {}
    if fate is not None:
        statement = statement.where(_callback.ambiguous if fate is Fate.AMBIGUOUS else _callback.match_state == fate)
    if conn_paths is not None:
        statement = statement.where(among(_callback.conn_path, "conn_paths"))
        given = {"conn_paths": list(conn_paths)}
    if deployment is not None:
        statement = statement.where(_nobody_elses(deployment))
    rows = connection.execute(statement, given).all()
    callbacks = tuple(kept_callback(row) for row in rows[:limit])
    if len(rows) > limit:
        last = callbacks[-1].summary
        return CallbackPage(callbacks, CallbackKey(last.received_at, last.callback_id))
    place = looked_at.add_columns(_callback.received_at).offset(LOOKED_AT - 1).limit(1)
    end = connection.execute(place).one_or_none()
    return CallbackPage(callbacks, None if end is None else CallbackKey(end.received_at, end.id), end is not None)


def _nobody_elses(deployment: str) -> ColumnElement[bool]:
    send, recipient, request, message = schema.send, schema.recipient, schema.request, schema.message
    rang = (
        select(send.c.deployment)
        .join_from(recipient, send, send.c.id == recipient.c.send_id)
        .where(recipient.c.id == _callback.recipient_id)
    )
    asked = (
        select(send.c.deployment)
        .join_from(request, message, message.c.id == request.c.message_id)
        .join(send, send.c.id == message.c.send_id)
        .where(request.c.id == _callback.request_id)
    )
    whose = [each.correlate(schema.callback).scalar_subquery() for each in (rang, asked)]
    return func.coalesce(*whose, deployment) == deployment


def count_dead_letters(
    connection: Connection, *, conn_paths: Iterable[str] | None = None, deployment: str | None = None
) -> dict[Fate, int]:
    """
    Return how many of the newest :data:`COUNTED` there are of each fate; an ambiguous one may count as two.

    :param conn_paths: as in :func:`browse_dead_letters`, like ``deployment``.
    """
    statement = select(_callback.match_state, _callback.ambiguous).where(is_dead_letter)
    given = {}
    if conn_paths is not None:
        statement = statement.where(among(_callback.conn_path, "conn_paths"))
        given = {"conn_paths": list(conn_paths)}
    if deployment is not None:
        statement = statement.where(_nobody_elses(deployment))
    newest = statement.order_by(*_NEWEST_FIRST).limit(COUNTED)
    counts = dict.fromkeys(Fate, 0)
    for match_state, ambiguous in connection.execute(newest, given):
        if match_state in set(Fate):
            counts[Fate(match_state)] += 1
        if ambiguous:
            counts[Fate.AMBIGUOUS] += 1
    return counts


def conn_paths_of(connection: Connection) -> set[str]:
    """Return over which connections' paths the newest :data:`COUNTED` of them came."""
    newest = select(_callback.conn_path).where(is_dead_letter).order_by(*_NEWEST_FIRST)
    among_newest = newest.limit(COUNTED).subquery("newest")
    return {each for each in connection.execute(select(among_newest.c.conn_path).distinct()).scalars() if each}
