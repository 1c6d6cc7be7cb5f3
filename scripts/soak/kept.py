"""What the ledger holds, read for the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_provider_ninebits.ledger import schema
from scripts.soak.counting import Account, CallSeen, RecipientSeen

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database


def read_account(database: Database) -> Account:
    """Return every callback, recipient and API answer of a ledger."""
    account = Account()
    with database.reading() as connection:
        ref_ids = _ref_ids(connection, account)
        _read_recipients(connection, account, ref_ids)
        _read_callbacks(connection, account, ref_ids)
    return account


def _ref_ids(connection: Connection, account: Account) -> dict[str, str]:
    """Return the ref_id that placed each message; there must be one, and the message must be accepted."""
    message, request = schema.message.c, schema.request.c
    rows = connection.execute(
        select(message.id, message.state, request.ref_id)
        .join_from(schema.message, schema.request, request.message_id == message.id)
        .where(request.state == "accepted")
    )
    found: dict[str, str] = {}
    for row in rows:
        if row.state != "accepted" or row.ref_id is None or row.id in found:
            account.troubles.append(f"message {row.id} is {row.state}, ref_id {row.ref_id}")
        found[row.id] = row.ref_id
    return found


def _read_recipients(connection: Connection, account: Account, ref_ids: dict[str, str]) -> None:
    recipient = schema.recipient.c
    for row in connection.execute(
        select(recipient.message_id, recipient.number, recipient.state, recipient.attempts, recipient.total_amount)
    ):
        ref_id = ref_ids.get(row.message_id)
        account.recipients[RecipientSeen(ref_id, row.number, row.state, row.attempts, row.total_amount)] += 1


def _read_callbacks(connection: Connection, account: Account, ref_ids: dict[str, str]) -> None:
    callback = schema.callback
    for row in connection.execute(
        select(callback, schema.recipient.c.message_id).join_from(
            callback, schema.recipient, schema.recipient.c.id == callback.c.recipient_id, isouter=True
        )
    ):
        if row.kind == "answer":
            account.answers[row.ref_id] += 1
            continue
        call = CallSeen(
            ref_id=None if row.message_id is None else ref_ids.get(row.message_id),
            number=row.number,
            named=row.ref_id,
            started_at=row.started_at,
            answered_at=row.answered_at,
            ended_at=row.ended_at,
            total_duration=row.total_duration,
            call_duration=row.call_duration,
            total_amount=row.total_amount,
        )
        times = 1 + row.repeats
        if call in account.calls or call in account.unmatched:
            account.troubles.append(f"{call}: stored twice")
        if row.match_state == "unmatched":
            account.unmatched[call] = times
        else:
            account.calls[call] = (times, times)
