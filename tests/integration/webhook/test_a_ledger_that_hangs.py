"""A PostgreSQL that answers nobody: the receiver does, in time, and takes the callback when it comes again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.engines import CONNECT_TIMEOUT_SECONDS
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.scenes import ADA, rows
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

CALL = {"to_number": ADA, "start_at": "2023-10-24 22:54:06"}
# Sooner than the database gives up on a lock or on a connection: who waited for either would not get an answer.
PATIENCE_SECONDS = CONNECT_TIMEOUT_SECONDS - 2


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.slow
def test_callbacks_and_health_are_answered_while_the_ledger_is_locked(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    with (
        served(ReceiverSettings(url, passwords=("secret",))) as receiver_url,
        httpx.Client(base_url=receiver_url, auth=CREDENTIALS, trust_env=False, timeout=PATIENCE_SECONDS) as client,
        ThreadPoolExecutor(24) as pool,
    ):
        with database.writing() as connection:
            connection.exec_driver_sql("LOCK TABLE ninebits_callback, ninebits_receiver IN ACCESS EXCLUSIVE MODE")
            # More than the pool has connections: they must not take the writer's.
            probes = [pool.submit(client.get, "/ninebits/health") for _ in range(24)]
            first = client.post("/ninebits/callback", json=CALL)
            health = {probe.result().status_code for probe in probes}
        again = client.post("/ninebits/callback", json=CALL)
        assert (first.status_code, first.headers["retry-after"], health) == (503, "30", {503})
        assert again.status_code == 200
        assert client.get("/ninebits/health").status_code == 200
    assert len(rows(database, schema.callback)) == 1
