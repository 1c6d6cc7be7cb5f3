"""What holds of a ledger whatever has happened, by its rows alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.events import subscribe
from airflow_provider_ninebits.ledger.wanted import Wanted
from tests.integration.ledger.scenes import rows, set_columns

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

Row = dict[str, Any]
SKEW = timedelta(seconds=60)
RISING = ("pending", "failed", "unanswered", "answered")


@dataclass(frozen=True)
class Rows:
    """All that a ledger holds."""

    messages: dict[str, Row]
    requests: dict[int, Row]
    recipients: dict[int, Row]
    callbacks: list[Row]
    events: list[Row]
    """What is queued for somebody who wants all, has waited from the beginning, and has been given nothing."""

    @classmethod
    def of(cls, database: Database) -> Rows:
        return cls(
            {row["id"]: row for row in rows(database, schema.message)},
            {row["id"]: row for row in rows(database, schema.request)},
            {row["id"]: row for row in rows(database, schema.recipient)},
            rows(database, schema.callback),
            rows(database, schema.event),
        )

    def requests_of(self, message_id: str) -> list[Row]:
        return [request for request in self.requests.values() if request["message_id"] == message_id]

    def without_repeats(self) -> tuple[object, ...]:
        """Everything but how often callbacks were repeated."""
        callbacks = [{**callback, "repeats": 0} for callback in self.callbacks]
        return self.messages, self.requests, self.recipients, callbacks


def want_all_events(database: Database) -> None:
    """Subscribe to what recipients reach, for ever, whatever time it is here; the laws are about a ledger with that."""
    subscribe(database, [Wanted("default")])
    set_columns(database, schema.subscription, {"seen_at": datetime(2999, 1, 1, tzinfo=UTC)})


def check(ledger: Rows, window: timedelta) -> None:
    """Assert all of them."""
    for callback in ledger.callbacks:
        _belongs_where_it_points(ledger, callback)
        if callback["recipient_id"] and not callback["ref_id"]:
            _is_a_call_that_the_message_can_have_made(ledger, callback, window)
    _recipients_are_their_calls(ledger)
    _messages_are_their_recipients_and_requests(ledger)
    _events_are_what_recipients_have_reached(ledger)
    names = Counter(request["ref_id"] for request in ledger.requests.values() if request["ref_id"])
    assert all(times == 1 for times in names.values()), f"a ref_id that two requests have: {names}"
    told = Counter(callback["identity"] for callback in ledger.callbacks if callback["identity"])
    assert all(times == 1 for times in told.values()), "a repeat was kept twice"


def only_rose(before: Rows, after: Rows) -> None:
    """Assert that no recipient's state fell, and that nothing is gone."""
    for recipient_id, recipient in before.recipients.items():
        now = after.recipients[recipient_id]
        assert RISING.index(now["state"]) >= RISING.index(recipient["state"]), f"{recipient} fell to {now}"
        assert now["attempts"] >= recipient["attempts"]
    nothing_vanished(before, after)


def nothing_vanished(before: Rows, after: Rows) -> None:
    assert before.messages.keys() <= after.messages.keys()
    assert before.requests.keys() <= after.requests.keys()
    assert before.recipients.keys() <= after.recipients.keys()
    assert {row["id"] for row in before.callbacks} <= {row["id"] for row in after.callbacks}


def _belongs_where_it_points(ledger: Rows, callback: Row) -> None:
    matched = callback["match_state"] == "matched"
    if callback["kind"] == "call":
        assert matched == (callback["recipient_id"] is not None)
    else:
        assert matched == (callback["request_id"] is not None)
        assert callback["recipient_id"] is None
    if callback["inbound"]:
        assert callback["match_state"] == "inbound"
    if not matched:
        assert callback["request_id"] is None
        return
    recipient = ledger.recipients.get(callback["recipient_id"])
    request = ledger.requests.get(callback["request_id"])
    message_id = recipient["message_id"] if recipient else request["message_id"] if request else None
    assert message_id is not None
    if recipient:
        assert recipient["number"] == callback["number"]
    if request:
        assert request["message_id"] == message_id
        assert request["state"] == "accepted", "what a callback has shown to be placed"
        assert callback["conn_path"] in (None, request["conn_id"])
    of_message = ledger.requests_of(message_id)
    assert callback["conn_path"] is None or callback["conn_path"] in {each["conn_id"] for each in of_message}
    if callback["ref_id"]:
        assert callback["ref_id"] in {each["ref_id"] for each in of_message}


def _is_a_call_that_the_message_can_have_made(ledger: Rows, callback: Row, window: timedelta) -> None:
    message_id = ledger.recipients[callback["recipient_id"]]["message_id"]
    arrived, start = callback["received_at"], callback["started_at"]
    assert any(
        request["started_at"] <= arrived
        and (
            request["started_at"] <= arrived <= request["started_at"] + window
            or (start and request["started_at"] - SKEW <= start <= request["started_at"] + window + SKEW)
        )
        for request in ledger.requests_of(message_id)
        if request["state"] != "refused"
    ), f"{callback} was matched outside of the window"


def _recipients_are_their_calls(ledger: Rows) -> None:
    calls: dict[int, list[Row]] = defaultdict(list)
    for callback in ledger.callbacks:
        if callback["recipient_id"]:
            calls[callback["recipient_id"]].append(callback)
    for recipient in ledger.recipients.values():
        mine = calls[recipient["id"]]
        assert recipient["attempts"] == len(mine)
        amounts = [call["total_amount"] for call in mine if call["total_amount"] is not None]
        assert recipient["total_amount"] == (sum(amounts, Decimal(0)) if amounts else None)
        if mine:
            answered = any(call["answered_at"] for call in mine)
            assert recipient["state"] == ("answered" if answered else "unanswered")
            assert recipient["last_callback_at"] >= max(call["received_at"] for call in mine)
        else:
            assert recipient["state"] in ("pending", "failed")


def _events_are_what_recipients_have_reached(ledger: Rows) -> None:
    told: dict[int, list[str]] = defaultdict(list)
    for event in ledger.events:
        assert event["message_id"] == ledger.recipients[event["recipient_id"]]["message_id"]
        told[event["recipient_id"]].append(event["state"])
    for recipient in ledger.recipients.values():
        mine = told[recipient["id"]]
        assert len(mine) == len(set(mine)), f"{recipient} reached the same twice: {mine}"
        # Of a group of calls it is told once, so what lies below may be missing; nothing that is above is left.
        assert max(["pending", *mine], key=RISING.index) == recipient["state"], f"{recipient} was told as {mine}"


def _messages_are_their_recipients_and_requests(ledger: Rows) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for recipient in ledger.recipients.values():
        counts[recipient["message_id"]][recipient["state"]] += 1
    for message in ledger.messages.values():
        mine = counts[message["id"]]
        assert mine.total() == message["recipients"]
        assert {name: message[name] for name in RISING[1:]} == {name: mine[name] for name in RISING[1:]}
        theirs = [
            each["total_amount"] or 0 for each in ledger.recipients.values() if each["message_id"] == message["id"]
        ]
        assert message["total_amount"] == sum(theirs)
        states = {request["state"] for request in ledger.requests_of(message["id"])}
        by_requests = next((s for s in ("accepted", "sending", "uncertain", "refused") if s in states), "planned")
        if message["state"] == "planned":
            assert by_requests in ("planned", "refused"), f"{message['id']} may have been placed: {states}"
        else:
            assert message["state"] == by_requests
