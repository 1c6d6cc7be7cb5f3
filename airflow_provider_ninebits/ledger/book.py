"""
The rows that matching looks at, and what it changed in them.

A book is opened for the numbers and ``ref_id`` of a group of callbacks, by a transaction that holds their locks. Each
verdict is entered at once, so that the next callback of the group sees it; everything is written at the end.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, update

from airflow_provider_ninebits.ledger import notices, schema
from airflow_provider_ninebits.ledger.bulk import Change
from airflow_provider_ninebits.ledger.folding import CallRecord, RecipientRecord, fold_call
from airflow_provider_ninebits.ledger.list_parameters import among
from airflow_provider_ninebits.ledger.matching import Candidate
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.entries import Entries
    from airflow_provider_ninebits.ledger.matching import RequestFacts, Verdict

_COUNTED = (RecipientState.ANSWERED, RecipientState.UNANSWERED, RecipientState.FAILED)
_ADDED = ("revision", "total_amount", *_COUNTED)

_message = schema.message.c
# Made once: to build a statement takes longer than to run it.
_ACCEPT_MESSAGES = (
    update(schema.message)
    .where(
        among(_message.id, "message_ids"),
        _message.state.in_((MessageState.SENDING, MessageState.UNCERTAIN)),
    )
    .values(state=MessageState.ACCEPTED)
)


class Book:
    """
    What the ledger knows of some numbers and ``ref_id``.

    :param connection: a write transaction that holds the locks of these numbers; or, for a look, any.
    :param now: the time on the ledger's clock.
    """

    def __init__(self, connection: Connection, entries: Entries, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._messages = entries.messages
        self._recipients = entries.recipients
        self._requests = entries.requests
        self._by_number = entries.by_number()
        self._requests_of = entries.requests_of()
        self._bearing = entries.bearing()
        self._purged_ref_ids = entries.purged_ref_ids
        self._before: dict[int, RecipientRecord] = {}
        self._shown: dict[int, str | None] = {}
        self.adopted_ref_ids: set[str] = set()
        self.accepted_messages: set[str] = set()
        self.answered_numbers: set[str] = set()
        self.first_callbacks: list[tuple[str, float]] = []
        """The connections of messages of which nothing had been heard, each with the seconds since its request."""

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
        everywhere = [self._requests[request_id] for request_id in self._bearing.get(ref_id, ())]
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
            self._hear_of(recipient.message_id, verdict.request_id, call.received_at)
        if verdict.request_id is not None and not verdict.ambiguous:
            self._show_placed(verdict.request_id, ref_id if verdict.adopted else None)

    def changes(self) -> list[Change]:
        """
        Return what was entered, to be written: messages and recipients, each in a fixed order.

        What is seldom, a request that is shown to have been placed, is written here.
        """
        self._write_requests()
        messages = self._counted()
        notices.changed(self._connection, (message["id"] for message in messages))
        recipients = [{**self._recipients[each].record._asdict(), "id": each} for each in sorted(self._before)]
        return [
            Change(schema.message, messages, key="id", adding=_ADDED),
            Change(schema.recipient, recipients, key="id"),
        ]

    def _hear_of(self, message_id: str, request_id: int | None, received_at: datetime) -> None:
        message = self._messages[message_id]
        if message.heard_of:
            return
        message.heard_of = True
        made_by = self._requests[self._requests_of[message_id][-1] if request_id is None else request_id]
        self.first_callbacks.append((made_by.conn_id, (received_at - made_by.started_at).total_seconds()))

    def _show_placed(self, request_id: int, ref_id: str | None) -> None:
        facts = self._requests[request_id]
        if ref_id is None and facts.state is RequestState.ACCEPTED:
            return
        self._requests[request_id] = facts._replace(
            state=RequestState.ACCEPTED, ref_id=facts.ref_id if ref_id is None else ref_id
        )
        self._shown[request_id] = self._requests[request_id].ref_id
        message = self._messages[facts.message_id]
        if message.state in (MessageState.SENDING, MessageState.UNCERTAIN):
            message.state = MessageState.ACCEPTED
        self.accepted_messages.add(facts.message_id)
        if ref_id is not None:
            self.adopted_ref_ids.add(ref_id)
            self._bearing[ref_id].append(request_id)

    def _counted(self) -> list[dict[str, Any]]:
        changes: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_COUNTED, 0))
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for recipient_id, before in self._before.items():
            recipient = self._recipients[recipient_id]
            if before.state in _COUNTED:
                changes[recipient.message_id][before.state] -= 1
            changes[recipient.message_id][recipient.record.state] += 1
            amounts[recipient.message_id] += (recipient.record.total_amount or 0) - (before.total_amount or 0)
        fixed = {"revision": 1, "last_callback_at": self._now}
        return [
            {**changes[message_id], "total_amount": amounts[message_id], **fixed, "id": message_id}
            for message_id in sorted(changes.keys() | self.accepted_messages)
        ]

    def _write_requests(self) -> None:
        if self.accepted_messages:
            # Only where it is still open: its sender may have recorded the answer a moment ago.
            self._connection.execute(_ACCEPT_MESSAGES, {"message_ids": self.accepted_messages})
        request = schema.request.c
        for request_id, ref_id in sorted(self._shown.items()):
            self._connection.execute(
                update(schema.request)
                .where(request.id == request_id, request.state != RequestState.REFUSED)
                .values(state=RequestState.ACCEPTED, ref_id=ref_id, known_by=shown_by_callback())
            )


def shown_by_callback() -> ColumnElement[str]:
    """Return what ``known_by`` becomes when a callback shows a request: a person's word stays one."""
    return case((schema.request.c.known_by == "person", "person"), else_="callback")


def call_record(row: Mapping[Any, Any]) -> CallRecord:
    """Return what a row of the callback table says of its call."""
    return CallRecord(*[row[name] for name in CallRecord._fields])
