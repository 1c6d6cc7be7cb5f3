"""What sends, waits and escalations count, and what of a send is in the task's trace."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout, TaskDeferred
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from airflow_provider_ninebits.exceptions import LedgerUnavailable, MessageUncertain, SendFailed
from airflow_provider_ninebits.hooks.measuring import SPAN_NAME
from airflow_provider_ninebits.hooks.waiting import read_event
from airflow_provider_ninebits.ledger.claims import claim
from airflow_provider_ninebits.operators.escalation import EscalateVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor
from tests.integration.hooks.playing import Task, resumed
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_call, accepted, arrive
from tests.integration.otlp import Counted, series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.ledger.database import Database
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

    monkeypatch.setattr("airflow_provider_ninebits.airflow_stats._stats", broken)
    hook.send_voice(ADA, MEDIA)
    assert simulator.rung() == {ADA: 1}


ENDS: dict[str, tuple[dict[str, Any], str]] = {
    "over": ({}, "over"),
    "unanswered": ({"fail_on_unanswered": "all"}, "unanswered"),
    "timed out": ({"ref_id": "open", "timeout": 0.2, "on_timeout": "return"}, "timed_out"),
    "timed out, and failed": ({"ref_id": "open", "timeout": 0.2}, "timed_out"),
}


@pytest.mark.parametrize("deferrable", [False, True], ids=["poke", "deferred"])
@pytest.mark.parametrize(("arguments", "result"), ENDS.values(), ids=ENDS.keys())
def test_waits_are_counted_by_their_end(
    ledger: Database,
    connection: None,
    quick_polls: None,
    monkeypatch: pytest.MonkeyPatch,
    deferrable: bool,
    arguments: dict[str, Any],
    result: str,
) -> None:
    counted = Counted()
    monkeypatch.setattr("airflow_provider_ninebits.hooks.waiting.record", counted.record)
    accepted(ledger, "open", BEN)
    accepted(ledger, "a-ref", ADA)
    arrive(ledger, a_call(ADA, answered=False))
    given = {"ref_id": "a-ref", "poke_interval": 0.05, **arguments}
    task = Task()
    with suppress(AirflowFailException, AirflowSensorTimeout):
        try:
            CallbackSensor(task_id="wait", deferrable=deferrable, **given).execute(task.context)
        except TaskDeferred as pause:
            resumed(CallbackSensor(task_id="wait", deferrable=True, **given), pause, task)
    assert counted.totals() == {series("waits_ended", result=result): 1}


def test_an_outage_that_ends_a_deferred_wait_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted()
    monkeypatch.setattr("airflow_provider_ninebits.hooks.waiting.record", counted.record)
    with pytest.raises(LedgerUnavailable):
        read_event({"status": "error", "message": "gone"})
    assert counted.totals() == {series("waits_ended", result="error"): 1}


def test_the_steps_of_an_escalation_are_counted(
    receiver: str, simulator: RunningSimulator, quick_polls: None, connection: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted()
    monkeypatch.setattr("airflow_provider_ninebits.operators.escalation.record", counted.record)
    simulator.script(
        {
            "faults": [{"kind": "status", "status": 422}],
            "numbers": {
                BEN: {"attempts": [{"answered": False}], "with_ref_id": True},
                CAI: {"attempts": [{"answered": True}], "with_ref_id": True},
            },
        }
    )
    operator = EscalateVoiceOperator(
        contacts=[ADA, BEN, CAI], media_url=MEDIA, ring_for=60, deferrable=False, task_id="wake"
    )
    assert operator.execute(Task("wake").context)["answered_by"] == CAI
    assert counted.totals() == {
        series("escalation_steps", result="refused"): 1,
        series("escalation_steps", result="rung"): 2,
    }
