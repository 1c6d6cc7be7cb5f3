"""A receiver takes every callback while a purge is at work on the same ledger."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.purging import Policy, Purged, purge
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.purge_scenes import MESSAGES, OLD, RECIPIENTS, WINDOWS, fill, number_of
from tests.integration.ledger.scenes import a_call, accepted, arrive, rows
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

SENDERS = 3
TODAY = [str(2347010000000 + place) for place in range(1000)]

pytestmark = pytest.mark.slow


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
        served(ReceiverSettings(url, passwords=("secret",)), store_apart=True) as receiver_url,
        httpx.Client(base_url=receiver_url, auth=CREDENTIALS, trust_env=False, timeout=30) as client,
        ThreadPoolExecutor(SENDERS) as pool,
    ):
        deliveries = [pool.submit(deliver, client) for _ in range(SENDERS)]
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            time.sleep(seconds)

        try:
            taken = purge(database, Policy(OLD, WINDOWS, mask=mask), pause=pause)
        finally:
            over.set()
        statuses = [status for delivery in deliveries for status in delivery.result()]

    assert set(statuses) == {200}
    # A message of a thousand recipients is a transaction of its own.
    assert len(pauses) > MESSAGES
    assert taken == Purged(
        sends=MESSAGES, messages=MESSAGES, recipients=MESSAGES * RECIPIENTS, callbacks=MESSAGES * RECIPIENTS
    )
    [left] = [message for message in rows(database, schema.message) if message["id"] == today.message_id]
    assert left["answered"] == len(statuses)


def test_repeats_of_what_is_purged_wait_and_deadlock_with_nobody(database: Database) -> None:
    """9bits may repeat what is purged at that moment: both want the same rows, in another order."""
    with database.writing() as connection:
        fill(connection, messages=10)
    keys = list(range(1, 10 * RECIPIENTS + 1))
    over = threading.Event()

    def repeat(seed: int) -> int:
        repeated, draw = 0, Random(seed)
        while not over.is_set():
            some = draw.sample(keys, 2000)
            arrivals = [a_call(number_of(key), ref_id="nobody's", identity=f"i{key}") for key in some]
            repeated += arrive(database, *arrivals).repeats
        return repeated

    with ThreadPoolExecutor(SENDERS) as pool:
        repeating = [pool.submit(repeat, seed) for seed in range(SENDERS)]
        try:
            taken = purge(database, Policy(OLD, WINDOWS))
        finally:
            over.set()
        assert sum(each.result() for each in repeating) > 0
    assert taken.recipients == 10 * RECIPIENTS
