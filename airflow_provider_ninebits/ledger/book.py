"""
The rows that matching looks at, and what it changed in them.

A book is opened for the numbers and ``ref_id`` of a group of callbacks, by a transaction that holds their locks. Each
verdict is entered at once, so that the next callback of the group sees it; everything is written at the end.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import bindparam, select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.folding import CallRecord, RecipientRecord, fold_call
from airflow_provider_ninebits.ledger.matching import Candidate, RequestFacts
from airflow_provider_ninebits.ledger.receipts import purged_refs
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from airflow_provider_ninebits.ledger.matching import Verdict

T = TypeVar("T")

_IN_LIST = 1000
_RECORD_FIELDS = tuple(f.name for f in fields(RecipientRecord))
_COUNTED = (RecipientState.ANSWERED, RecipientState.UNANSWERED, RecipientState.FAILED)


@dataclass
class _Message:
    state: MessageState
    lease_expires_at: datetime | None


@dataclass
class _Recipient:
    id: int
    message_id: str
    record: RecipientRecord


class Book:
    """
    What the ledger knows of some numbers and ``ref_id``.

    :param connection: a write transaction that holds the locks of these numbers.
    :param now: the time on the ledger's clock.
    """

    def __init__(self, connection: Connection, numbers: Iterable[str], ref_ids: Iterable[str], now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._messages: dict[str, _Message] = {}
        self._recipients: dict[int, _Recipient] = {}
        self._by_number: dict[str, list[_Recipient]] = defaultdict(list)
        self._requests: dict[int, RequestFacts] = {}
        self._requests_of: dict[str, list[int]] = defaultdict(list)
        self._before: dict[int, RecipientRecord] = {}
        self._shown: dict[int, str | None] = {}
        self._purged_ref_ids: set[str] = set()
        self.adopted_ref_ids: set[str] = set()
        self.accepted_messages: set[str] = set()
        self._load_recipients(sorted(set(numbers)))
        self._load_requests(sorted(set(ref_ids)))

    def candidates(self, number: str | None, conn_path: str | None) -> list[Candidate]:
        """Return every recipient with this number whose message has a request over the connection (any, if None)."""
        found = []
        for recipient in self._by_number.get(number or "", ()):
            requests = tuple(
                facts
                for request_id in self._requests_of[recipient.message_id]
                if conn_path in (None, (facts := self._requests[request_id]).conn_id)
            )
            if requests:
                message = self._messages[recipient.message_id]
                lease = message.lease_expires_at
                found.append(
                    Candidate(
                        recipient_id=recipient.id,
                        recipient_state=recipient.record.state,
                        message_id=recipient.message_id,
                        message_state=message.state,
                        lease_live=lease is not None and lease > self._now,
                        requests=requests,
                    )
                )
        return found

    def bearers(self, ref_id: str | None, conn_path: str | None) -> tuple[list[RequestFacts], bool]:
        """Return the requests over the connection with this ``ref_id``, and whether another or a purged one has it."""
        if ref_id is None:
            return [], False
        everywhere = [facts for facts in self._requests.values() if facts.ref_id == ref_id]
        here = [facts for facts in everywhere if conn_path in (None, facts.conn_id)]
        return here, len(here) < len(everywhere) or ref_id in self._purged_ref_ids

    def enter(self, verdict: Verdict, call: CallRecord, ref_id: str | None) -> None:
        """Note what a verdict changes: the recipient, and what it shows about a request."""
        if verdict.recipient_id is not None:
            recipient = self._recipients[verdict.recipient_id]
            self._before.setdefault(recipient.id, recipient.record)
            recipient.record = fold_call(recipient.record, call)
        if verdict.request_id is not None and not verdict.ambiguous:
            self._show_placed(verdict.request_id, ref_id if verdict.adopted else None)

    def write(self) -> None:
        """Write everything that was entered, a statement for each table. Messages come first, in a fixed order."""
        self._write_messages()
        self._write_requests()
        rows = [
            {
                "row_id": recipient_id,
                **{name: getattr(self._recipients[recipient_id].record, name) for name in _RECORD_FIELDS},
            }
            for recipient_id in sorted(self._before)
        ]
        if rows:
            statement = (
                update(schema.recipient)
                .where(schema.recipient.c.id == bindparam("row_id"))
                .values({name: bindparam(name) for name in _RECORD_FIELDS})
            )
            self._connection.execute(statement, rows)

    def _show_placed(self, request_id: int, ref_id: str | None) -> None:
        facts = self._requests[request_id]
        if ref_id is None and facts.state is RequestState.ACCEPTED:
            return
        self._requests[request_id] = replace(
            facts, state=RequestState.ACCEPTED, ref_id=facts.ref_id if ref_id is None else ref_id
        )
        self._shown[request_id] = self._requests[request_id].ref_id
        message = self._messages[facts.message_id]
        if message.state in (MessageState.SENDING, MessageState.UNCERTAIN):
            message.state = MessageState.ACCEPTED
        self.accepted_messages.add(facts.message_id)
        if ref_id is not None:
            self.adopted_ref_ids.add(ref_id)

    def _write_messages(self) -> None:
        changes: dict[str, dict[RecipientState, int]] = defaultdict(lambda: dict.fromkeys(_COUNTED, 0))
        for recipient_id, before in self._before.items():
            recipient = self._recipients[recipient_id]
            if before.state in _COUNTED:
                changes[recipient.message_id][before.state] -= 1
            changes[recipient.message_id][recipient.record.state] += 1
        for message_id in sorted(changes.keys() | self.accepted_messages):
            message = schema.message.c
            delta = changes[message_id]
            values: dict[str, object] = {
                "revision": message.revision + 1,
                "last_callback_at": self._now,
                **{state.value: message[state.value] + delta[state] for state in _COUNTED if delta[state]},
            }
            self._connection.execute(update(schema.message).where(message.id == message_id).values(values))
            if message_id in self.accepted_messages:
                # Only where it is still open: its sender may have recorded the answer a moment ago.
                self._connection.execute(
                    update(schema.message)
                    .where(
                        message.id == message_id,
                        message.state.in_((MessageState.SENDING, MessageState.UNCERTAIN)),
                    )
                    .values(state=MessageState.ACCEPTED)
                )

    def _write_requests(self) -> None:
        request = schema.request.c
        for request_id, ref_id in sorted(self._shown.items()):
            self._connection.execute(
                update(schema.request)
                .where(request.id == request_id, request.state != RequestState.REFUSED)
                .values(state=RequestState.ACCEPTED, ref_id=ref_id, known_by="callback")
            )

    def _load_recipients(self, numbers: Sequence[str]) -> None:
        recipient, message = schema.recipient, schema.message
        for some in _in_lists(numbers):
            rows = self._connection.execute(
                select(recipient, message.c.state.label("message_state"), message.c.lease_expires_at)
                .join(message, message.c.id == recipient.c.message_id)
                .where(recipient.c.number.in_(some))
                .order_by(recipient.c.id)
            )
            for row in rows:
                self._messages[row.message_id] = _Message(MessageState(row.message_state), row.lease_expires_at)
                entry = _Recipient(row.id, row.message_id, record_of(row))
                self._recipients[row.id] = entry
                self._by_number[row.number].append(entry)

    def _load_requests(self, ref_ids: Sequence[str]) -> None:
        request = schema.request.c
        for some in _in_lists(sorted(self._messages)):
            self._take_requests(select(schema.request).where(request.message_id.in_(some)))
        for some in _in_lists(ref_ids):
            self._take_requests(select(schema.request).where(request.ref_id.in_(some)))
        known = {facts.ref_id for facts in self._requests.values()}
        if unknown := [ref_id for ref_id in ref_ids if ref_id not in known]:
            # One that was purged is nobody else's: a late callback of it must not be adopted.
            self._purged_ref_ids = purged_refs(self._connection, unknown)

    def _take_requests(self, statement: object) -> None:
        for row in self._connection.execute(statement):  # type: ignore[call-overload]
            if row.id not in self._requests:
                self._requests[row.id] = request_facts(row)
                self._requests_of[row.message_id].append(row.id)


def record_of(row: Row[tuple[object, ...]]) -> RecipientRecord:
    """Return what a row of the recipient table says."""
    values = {name: getattr(row, name) for name in _RECORD_FIELDS}
    return RecipientRecord(**{**values, "state": RecipientState(values["state"])})


def request_facts(row: Row[tuple[object, ...]]) -> RequestFacts:
    """Return what a row of the request table says."""
    return RequestFacts(row.id, row.message_id, row.conn_id, RequestState(row.state), row.ref_id, row.started_at)


def _in_lists(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _IN_LIST):
        yield values[start : start + _IN_LIST]
