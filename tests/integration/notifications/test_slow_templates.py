"""Templates that hang: a macro that asks somebody who does not answer. The notifier comes back before that ends."""

from __future__ import annotations

import asyncio
import logging
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from airflow.sdk import DAG

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.notifications import alarm
from tests.integration.ledger.scenes import rows
from tests.integration.notifications.notifying import ADA, PATIENCE_SECONDS, context, notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

HANGS_SECONDS = 30
"""The bound that a busy machine has: who comes back later than that has waited for the macro."""
SLOW = "https://media.test/{{ slow() }}.mp3"


class Macro:
    """One that hangs until it is let go."""

    def __init__(self) -> None:
        self.begun, self._go_on, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self) -> str:
        self.threads.append(threading.current_thread())
        self.begun.set()
        self._go_on.wait(HANGS_SECONDS)
        self.ended.set()
        return "failed"

    def let_go(self) -> None:
        """Let it end, and wait for what its thread does then."""
        self._go_on.set()
        for thread in self.threads:
            if thread is not threading.current_thread():
                thread.join(PATIENCE_SECONDS)
                assert not thread.is_alive()


@pytest.fixture
def slow() -> Iterator[Macro]:
    macro = Macro()
    yield macro
    macro.let_go()


def called(one: Any, given: Any) -> None:
    one(given)


def awaited(one: Any, given: Any) -> None:
    async def wait() -> None:
        one.context = given
        await one

    asyncio.run(wait())


WAYS = pytest.mark.parametrize("ring", [called, awaited])


@WAYS
def test_a_macro_that_hangs_is_waited_for_no_longer_than_notify_timeout(
    sqlite_ledger: Database,
    simulator: RunningSimulator,
    slow: Macro,
    caplog: pytest.LogCaptureFixture,
    ring: Callable[[Any, Any], None],
) -> None:
    ring(notifier(media_url=SLOW, notify_timeout=2), {**context(), "slow": slow})
    assert slow.begun.is_set()
    assert not slow.ended.is_set()
    [told] = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "2 s (notify_timeout) are over, and it is still rendering media_url" in told
    # When it ends after all, it is too late to ring.
    slow.let_go()
    assert simulator.requests() == []
    assert rows(sqlite_ledger, schema.alert) == []


def test_the_loop_goes_on_while_a_macro_hangs(
    sqlite_ledger: Database, simulator: RunningSimulator, slow: Macro
) -> None:
    async def meanwhile() -> None:
        one = notifier(media_url=SLOW, notify_timeout=60, context={**context(), "slow": slow})

        async def ring() -> None:
            await one

        ringing = asyncio.ensure_future(ring())
        while not slow.begun.is_set():
            await asyncio.sleep(0.01)
        assert not slow.ended.is_set()
        slow._go_on.set()
        await ringing

    asyncio.run(meanwhile())
    assert simulator.rung() == {ADA: 1}


def test_it_does_not_hold_up_the_dag_processor(
    sqlite_ledger: Database, simulator: RunningSimulator, slow: Macro, caplog: pytest.LogCaptureFixture
) -> None:
    requests = pytest.importorskip("airflow.callbacks.callback_requests")
    processor = pytest.importorskip("airflow.dag_processing.processor")
    one = notifier(media_url=SLOW, notify_timeout=2)
    dag = DAG("etl", schedule=None, on_failure_callback=one, user_defined_macros={"slow": slow})
    request = requests.DagCallbackRequest(
        filepath="etl.py", bundle_name="dags", bundle_version=None, msg="failed", dag_id="etl", run_id="manual__1"
    )
    processor._execute_dag_callbacks(SimpleNamespace(dags={"etl": dag}), request, structlog.get_logger())
    assert slow.begun.is_set()
    assert not slow.ended.is_set()
    assert "it is still rendering media_url" in caplog.text


@WAYS
def test_while_notify_timeout_itself_is_not_rendered_the_default_counts(
    sqlite_ledger: Database,
    simulator: RunningSimulator,
    slow: Macro,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    ring: Callable[[Any, Any], None],
) -> None:
    monkeypatch.setattr(alarm, "NOTIFY_TIMEOUT_SECONDS", 2.0)
    ring(notifier(notify_timeout="{{ slow() }}"), {**context(), "slow": slow})
    assert slow.begun.is_set()
    assert not slow.ended.is_set()
    assert "its time (notify_timeout) was over: It was still rendering notify_timeout." in caplog.text
    assert simulator.requests() == []
