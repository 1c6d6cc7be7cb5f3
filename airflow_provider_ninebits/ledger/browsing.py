"""
Messages as people page through them: newest first, by a key, with filters.

Whatever the filters, a page looks at a bounded number of rows: a filter that an index leads to is asked for first, and
the others are applied to what that brings, newest first, up to :data:`LOOKED_AT`. So a page may end before it is full;
its key says where to go on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, not_, or_, select, tuple_

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.list_parameters import among
from airflow_provider_ninebits.ledger.listing import (
    MessageSummary,
    amounts_of,
    asked_by_deployment,
    lapsed,
    read_summaries,
)
from airflow_provider_ninebits.ledger.receipts import LEDGER_REF_PREFIX
from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection

LOOKED_AT = 20_000
"""How many messages one page looks at, at most."""
"""What stands before a message's id where 9bits' own ``ref_id`` never became known."""

_message, _send = schema.message.c, schema.send.c


class Seen(StrEnum):
    """What messages can be asked for: that somebody is in a state, or where the message itself stands."""

    PENDING = "pending"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    FAILED = "failed"
    PLANNED = "planned"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"


class Key(NamedTuple):
    """The place of a message in the list: pages begin after one."""

    created_at: datetime
    message_id: str


@dataclass(frozen=True)
class MessageFilter:
    """
    Which messages are wanted; None stands for all of them.

    :param deployment: asked for by which Airflow; None: by any.
    :param conn_ids: over which connections; None: over any.
    :param since: asked for at this time or later.
    :param until: asked for before this time.
    """

    deployment: str | None = None
    conn_ids: tuple[str, ...] | None = None
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int | None = None
    seen: Seen | None = None
    number: str | None = None
    ref_ids: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Listed:
    """A message, and what its calls have cost, as far as it was reported."""

    message: MessageSummary
    amount: Decimal


@dataclass(frozen=True)
class Page:
    """
    A page of messages.

    :param after: where the next one begins; None: there is none.
    :param cut_short: whether it ended because it had looked at enough, and not because it was full.
    """

    messages: tuple[Listed, ...]
    after: Key | None
    cut_short: bool


def browse(connection: Connection, wanted: MessageFilter, *, after: Key | None = None, limit: int = 50) -> Page:
    """
    Return a page of the messages that are wanted, newest first.

    Parts that gave way to a new plan are left out: they have no recipients any more.

    :param after: the key that the page before gave; None: from the newest on.
    """
    if wanted.conn_ids == ():
        return Page((), None, False)
    found = _few(connection, wanted, after) if _leads_to_few(wanted) else _walk(connection, wanted, after, limit)
    keys = sorted(found.keys, reverse=True)
    if found.looked_until is not None:
        # What lies beyond was not looked at everywhere: it belongs to the next page.
        keys = [key for key in keys if key >= found.looked_until]
    shown = keys[:limit]
    if len(keys) > limit:
        return Page(_listed(connection, shown), shown[-1], False)
    return Page(_listed(connection, shown), found.looked_until, found.looked_until is not None)


class _Found(NamedTuple):
    """
    The places of some messages.

    :param looked_until: from the newest until here all were looked at, and there may be more; None: there are no more.
    """

    keys: list[Key]
    looked_until: Key | None


def _leads_to_few(wanted: MessageFilter) -> bool:
    return bool(wanted.ref_ids or wanted.number is not None or wanted.run_id is not None)


def _few(connection: Connection, wanted: MessageFilter, after: Key | None) -> _Found:
    """
    Find the messages of a number, a ``ref_id`` or a run.

    Sorted by the caller: told to sort, a database would read all messages in their order rather than look for these.
    """
    statement = select(_message.created_at, _message.id).where(*_conditions(connection, wanted, after))
    statement = statement.join(schema.send, _send.id == _message.send_id).where(*_places(wanted), *_asked_by(wanted))
    given: dict[str, Any] = {}
    if wanted.ref_ids:
        request = schema.request.c
        named = select(request.message_id).where(among(request.ref_id, "ref_ids")).limit(LOOKED_AT)
        ids = [each.removeprefix(LEDGER_REF_PREFIX) for each in wanted.ref_ids if each.startswith(LEDGER_REF_PREFIX)]
        statement = statement.where(or_(_message.id.in_(named), among(_message.id, "message_ids")))
        given = {"ref_ids": wanted.ref_ids, "message_ids": ids}
    elif wanted.run_id is not None:
        of_run = select(_send.id).where(_send.run_id == wanted.run_id).limit(LOOKED_AT)
        statement = statement.where(_message.send_id.in_(of_run))
    if wanted.number is not None:
        recipient = schema.recipient.c
        rung = select(recipient.message_id).where(recipient.number == wanted.number)
        if not given and wanted.run_id is None:
            rung = rung.order_by(recipient.id.desc()).limit(LOOKED_AT)
        statement = statement.where(_message.id.in_(rung))
    if wanted.conn_ids is not None:
        statement = statement.where(among(_message.conn_id, "conn_ids"))
        given["conn_ids"] = wanted.conn_ids
    return _Found([Key(*row) for row in connection.execute(statement, given)], None)


def _walk(connection: Connection, wanted: MessageFilter, after: Key | None, limit: int) -> _Found:
    """Go from the newest message on, along the index of a DAG, of each connection, or of all."""
    if wanted.dag_id is not None or wanted.conn_ids is None:
        return _walk_along(connection, wanted, after, limit)
    keys: list[Key] = []
    looked_until: Key | None = None
    for conn_id in wanted.conn_ids:
        one = replace(wanted, conn_ids=(conn_id,))
        found = _walk_along(connection, one, after, limit)
        keys += found.keys
        if found.looked_until is not None:
            looked_until = max(looked_until or found.looked_until, found.looked_until)
    return _Found(keys, looked_until)


def _walk_along(connection: Connection, wanted: MessageFilter, after: Key | None, limit: int) -> _Found:
    along: Select[Any] = select(_message.created_at, _message.id).where(
        *_conditions(connection, wanted, after, walked=True)
    )
    newest_first = (_message.created_at.desc(), _message.id.desc())
    given: dict[str, Any] = {}
    by_connection = wanted.conn_ids is not None
    if wanted.dag_id is not None:
        along = along.where(_message.dag_id == wanted.dag_id)
    elif wanted.conn_ids is not None:
        along = along.where(_message.conn_id == wanted.conn_ids[0])
        by_connection = False
    looked_at = along.order_by(*newest_first).limit(LOOKED_AT)
    near = looked_at.subquery("near")
    statement = select(near.c.created_at, near.c.id).join(schema.message, _message.id == near.c.id)
    statement = statement.where(_message.state != MessageState.REPLACED, *_seen(connection, wanted), *_asked_by(wanted))
    if places := _places(wanted):
        statement = statement.join(schema.send, _send.id == _message.send_id).where(*places)
    if by_connection:
        statement = statement.where(among(_message.conn_id, "conn_ids"))
        given["conn_ids"] = wanted.conn_ids
    # One more than is shown: whether there is another page.
    statement = statement.order_by(near.c.created_at.desc(), near.c.id.desc()).limit(limit + 1)
    keys = [Key(*row) for row in connection.execute(statement, given)]
    if len(keys) > limit:
        return _Found(keys, None)
    last = connection.execute(looked_at.offset(LOOKED_AT - 1).limit(1)).one_or_none()
    return _Found(keys, None if last is None else Key(*last))


def _conditions(
    connection: Connection, wanted: MessageFilter, after: Key | None, *, walked: bool = False
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if after is not None:
        conditions.append(tuple_(_message.created_at, _message.id) < tuple_(after.created_at, after.message_id))
    if wanted.since is not None:
        conditions.append(_message.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(_message.created_at < wanted.until)
    if walked:
        return conditions
    if wanted.dag_id is not None:
        conditions.append(_message.dag_id == wanted.dag_id)
    return [*conditions, _message.state != MessageState.REPLACED, *_seen(connection, wanted)]


def _places(wanted: MessageFilter) -> list[ColumnElement[bool]]:
    given = {"run_id": wanted.run_id, "task_id": wanted.task_id, "map_index": wanted.map_index}
    return [_send[name] == value for name, value in given.items() if value is not None]


def _asked_by(wanted: MessageFilter) -> list[ColumnElement[bool]]:
    return [] if wanted.deployment is None else [asked_by_deployment(wanted.deployment)]


def _seen(connection: Connection, wanted: MessageFilter) -> list[ColumnElement[bool]]:
    match wanted.seen:
        case None:
            return []
        case Seen.PENDING:
            gone = (MessageState.REFUSED, MessageState.PURGED)
            settled = _message.answered + _message.unanswered + _message.failed
            return [and_(_message.recipients > settled, _message.state.not_in(gone))]
        case Seen.ANSWERED | Seen.UNANSWERED | Seen.FAILED:
            return [_message[wanted.seen.value] > 0]
        case Seen.UNCERTAIN:
            return [or_(_message.state == MessageState.UNCERTAIN, lapsed(connection))]
        case Seen.SENDING:
            return [_message.state == MessageState.SENDING, not_(lapsed(connection))]
        case _:
            return [_message.state == wanted.seen.value]


def _listed(connection: Connection, keys: Sequence[Key]) -> tuple[Listed, ...]:
    ids = [key.message_id for key in keys]
    messages, amounts = read_summaries(connection, ids), amounts_of(connection, ids)
    return tuple(Listed(messages[each], amounts[each]) for each in ids if each in messages and each in amounts)
