"""A receiver takes every callback while a purge is at work on the same ledger."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import insert

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.purging import Policy, Purged, purge
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.purge_scenes import OLD, WINDOWS
from tests.integration.ledger.scenes import accepted, rows
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

MESSAGES, RECIPIENTS = 24, 1000
SENDERS = 3
TODAY = [str(2347010000000 + place) for place in range(1000)]


@pytest.mark.slow
@pytest.mark.parametrize("mask", [False, True], ids=["purged", "masked"])
def test_every_callback_is_taken(database: Database, mask: bool) -> None:
    """Some 50,000 old rows go, while callbacks of a message of today come in."""
    with database.writing() as connection:
        fill(connection)
    today = accepted(database, "today", *TODAY)
    over = threading.Event()
    numbers = count()

    def deliver(client: httpx.Client) -> list[int]:
        statuses = []
        # One more after it is over, so that the list is not empty whatever comes first.
        while not (over.is_set() and statuses) and (place := next(numbers)) < len(TODAY):
            call = {"to_number": TODAY[place], "ref_id": "today", "answer_at": "2026-01-01 00:00:00"}
            statuses.append(client.post("/ninebits/callback", json=call).status_code)
        return statuses

    url = database.url.render_as_string(hide_password=False)
    with (
        served(ReceiverSettings(url, passwords=("secret",))) as receiver_url,
        httpx.Client(base_url=receiver_url, auth=CREDENTIALS, trust_env=False, timeout=30) as client,
        ThreadPoolExecutor(SENDERS) as pool,
    ):
        deliveries = [pool.submit(deliver, client) for _ in range(SENDERS)]
        try:
            taken = purge(database, Policy(OLD, WINDOWS, mask=mask))
        finally:
            over.set()
        statuses = [status for delivery in deliveries for status in delivery.result()]

    assert set(statuses) == {200}
    assert taken == Purged(sends=MESSAGES, messages=MESSAGES, recipients=24_000, callbacks=24_000)
    [left] = [message for message in rows(database, schema.message) if message["id"] == today.message_id]
    assert left["answered"] == len(statuses)


def fill(connection: Connection) -> None:
    """Put old and settled messages into a ledger, some rows to a statement."""
    old = datetime.now(UTC) - OLD - timedelta(days=1)
    for place in range(MESSAGES):
        ids: dict[str, Any] = {"send_id": f"s{place}", "message_id": f"m{place}"}
        connection.execute(
            insert(schema.send).values(
                id=f"s{place}", idempotency_key=f"k{place}", deployment="default", created_at=old
            )
        )
        connection.execute(
            insert(schema.message).values(
                id=f"m{place}",
                send_id=f"s{place}",
                part=0,
                conn_id="ninebits",
                media_url="https://media.test/a.mp3",
                state="accepted",
                recipients=RECIPIENTS,
                answered=RECIPIENTS,
                last_callback_at=old,
                created_at=old,
            )
        )
        connection.execute(
            insert(schema.request).values(
                message_id=f"m{place}", conn_id="ninebits", state="accepted", ref_id=f"r{place}", started_at=old
            )
        )
        first = 1 + place * RECIPIENTS
        numbers = [(key, str(2348020000000 + key)) for key in range(first, first + RECIPIENTS)]
        connection.execute(
            insert(schema.recipient),
            [{"id": key, "number": number, "state": "answered", "attempts": 1, **ids} for key, number in numbers],
        )
        connection.execute(
            insert(schema.callback),
            [
                {
                    "received_at": old,
                    "kind": "call",
                    "raw": b"{}" + number.encode(),
                    "identity": f"i{key}",
                    "number": number,
                    "match_state": "matched",
                    "recipient_id": key,
                }
                for key, number in numbers
            ],
        )
    if connection.dialect.name == "postgresql":
        # The ids were given: the next ones come after them.
        connection.exec_driver_sql("SELECT setval('ninebits_recipient_id_seq', 1000000)")
