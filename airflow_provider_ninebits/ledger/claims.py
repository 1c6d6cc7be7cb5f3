"""Claiming a part of a send for one request."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Integer,
    Interval,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.columns import UtcDateTime
from airflow_provider_ninebits.ledger.database import BY_KEYS, ledger_now
from airflow_provider_ninebits.ledger.driver import Query, ask
from airflow_provider_ninebits.ledger.ids import lowest_id, lowest_id_at
from airflow_provider_ninebits.ledger.list_parameters import joined
from airflow_provider_ninebits.ledger.states import MessageState, RequestState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Update

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import SendPlan

_message, _request, _recipient = schema.message.c, schema.request.c, schema.recipient.c
_in_order = select(_recipient.number).where(_recipient.message_id == bindparam("row_id")).order_by(_recipient.id)
_numbers = select(joined(_in_order.subquery().c.number))
_NUMBERS = Query(_numbers)
_unsent = [_message.state == state.value for state in (MessageState.PLANNED, MessageState.REFUSED)]


def _take(lease_until: ColumnElement[datetime]) -> Update:
    return (
        update(schema.message)
        .where(_message.id == bindparam("row_id"))
        .values(
            state=MessageState.SENDING.value,
            owner=bindparam("new_owner"),
            conn_id=bindparam("new_conn_id"),
            media_url=bindparam("new_media_url"),
            from_number=bindparam("new_from_number"),
            lease_expires_at=lease_until,
            revision=_message.revision + 1,
        )
    )


_LEASE_UNTIL: ColumnElement[datetime] = bindparam("lease_until", type_=UtcDateTime())
_CLAIM = Query(_take(_LEASE_UNTIL).where(or_(*_unsent)))
_CLAIM_IN_DOUBT = Query(
    _take(_LEASE_UNTIL).where(
        or_(
            *_unsent,
            _message.state == MessageState.UNCERTAIN.value,
            (_message.state == MessageState.SENDING.value) & (_message.lease_expires_at <= bindparam("now")),
        ),
        _message.revision == func.coalesce(bindparam("revision_seen", type_=Integer()), _message.revision),
    )
)
_GIVE_UP = Query(
    update(schema.request)
    .where(_request.message_id == bindparam("row_id"), _request.state == RequestState.SENDING.value)
    .values(state=RequestState.UNCERTAIN.value, finished_at=bindparam("now"), detail="its sender did not come back")
)
_begin = insert(schema.request)
_BEGIN = Query(
    _begin.values(
        message_id=bindparam("row_id"),
        conn_id=bindparam("new_conn_id"),
        started_at=bindparam("now"),
        state=RequestState.SENDING.value,
        late=bindparam("late", type_=Boolean()),
    ).returning(_request.id)
)
_servers_now = func.clock_timestamp()
_taken = (
    _take(_servers_now + cast(bindparam("lease", type_=Text()), Interval()))
    .where(or_(*_unsent))
    .returning(_message.id, _message.conn_id)
    .cte("taken")
)
_begun = (
    _begin.from_select(
        ["message_id", "conn_id", "started_at", "state", "late"],
        select(
            *(_taken.c.id, _taken.c.conn_id, _servers_now),
            literal_column("'sending'"),
            _taken.c.id < lowest_id_at(_servers_now),
        ),
    )
    .returning(_request.id)
    .cte("begun")
)
# For PostgreSQL: each statement costs a message to the server, and one back.
_CLAIM_AT_ONCE = Query(select(_begun.c.id, _numbers.scalar_subquery()))


class Claim(NamedTuple):
    """A request that may be made; ``numbers``: whom it is to ring, in the order in which they were given."""

    request_id: int
    numbers: tuple[str, ...]


def claim(
    database: Database,
    message_id: str,
    plan: SendPlan,
    *,
    owner: str,
    lease_seconds: float,
    resend: bool = False,
    revision: int | None = None,
) -> Claim | None:
    """
    Claim a message for one request, in one conditional update.

    :param plan: over which connection, and with which media and caller ID; the message says what was sent last.
    :param resend: whether a message that may have been placed already may be claimed too.
    :param revision: with ``resend``: claim it only if nothing came of it since; None: whatever came.
    :return: the new request; None: somebody else has claimed it, or it needs no request any more.
    """
    values: dict[str, Any] = {
        "row_id": message_id,
        "new_owner": owner,
        "new_conn_id": plan.conn_id,
        "new_media_url": plan.media,
        "new_from_number": plan.from_number,
    }
    if not (resend or database.is_sqlite):
        with database.writing() as connection:
            # The commit does not go along: who is interrupted meanwhile has claimed nothing.
            claimed = _CLAIM_AT_ONCE.asked(connection, **values, lease=f"{lease_seconds} seconds")
            *_, found = ask(connection, BY_KEYS, claimed)
        return _claim_of(*found[0]) if found else None
    with database.reading() as connection:
        # Before SQLite's one write lock is taken. A message's numbers stay, or it is not to be claimed any more.
        ((numbers,),) = _NUMBERS.rows(connection, row_id=message_id)
        with database.writing_on(connection):
            now = ledger_now(connection)
            values["lease_until"] = now + timedelta(seconds=lease_seconds)
            if resend:
                taken = _CLAIM_IN_DOUBT.change(connection, **values, now=now, revision_seen=revision)
            else:
                taken = _CLAIM.change(connection, **values)
            if taken != 1:
                return None
            if resend:
                _GIVE_UP.change(connection, row_id=message_id, now=now)
            late = message_id < lowest_id(now)
            ((request_id,),) = _BEGIN.rows(connection, row_id=message_id, new_conn_id=plan.conn_id, now=now, late=late)
    return _claim_of(request_id, numbers)


def _claim_of(request_id: int, numbers: str | None) -> Claim:
    return Claim(request_id, tuple(numbers.split(",")) if numbers else ())
