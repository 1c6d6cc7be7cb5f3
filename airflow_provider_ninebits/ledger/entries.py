"""
What the ledger holds of some numbers and ``ref_id``: recipients, their messages, and the requests of these.

It is read in one query, past SQLAlchemy's own execution: it is asked for each group of callbacks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Interval, Text, and_, bindparam, cast, func, or_, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.columns import UtcDateTime, read_amount, read_moment
from airflow_provider_ninebits.ledger.driver import Query
from airflow_provider_ninebits.ledger.folding import RecipientRecord
from airflow_provider_ninebits.ledger.list_parameters import among
from airflow_provider_ninebits.ledger.matching import RequestFacts
from airflow_provider_ninebits.ledger.receipts import purged_refs
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet
    from datetime import datetime, timedelta

    from sqlalchemy import CTE, ColumnElement, Select
    from sqlalchemy.engine import Connection, Row

    from airflow_provider_ninebits.ledger.driver import BoundStatement

_recipient, _message, _request = schema.recipient.c, schema.message.c, schema.request.c
_begun = schema.request.alias("begun")
_REQUEST = (
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
_WIDTH = len(_REQUEST)
_SINCE = bindparam("since", type_=UtcDateTime())


def _held(since: ColumnElement[datetime]) -> Select[Any]:
    # A number may have been rung for years, and thousands of messages may have begun in time: whichever way these are
    # joined, a plan for the average is a bad one for somebody. So it is said which way: by an index alone from numbers
    # to messages, of which those are left that began in time, and only these are read.
    of_numbers = select(_recipient.number, _recipient.message_id).where(among(_recipient.number, "numbers"))
    rung = _by_itself("rung", of_numbers)
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
    recent = _by_itself("recent", select(rung.c.number, rung.c.message_id).where(begun_in_time))
    return (
        select(
            *_REQUEST, _message.state, _message.lease_expires_at, *_RECIPIENT, _message.last_callback_at.is_not(None)
        )
        .select_from(recent)
        .join(
            schema.recipient,
            and_(_recipient.number == recent.c.number, _recipient.message_id == recent.c.message_id),
        )
        .join(schema.message, _message.id == recent.c.message_id)
        .join(schema.request, _request.message_id == recent.c.message_id)
        # Messages are locked in this order.
        .order_by(_message.id, _request.id)
    )


def _by_itself(name: str, statement: Select[Any]) -> CTE:
    """Return a part of a statement that PostgreSQL plans by itself, instead of merging it into the rest."""
    return statement.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")


_ENTRIES = Query(_held(_SINCE))
_LOCKED_ENTRIES = Query(_held(_SINCE).with_for_update(of=schema.message))
_LOCKED_BY_SERVERS_CLOCK = Query(
    _held(func.least(_SINCE, func.now() - cast(bindparam("span", type_=Text()), Interval()))).with_for_update(
        of=schema.message
    )
)
_REQUESTS = Query(
    select(*_REQUEST)
    .where(or_(among(_request.message_id, "message_ids"), among(_request.ref_id, "ref_ids")))
    .order_by(_request.id)
)


@dataclass
class MessageEntry:
    """A message, as far as matching cares and changes it; ``heard_of``: whether a callback of it came."""

    state: MessageState
    lease_expires_at: datetime | None
    heard_of: bool


@dataclass
class RecipientEntry:
    """A recipient, as far as matching cares and changes it."""

    id: int
    message_id: str
    number: str
    record: RecipientRecord


@dataclass
class Entries:
    """What was found."""

    recipients: dict[int, RecipientEntry] = field(default_factory=dict)
    messages: dict[str, MessageEntry] = field(default_factory=dict)
    requests: dict[int, RequestFacts] = field(default_factory=dict)
    purged_ref_ids: set[str] = field(default_factory=set)

    def by_number(self) -> dict[str, list[RecipientEntry]]:
        """Return the recipients of each number, oldest first."""
        found = defaultdict(list)
        for _, recipient in sorted(self.recipients.items()):
            found[recipient.number].append(recipient)
        return found

    def requests_of(self) -> dict[str, list[int]]:
        """Return the requests of each message, oldest first."""
        found = defaultdict(list)
        for request_id, facts in sorted(self.requests.items()):
            found[facts.message_id].append(request_id)
        return found

    def bearing(self) -> dict[str, list[int]]:
        """Return the requests that have each ``ref_id``, oldest first."""
        found = defaultdict(list)
        for request_id, facts in sorted(self.requests.items()):
            if facts.ref_id is not None:
                found[facts.ref_id].append(request_id)
        return found


def read_entries(
    connection: Connection, numbers: AbstractSet[str], ref_ids: AbstractSet[str], since: datetime, *, locking: bool
) -> Entries:
    """
    Return what the ledger holds of some numbers and ``ref_id``.

    :param since: messages whose requests are all older are left out, but for those with one of the ``ref_ids``.
    :param locking: whether the messages are locked until the end of the transaction.
    """
    query = _LOCKED_ENTRIES if locking else _ENTRIES
    rows = query.rows(connection, numbers=numbers, since=since, ref_ids=ref_ids) if numbers else []
    return entries_of(connection, rows, ref_ids)


def held_by(
    connection: Connection,
    numbers: AbstractSet[str],
    ref_ids: AbstractSet[str],
    *,
    since: datetime | None,
    span: timedelta,
) -> BoundStatement:
    """
    Return what :func:`read_entries` asks of PostgreSQL, with locks, where it is not known yet what its clock says.

    :param since: as there; None: ``span`` before now; if that is earlier, it counts anyhow.
    """
    return _LOCKED_BY_SERVERS_CLOCK.asked(
        connection, numbers=numbers, since=since, ref_ids=ref_ids, span=f"{span.total_seconds()} seconds"
    )


def entries_of(connection: Connection, rows: Iterable[tuple[Any, ...]], ref_ids: AbstractSet[str]) -> Entries:
    """Return what some rows say; where that may be outdated, or is not all, more is read."""
    found = Entries()
    all_closed = True
    for row in rows:
        request_id, message_id = row[0], row[1]
        if request_id not in found.requests:
            found.requests[request_id] = _request_facts(row)
            all_closed &= _is_closed(row)
        if message_id not in found.messages:
            lease_expires_at = read_moment(row[_WIDTH + 1])
            found.messages[message_id] = MessageEntry(MessageState(row[_WIDTH]), lease_expires_at, bool(row[-1]))
        recipient_id = row[_WIDTH + 2]
        if recipient_id not in found.recipients:
            record = _record(*row[_WIDTH + 4 : -1])
            found.recipients[recipient_id] = RecipientEntry(recipient_id, message_id, row[_WIDTH + 3], record)
    if not all_closed or not ref_ids <= {facts.ref_id for facts in found.requests.values()}:
        _read_requests(connection, found, ref_ids)
    return found


def request_facts(row: Row[tuple[object, ...]]) -> RequestFacts:
    """Return what a row of the request table says."""
    return RequestFacts(row.id, row.message_id, row.conn_id, RequestState(row.state), row.ref_id, row.started_at)


def _read_requests(connection: Connection, found: Entries, ref_ids: AbstractSet[str]) -> None:
    """
    Read the requests once more, and whatever other ones have one of the ``ref_id``.

    Messages are locked by now. Before, somebody may have been changing them: two calls of two numbers may both bring an
    unknown ``ref_id`` to one message, and who comes second has to see it.
    """
    rows = _REQUESTS.rows(connection, message_ids=found.messages, ref_ids=ref_ids)
    found.requests = {row[0]: _request_facts(row) for row in rows}
    if unknown := ref_ids - {facts.ref_id for facts in found.requests.values()}:
        # One that was purged is nobody else's: a late callback of it must not be adopted.
        found.purged_ref_ids = purged_refs(connection, unknown)


def _is_closed(row: tuple[Any, ...]) -> bool:
    """
    Return whether a request stays as it is: 9bits has answered it.

    A message whose requests are all so, one of them accepted, gets no other request, and none of them changes.
    """
    state, known_by = row[3], row[6]
    return bool(state == RequestState.ACCEPTED and known_by == "answer")


def _request_facts(row: tuple[Any, ...]) -> RequestFacts:
    started_at = read_moment(row[5])
    if started_at is None:
        raise ValueError("a request without its start")
    return RequestFacts(row[0], row[1], row[2], RequestState(row[3]), row[4], started_at)


def _record(
    state: str,
    attempts: int,
    started_at: Any,
    answered_at: Any,
    ended_at: Any,
    total_duration: int | None,
    call_duration: int | None,
    total_amount: int | None,
    last_callback_at: Any,
) -> RecipientRecord:
    return RecipientRecord(
        RecipientState(state),
        attempts,
        read_moment(started_at),
        read_moment(answered_at),
        read_moment(ended_at),
        total_duration,
        call_duration,
        read_amount(total_amount),
        read_moment(last_callback_at),
    )
