"""
What the ledger is asked for each group of callbacks: which recipients, messages and requests they may be of.

A number may have been rung for years, and thousands of messages may have begun in time: whichever way these are joined,
a plan for the average is a bad one for somebody. So it is said which way: by one index from numbers to messages that
were planned lately, or are known to have been requested later; of these to those that were requested in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Interval,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
)

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.columns import UtcDateTime
from airflow_provider_ninebits.ledger.driver import Query
from airflow_provider_ninebits.ledger.ids import lowest_id, lowest_id_at
from airflow_provider_ninebits.ledger.list_parameters import among, each_of
from airflow_provider_ninebits.ledger.states import RequestState

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from datetime import datetime, timedelta

    from sqlalchemy import CTE, ColumnElement, Select
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.driver import BoundStatement

_recipient, _message, _request = schema.recipient.c, schema.message.c, schema.request.c
_begun = schema.request.alias("begun")
REQUEST = (
    _request.id,
    _request.message_id,
    _request.conn_id,
    _request.state,
    _request.ref_id,
    _request.started_at,
    _request.known_by,
)
_RECIPIENT = (
    _recipient.id,
    _recipient.number,
    _recipient.state,
    _recipient.attempts,
    _recipient.started_at,
    _recipient.answered_at,
    _recipient.ended_at,
    _recipient.total_duration,
    _recipient.call_duration,
    _recipient.total_amount,
    _recipient.last_callback_at,
)
# As in the index: with an equality, as SQLAlchemy writes it, SQLite would not use it.
_LATE = text("begun.late")
_SINCE = bindparam("since", type_=UtcDateTime())
_LOWEST = bindparam("lowest", type_=Text())
_SERVERS_SINCE = func.least(_SINCE, func.now() - cast(bindparam("span", type_=Text()), Interval()))
REQUESTS = Query(
    select(*REQUEST)
    .where(or_(among(_request.message_id, "message_ids"), among(_request.ref_id, "ref_ids")))
    .order_by(_request.id)
)


def _rung_on_sqlite(lowest: ColumnElement[str]) -> tuple[Select[Any], ColumnElement[bool]]:
    """Return what was sent to the numbers, and the condition that it was planned lately."""
    of_numbers = select(_recipient.message_id, *_RECIPIENT).where(among(_recipient.number, "numbers"))
    return of_numbers, _recipient.message_id >= lowest


def _rung_on_postgresql(lowest: ColumnElement[str]) -> tuple[Select[Any], ColumnElement[bool]]:
    """Do the same; as a pair with the number, so that only the index over both can be used."""
    # PostgreSQL takes what came since it was analyzed for next to nothing: along the index of messages it read all
    # recipients of these days, rather than look for some numbers.
    listed = each_of("numbers")
    of_numbers = select(_recipient.message_id, *_RECIPIENT).join(listed, _recipient.number == listed.c.value)
    return of_numbers, tuple_(_recipient.number, _recipient.message_id) >= tuple_(listed.c.value, lowest)


def _held(
    since: ColumnElement[datetime],
    lowest: ColumnElement[str],
    rung_by: Callable[[ColumnElement[str]], tuple[Select[Any], ColumnElement[bool]]],
) -> Select[Any]:
    requested_later = union_all(
        *(
            select(_begun.c.message_id).where(condition, _begun.c.message_id < lowest)
            for condition in (among(_begun.c.ref_id, "ref_ids"), and_(_LATE, _begun.c.started_at >= since))
        )
    )
    older = _by_itself("older", requested_later)
    of_numbers, planned_lately = rung_by(lowest)
    # Mostly there are none, and then a number's past is not looked at. `IS TRUE` keeps PostgreSQL from joining them:
    # there may be thousands, and it is a look into a hash of them for each message that a number was in.
    of_older = of_numbers.where(
        exists(select(older.c.message_id)),
        _recipient.message_id < lowest,
        _recipient.message_id.in_(select(older.c.message_id)).is_(true()),
    )
    rung = _by_itself("rung", union_all(of_numbers.where(planned_lately), of_older))
    begun_in_time = (
        select(_begun.c.id)
        .where(
            _begun.c.message_id == rung.c.message_id,
            _begun.c.state != RequestState.REFUSED,
            or_(_begun.c.started_at >= since, among(_begun.c.ref_id, "ref_ids")),
        )
        # Keeps PostgreSQL from comparing each of them with all messages that began in time.
        .offset(0)
        .exists()
    )
    recipient = [rung.c[column.name] for column in _RECIPIENT]
    return (
        select(*REQUEST, _message.state, _message.lease_expires_at, *recipient, _message.last_callback_at.is_not(None))
        .select_from(rung)
        .join(schema.message, _message.id == rung.c.message_id)
        .join(schema.request, _request.message_id == rung.c.message_id)
        .where(begun_in_time)
        # Messages are locked in this order.
        .order_by(_message.id, _request.id)
    )


def _by_itself(name: str, statement: Any) -> CTE:
    """Return a part of a statement that PostgreSQL plans by itself, instead of merging it into the rest."""
    part: CTE = statement.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")
    return part


_BY_DATABASE = {
    "postgresql": _held(_SINCE, _LOWEST, _rung_on_postgresql),
    "sqlite": _held(_SINCE, _LOWEST, _rung_on_sqlite),
}
_ENTRIES = {kind: Query(held) for kind, held in _BY_DATABASE.items()}
_LOCKED_ENTRIES = {kind: Query(held.with_for_update(of=schema.message)) for kind, held in _BY_DATABASE.items()}
_LOCKED_BY_SERVERS_CLOCK = Query(
    # Selected, so that it is reckoned once, and not for each number.
    _held(_SERVERS_SINCE, select(lowest_id_at(_SERVERS_SINCE)).scalar_subquery(), _rung_on_postgresql).with_for_update(
        of=schema.message
    )
)


def rows_held(
    connection: Connection, numbers: AbstractSet[str], ref_ids: AbstractSet[str], since: datetime, *, locking: bool
) -> list[tuple[Any, ...]]:
    """
    Return the columns of requests, messages and recipients, a row for each request of a recipient's message.

    :param since: messages whose requests are all older are left out, but for those with one of the ``ref_ids``.
    :param locking: whether the messages are locked until the end of the transaction.
    """
    query = (_LOCKED_ENTRIES if locking else _ENTRIES)[connection.dialect.name]
    return query.rows(connection, numbers=numbers, since=since, lowest=lowest_id(since), ref_ids=ref_ids)


def held_by(
    connection: Connection,
    numbers: AbstractSet[str],
    ref_ids: AbstractSet[str],
    *,
    since: datetime | None,
    span: timedelta,
) -> BoundStatement:
    """
    Return what :func:`rows_held` asks of PostgreSQL, with locks, where it is not known yet what its clock says.

    :param since: as there; None: ``span`` before now; if that is earlier, it counts anyhow.
    """
    return _LOCKED_BY_SERVERS_CLOCK.asked(
        connection, numbers=numbers, since=since, ref_ids=ref_ids, span=f"{span.total_seconds()} seconds"
    )
