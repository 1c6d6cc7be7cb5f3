"""API answers at the callback URL (rule 0 of matching): an error for a message, or the word that it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from airflow_provider_ninebits.ledger import notices, schema
from airflow_provider_ninebits.ledger.book import shown_by_callback
from airflow_provider_ninebits.ledger.entries import request_facts
from airflow_provider_ninebits.ledger.event_queue import queue_failing
from airflow_provider_ninebits.ledger.matching import NOBODY, RequestFacts, Verdict, match_answer
from airflow_provider_ninebits.ledger.receipts import purged_refs
from airflow_provider_ninebits.ledger.standing import lock_message_rows, refresh_message_state
from airflow_provider_ninebits.ledger.states import RecipientState, RequestState

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

_FIRST_ERROR_STATUS = 400


def apply_answer(connection: Connection, row: dict[str, Any], now: datetime, window: timedelta) -> str | None:
    """
    Match an API answer, and do what it says.

    A status of 4xx or 5xx turns the message's pending recipients into failed ones, unless another request of the
    message may have placed a call. 2xx changes nobody.

    :param row: the callback; its ``request_id`` is entered.
    :return: the message that it is about; None: nobody's, for now.
    """
    verdict = _verdict(connection, row, window)
    if verdict.request_id is None:
        return None
    row["request_id"] = verdict.request_id
    request = schema.request.c
    message_id: str = connection.execute(
        select(request.message_id).where(request.id == verdict.request_id)
    ).scalar_one()
    lock_message_rows(connection, [message_id])
    if verdict.adopted:
        connection.execute(
            update(schema.request)
            .where(request.id == verdict.request_id, request.state != RequestState.REFUSED)
            .values(ref_id=row["ref_id"], state=RequestState.ACCEPTED, known_by=shown_by_callback())
        )
        refresh_message_state(connection, message_id)
    fail_pending(connection, message_id, verdict.request_id, row["status"], now)
    return message_id


def fail_pending(
    connection: Connection, message_id: str, request_id: int, status: int | None, received_at: datetime
) -> None:
    """Do what the status of an API answer says: a 4xx or 5xx fails the message's pending recipients."""
    if (status or 0) >= _FIRST_ERROR_STATUS and not _placed_otherwise(connection, message_id, request_id):
        _fail_pending(connection, message_id, received_at)


def _verdict(connection: Connection, row: dict[str, Any], window: timedelta) -> Verdict:
    if row["ref_id"] is None:
        return NOBODY
    request = schema.request.c
    everywhere = _facts(connection, request.ref_id == row["ref_id"])
    here = [facts for facts in everywhere if row["conn_path"] in (None, facts.conn_id)]
    nameless: list[RequestFacts] = []
    if not everywhere and not purged_refs(connection, [row["ref_id"]]):
        open_ones = _facts(connection, request.ref_id.is_(None) & (request.state != "refused"))
        nameless = [facts for facts in open_ones if row["conn_path"] in (None, facts.conn_id)]
    return match_answer(
        here,
        nameless,
        received_at=row["received_at"],
        window=window,
        bearers_elsewhere=len(here) < len(everywhere),
    )


def _facts(connection: Connection, condition: Any) -> list[RequestFacts]:
    return [request_facts(row) for row in connection.execute(select(schema.request).where(condition))]


def _placed_otherwise(connection: Connection, message_id: str, request_id: int) -> bool:
    request = schema.request.c
    others = select(func.count()).where(
        request.message_id == message_id, request.id != request_id, request.state != RequestState.REFUSED
    )
    return bool(connection.execute(others).scalar_one())


def _fail_pending(connection: Connection, message_id: str, now: datetime) -> None:
    recipient, message = schema.recipient.c, schema.message.c
    queue_failing(connection, message_id)
    failed = connection.execute(
        update(schema.recipient)
        .where(recipient.message_id == message_id, recipient.state == RecipientState.PENDING)
        .values(state=RecipientState.FAILED, last_callback_at=now)
    ).rowcount
    if not failed:
        return
    notices.changed(connection, [message_id])
    connection.execute(
        update(schema.message)
        .where(message.id == message_id)
        .values(failed=message.failed + failed, revision=message.revision + 1, last_callback_at=now)
    )
