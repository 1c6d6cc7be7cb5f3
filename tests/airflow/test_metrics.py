"""What a real Airflow tells a collector: its tasks, its triggerer and its API server each by a Stats of their own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from airflow_provider_ninebits.hooks.measuring import SPAN_NAME
from tests.integration.otlp import series

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

HERE = {"conn_id": "ninebits_default", "dag_id": "ring_and_wait"}


def eventually(holds: Callable[[], bool], what: object) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def test_a_send_and_its_wait_are_told_by_each_process_that_has_a_part_in_them(stage: Stage) -> None:
    before = stage.collector.totals()
    # Nobody wants to wait for whole minutes here: 9bits' callback comes when it is delivered.
    [number] = stage.holding()
    run_id = stage.airflow.trigger("ring_and_wait", {"to": [number]})
    stage.airflow.wait_for_task("ring_and_wait", run_id, "ring", {"deferred"})
    stage.deliver(number)
    assert stage.airflow.wait_for_run("ring_and_wait", run_id) == "success"
    wrong = httpx.post(f"{stage.airflow.url}/ninebits/callback", json={}, auth=("ninebits", "wrong"), trust_env=False)
    assert wrong.status_code == 401

    expected = (
        # the task
        series("requests", state="accepted", **HERE),
        series("recipients_rung", **HERE),
        series("waits_ended", result="over"),
        # the API server
        series("callbacks", outcome="answered", match="matched"),
        series("send_to_callback", conn_id="ninebits_default"),
        series("turned_away", status="401"),
        # the triggerer
        series("callback_to_resume"),
    )
    for each in expected:
        eventually(lambda each=each: stage.collector.totals().get(each, 0) > before.get(each, 0), each)
    assert any(name.name == "airflow.ninebits.waits" for name in stage.collector.totals())


def test_a_request_is_a_span_of_its_tasks_trace(stage: Stage) -> None:
    run_id, state = stage.run("ring", to=stage.answering())
    assert state == "success"
    ref_id = stage.airflow.xcom("ring", run_id, "ring")

    def found() -> list[bytes]:
        spans = stage.collector.spans(SPAN_NAME)
        return [span.parent_span_id for span, attributes in spans if attributes.get("ninebits.ref_id") == ref_id]

    eventually(lambda: bool(found()), ref_id)
    assert all(found()), "it has no parent"
