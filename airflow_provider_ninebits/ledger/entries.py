"""
What the ledger holds of some numbers and ``ref_id``: recipients, their messages, and the requests of these.

It is read in one query, past SQLAlchemy's own execution: it is asked for each group of callbacks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.ledger.columns import read_amount, read_moment
from airflow_provider_ninebits.ledger.entry_queries import REQUEST, REQUESTS, rows_held
from airflow_provider_ninebits.ledger.folding import RecipientRecord
from airflow_provider_ninebits.ledger.matching import RequestFacts
from airflow_provider_ninebits.ledger.receipts import purged_refs
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

_WIDTH = len(REQUEST)
_UNTOUCHED = RecipientRecord()


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
    rows = rows_held(connection, numbers, ref_ids, since, locking=locking) if numbers else []
    return entries_of(connection, rows, ref_ids)


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
            # As most are, before their first callback.
            untouched = row[_WIDTH + 5] == 0 and row[_WIDTH + 4] == RecipientState.PENDING
            record = _UNTOUCHED if untouched else _record(*row[_WIDTH + 4 : -1])
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
    rows = REQUESTS.rows(connection, message_ids=found.messages, ref_ids=ref_ids)
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
