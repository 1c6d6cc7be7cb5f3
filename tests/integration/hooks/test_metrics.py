"""What a send counts, and what of it is in the task's trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from airflow_provider_ninebits.exceptions import MessageUncertain, SendFailed
from airflow_provider_ninebits.hooks.measuring import SPAN_NAME
from airflow_provider_ninebits.ledger.claims import claim
from tests.integration.ledger.scenes import ADA, BEN
from tests.integration.otlp import Counted, series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.simulator import RunningSimulator

MEDIA = "https://media.test/a.mp3?signature=hidden"
MANY = [str(2348020000000 + place) for place in range(1500)]
LIMITED = {"kind": "status", "status": 429, "retry_after": "0"}
RUNG = series("recipients_rung", conn_id="ninebits_default")


def requests(state: str) -> Any:
    return series("requests", state=state, conn_id="ninebits_default")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    found = Counted()
    monkeypatch.setattr("airflow_provider_ninebits.hooks.measuring.record", found.record)
    return found


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    # One for a process can be set by OpenTelemetry's rules, and others may want theirs.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def test_requests_and_who_was_rung_are_counted(
    hook: NineBitsHook, simulator: RunningSimulator, counted: Counted
) -> None:
    hook.send_voice(MANY, MEDIA, idempotency_key="once")
    hook.send_voice(MANY, MEDIA, idempotency_key="once")  # nothing is sent
    assert counted.totals() == {requests("accepted"): 2, RUNG: 1500}


def test_a_refusal_a_429_and_a_doubt_are_counted_as_what_they_are(
    hook: NineBitsHook, simulator: RunningSimulator, counted: Counted
) -> None:
    simulator.script({"faults": [LIMITED, {"kind": "status", "status": 400}, {"kind": "drop", "placed": False}]})
    with pytest.raises(SendFailed):
        hook.send_voice(ADA, MEDIA)
    with pytest.raises(MessageUncertain):
        hook.send_voice(ADA, MEDIA)
    assert counted.totals() == {requests("rate_limited"): 1, requests("refused"): 1, requests("uncertain"): 1}


def test_9bits_that_cannot_be_reached_is_counted(
    connection: None, hook: NineBitsHook, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.ninebits_conn_id = "ninebits_nowhere"
    with pytest.raises(SendFailed):
        hook.send_voice(ADA, MEDIA)
    assert counted.totals() == {series("requests", state="refused", conn_id="ninebits_nowhere"): 1}


def test_what_was_never_written_is_not_counted(
    hook: NineBitsHook, simulator: RunningSimulator, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = iter([True])

    def slow_once(*arguments: Any, **how: Any) -> Any:
        if next(late, False):
            # As if the machine had been suspended after the claim.
            monkeypatch.setattr("airflow_provider_ninebits.hooks.attempts.LEASE_MARGIN_SECONDS", -1.0)
        else:
            monkeypatch.setattr("airflow_provider_ninebits.hooks.attempts.LEASE_MARGIN_SECONDS", 5.0)
        return claim(*arguments, **how)

    monkeypatch.setattr("airflow_provider_ninebits.ledger.claims.claim", slow_once)
    hook.send_voice(ADA, MEDIA)
    assert simulator.rung() == {ADA: 1}
    assert counted.totals() == {requests("accepted"): 1, RUNG: 1}


def test_each_request_is_a_span_of_the_trace_that_asks(
    hook: NineBitsHook, simulator: RunningSimulator, spans: InMemorySpanExporter
) -> None:
    with trace.get_tracer("a task").start_as_current_span("the task") as task:
        receipt = hook.send_voice(MANY, MEDIA, max_parallel_requests=2)
    found = [span for span in spans.get_finished_spans() if span.name == SPAN_NAME]
    # Also in threads of their own.
    assert [span.parent.span_id for span in found] == [task.get_span_context().span_id] * 2
    assert {span.kind for span in found} == {SpanKind.CLIENT}
    attributes = [dict(span.attributes) for span in found]
    assert {each["ninebits.ref_id"] for each in attributes} == set(receipt.ref_ids)
    assert {each["ninebits.message_id"] for each in attributes} == set(receipt.message_ids)
    assert sorted(each["ninebits.recipients"] for each in attributes) == [500, 1000]
    assert {each["http.response.status_code"] for each in attributes} == {200}
    assert MANY[0] not in str(attributes)
    assert "hidden" not in str(attributes)


def test_a_request_that_failed_says_so_without_its_text(
    hook: NineBitsHook, simulator: RunningSimulator, spans: InMemorySpanExporter
) -> None:
    simulator.script({"faults": [{"kind": "status", "status": 400}]})
    with pytest.raises(SendFailed):
        hook.send_voice([ADA, BEN], MEDIA)
    [span] = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["http.response.status_code"] == 400
    assert span.events == ()
    assert span.status.description is None


def test_a_send_goes_on_where_nothing_can_be_counted(
    hook: NineBitsHook, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("no Stats")

    monkeypatch.setattr("airflow_provider_ninebits.stats._stats", broken)
    hook.send_voice(ADA, MEDIA)
    assert simulator.rung() == {ADA: 1}
