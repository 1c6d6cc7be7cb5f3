"""
The rows that matching looks at, and what it changed in them.

A book is opened for the numbers and ``ref_id`` of a group of callbacks, by a transaction that holds their locks. Each
verdict is entered at once, so that the next callback of the group sees it; everything is written at the end.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, exists, or_, select, update

from airflow_provider_ninebits.ledger import notices, schema
from airflow_provider_ninebits.ledger.bulk import update_rows
from airflow_provider_ninebits.ledger.folding import CallRecord, RecipientRecord, fold_call
from airflow_provider_ninebits.ledger.lists import among
from airflow_provider_ninebits.ledger.matching import Candidate, RequestFacts
from airflow_provider_ninebits.ledger.receipts import purged_refs
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Row

    from airflow_provider_ninebits.ledger.matching import Verdict

_RECORD_FIELDS = tuple(f.name for f in fields(RecipientRecord))
_COUNTED = (RecipientState.ANSWERED, RecipientState.UNANSWERED, RecipientState.FAILED)

_recipient, _message, _request = schema.recipient, schema.message.c, schema.request.c
# Made once: to build a statement takes longer than to run it.
_RECIPIENTS = (
    select(_recipient)
    .where(
        among(_recipient.c.number, "numbers"),
        exists().where(
            _request.message_id == _recipient.c.message_id,
            _request.state != RequestState.REFUSED,
            or_(_request.started_at >= bindparam("since"), among(_request.ref_id, "ref_ids")),
        ),
    )
    .order_by(_recipient.c.id)
)
_MESSAGES = (
    select(_message.id, _message.state, _message.lease_expires_at)
    .where(among(_message.id, "message_ids"))
    .order_by(_message.id)
)
_LOCKED_MESSAGES = _MESSAGES.with_for_update()
_REQUESTS = (
    select(schema.request)
    .where(or_(among(_request.message_id, "message_ids"), among(_request.ref_id, "ref_ids")))
    .order_by(_request.id)
)
_COUNT_CALLS = (
    update(schema.message)
    .where(_message.id == bindparam("row_id"))
    .values(
        revision=_message.revision + 1,
        last_callback_at=bindparam("now"),
        **{state.value: _message[state.value] + bindparam(f"more_{state}") for state in _COUNTED},
    )
)
_ACCEPT_MESSAGES = (
    update(schema.message)
    .where(
        among(_message.id, "message_ids"),
        _message.state.in_((MessageState.SENDING, MessageState.UNCERTAIN)),
    )
    .values(state=MessageState.ACCEPTED)
)


@dataclass
class _Message:
    state: MessageState
    lease_expires_at: datetime | None


@dataclass
class _Recipient:
    id: int
    message_id: str
    number: str
    record: RecipientRecord


class Book:
    """
    What the ledger knows of some numbers and ``ref_id``.

    :param connection: a write transaction that holds the locks of these numbers; or, for a look, any.
    :param since: messages whose requests are all older are left out, but for those with one of the ``ref_ids``.
    :param now: the time on the ledger's clock.
    :param locking: whether the messages that it holds are locked until the end, as they must be to write.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        numbers: Iterable[str],
        ref_ids: Iterable[str],
        since: datetime,
        now: datetime,
        locking: bool = True,
    ) -> None:
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
        self.answered_numbers: set[str] = set()
        names = set(ref_ids)
        self._load_recipients(set(numbers), names, since)
        self._load_messages(locking)
        self._load_requests(names)

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
            before = recipient.record.state
            recipient.record = fold_call(recipient.record, call)
            if recipient.record.state is RecipientState.ANSWERED is not before:
                # One candidate less: a call that waited may have only one left.
                self.answered_numbers.add(recipient.number)
        if verdict.request_id is not None and not verdict.ambiguous:
            self._show_placed(verdict.request_id, ref_id if verdict.adopted else None)

    def write(self) -> None:
        """Write everything that was entered, a statement for each table. Messages come first, in a fixed order."""
        self._write_messages()
        self._write_requests()
        changed = [{"id": each, **vars(self._recipients[each].record)} for each in sorted(self._before)]
        update_rows(self._connection, schema.recipient, changed)

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
        rows = [
            {
                "row_id": message_id,
                "now": self._now,
                **{f"more_{state}": changes[message_id][state] for state in _COUNTED},
            }
            for message_id in sorted(changes.keys() | self.accepted_messages)
        ]
        if rows:
            self._connection.execute(_COUNT_CALLS, rows)
            notices.changed(self._connection, changes)
        if self.accepted_messages:
            # Only where it is still open: its sender may have recorded the answer a moment ago.
            self._connection.execute(_ACCEPT_MESSAGES, {"message_ids": self.accepted_messages})

    def _write_requests(self) -> None:
        request = schema.request.c
        for request_id, ref_id in sorted(self._shown.items()):
            self._connection.execute(
                update(schema.request)
                .where(request.id == request_id, request.state != RequestState.REFUSED)
                .values(state=RequestState.ACCEPTED, ref_id=ref_id, known_by=shown_by_callback())
            )

    def _load_recipients(self, numbers: Collection[str], ref_ids: Collection[str], since: datetime) -> None:
        given = {"numbers": numbers, "since": since, "ref_ids": ref_ids}
        for row in self._connection.execute(_RECIPIENTS, given) if numbers else ():
            entry = _Recipient(row.id, row.message_id, row.number, record_of(row))
            self._recipients[row.id] = entry
            self._by_number[row.number].append(entry)

    def _load_messages(self, locking: bool) -> None:
        message_ids = {recipient.message_id for recipient in self._recipients.values()}
        # Two calls of two numbers may both bring an unknown ref_id to one message: who comes second has to see it.
        statement = _LOCKED_MESSAGES if locking else _MESSAGES
        for row in self._connection.execute(statement, {"message_ids": message_ids}) if message_ids else ():
            self._messages[row.id] = _Message(MessageState(row.state), row.lease_expires_at)

    def _load_requests(self, ref_ids: Collection[str]) -> None:
        given = {"message_ids": self._messages, "ref_ids": ref_ids}
        for row in self._connection.execute(_REQUESTS, given) if ref_ids or self._messages else ():
            self._requests[row.id] = request_facts(row)
            self._requests_of[row.message_id].append(row.id)
        known = {facts.ref_id for facts in self._requests.values()}
        if unknown := [ref_id for ref_id in ref_ids if ref_id not in known]:
            # One that was purged is nobody else's: a late callback of it must not be adopted.
            self._purged_ref_ids = purged_refs(self._connection, unknown)


def shown_by_callback() -> ColumnElement[str]:
    """Return what ``known_by`` becomes when a callback shows a request: a person's word stays one."""
    return case((schema.request.c.known_by == "person", "person"), else_="callback")


def record_of(row: Row[tuple[object, ...]]) -> RecipientRecord:
    """Return what a row of the recipient table says."""
    values = {name: getattr(row, name) for name in _RECORD_FIELDS}
    return RecipientRecord(**{**values, "state": RecipientState(values["state"])})


def call_record(row: Mapping[Any, Any]) -> CallRecord:
    """Return what a row of the callback table says of its call."""
    return CallRecord(**{name: row[name] for name in CallRecord.__dataclass_fields__})


def request_facts(row: Row[tuple[object, ...]]) -> RequestFacts:
    """Return what a row of the request table says."""
    return RequestFacts(row.id, row.message_id, row.conn_id, RequestState(row.state), row.ref_id, row.started_at)
