"""A PostgreSQL that answers nobody: the receiver does, in time, and takes the callback when it comes again."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.engines import CONNECT_TIMEOUT_SECONDS
from airflow_provider_ninebits.ledger.receivers import register
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.scenes import ADA, rows
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ninebits.ledger.database import Database

CALL = {"to_number": ADA, "start_at": "2023-10-24 22:54:06"}
# Sooner than the database gives up on a lock or on a connection: who waited for either would not get an answer.
PATIENCE_SECONDS = CONNECT_TIMEOUT_SECONDS - 2


pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("backend", ["postgresql"], indirect=True),
    pytest.mark.parametrize("apart", [False, True], ids=["stored by a thread", "stored by a process"]),
]


def test_callbacks_are_answered_in_time_and_taken_when_they_come_again(database: Database, apart: bool) -> None:
    with receiver_on(database, apart) as client:
        with locked(database, "ninebits_callback"):
            first = client.post("/ninebits/callback", json=CALL)
        again = client.post("/ninebits/callback", json=CALL)
    assert (first.status_code, first.headers["retry-after"], again.status_code) == (503, "30", 200)
    assert len(rows(database, schema.callback)) == 1


def test_beyond_a_cap_nobody_waits(
    database: Database, apart: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.webhook.writer.MOST_QUEUED", 10)
    monkeypatch.setattr("airflow_provider_ninebits.webhook.writer.LARGEST_GROUP", 10)
    # Whoever waits waits for ever.
    monkeypatch.setattr("airflow_provider_ninebits.webhook.intake.COMMIT_SECONDS", 600.0)
    calls = [CALL | {"to_number": f"23480{place:08}"} for place in range(60)]
    with receiver_on(database, apart) as client, ThreadPoolExecutor(len(calls)) as pool:
        with locked(database, "ninebits_callback"):
            answers = [pool.submit(client.post, "/ninebits/callback", json=call, timeout=None) for call in calls]
            first = next(as_completed(answers)).result()
            assert (first.status_code, first.headers["retry-after"]) == (503, "30")
        statuses = Counter(answer.result().status_code for answer in answers)
    assert statuses.keys() == {200, 503}
    assert len(rows(database, schema.callback)) == statuses[200]
    assert "too many callbacks wait for the ledger already" in caplog.text


def test_health_probes_that_hang_keep_no_callback_out(
    database: Database, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One for the heartbeat, one for the writer, and one for all the probes.
    monkeypatch.setattr("airflow_provider_ninebits.ledger.engines._POOL_SIZE", 3)
    monkeypatch.setattr("airflow_provider_ninebits.ledger.engines._POOL_OVERFLOW", 0)
    # Into a table that no callback needs, so that the probes alone hang.
    monkeypatch.setattr(
        "airflow_provider_ninebits.webhook.health.probe_write", lambda ledger: register(ledger, "probe")
    )
    with receiver_on(database, apart) as client, ThreadPoolExecutor(8) as pool:
        with locked(database, "ninebits_receiver"):
            probes = [pool.submit(client.get, "/ninebits/health") for _ in range(8)]
            health = {probe.result().status_code for probe in probes}
            taken = client.post("/ninebits/callback", json=CALL)
        assert (health, taken.status_code) == ({503}, 200)
        assert client.get("/ninebits/health").status_code == 200


@contextmanager
def receiver_on(database: Database, apart: bool) -> Iterator[httpx.Client]:
    url = database.url.render_as_string(hide_password=False)
    with (
        served(ReceiverSettings(url, passwords=("secret",)), store_apart=apart) as receiver_url,
        httpx.Client(base_url=receiver_url, auth=CREDENTIALS, trust_env=False, timeout=PATIENCE_SECONDS) as client,
    ):
        yield client


@contextmanager
def locked(database: Database, table: str) -> Iterator[None]:
    with database.writing() as connection:
        connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
