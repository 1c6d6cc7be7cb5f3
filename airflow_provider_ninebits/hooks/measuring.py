"""What is measured of a send's requests: counts for Airflow's Stats, and a span for each in the task's trace."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.airflow_stats import record
from airflow_provider_ninebits.api.errors import RateLimited, SendError
from airflow_provider_ninebits.metrics import RECIPIENTS_RUNG, REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ninebits.api.answers import Receipt
    from airflow_provider_ninebits.hooks.attempts import Lease
    from airflow_provider_ninebits.ledger.sends import Part, SendPlan

SPAN_NAME = "POST /v1/sendvoice"
_STATUS = "http.response.status_code"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """
    One send, as far as its requests are measured.

    :param tags: of its metrics.
    :param trace: where its spans belong: other threads have no trace of their own. None: there is no OpenTelemetry.
    """

    tags: dict[str, str]
    trace: Any = None

    @classmethod
    def of(cls, plan: SendPlan) -> Measured:
        """Begin with a send, in the thread whose trace it belongs to."""
        tags = {"conn_id": plan.conn_id, "dag_id": plan.asked_by.dag_id}
        return cls({name: value for name, value in tags.items() if value is not None}, _here())

    def request(self, part: Part, lease: Lease, make: Callable[[], Receipt]) -> Receipt:
        """Make a request, and return or raise what came of it: one that failed is counted, and each has its span."""
        span = self._begin(part)
        try:
            receipt = make()
        except BaseException as error:
            _end(span, {"error.type": type(error).__name__, _STATUS: getattr(error, "status", None)}, failed=True)
            if state := _state(error, lease):
                record(REQUESTS, 1, {**self.tags, "state": state})
            raise
        _end(span, {_STATUS: receipt.status, "ninebits.ref_id": receipt.ref_id})
        return receipt

    def accepted(self, part: Part) -> None:
        """Count a request that was accepted, once that is in the ledger."""
        record(REQUESTS, 1, {**self.tags, "state": "accepted"})
        record(RECIPIENTS_RUNG, part.recipients, self.tags)

    def _begin(self, part: Part) -> Any:
        """Begin a request's span: neither numbers nor the recording's URL are noted there. None: there is no trace."""
        if self.trace is None:
            return None
        try:
            from opentelemetry import trace

            return trace.get_tracer("airflow_provider_ninebits").start_span(
                SPAN_NAME,
                context=self.trace,
                kind=trace.SpanKind.CLIENT,
                attributes={
                    "http.request.method": "POST",
                    "ninebits.message_id": part.message_id,
                    "ninebits.recipients": part.recipients,
                    "ninebits.conn_id": self.tags["conn_id"],
                },
            )
        except Exception as error:
            log.warning("A request has no span: %s", type(error).__name__)
            return None


def _end(span: Any, found: dict[str, str | int | None], *, failed: bool = False) -> None:
    """End a span. Its exporter may be broken: what 9bits has answered is not lost to that."""
    if span is None:
        return
    try:
        from opentelemetry import trace

        span.set_attributes({name: value for name, value in found.items() if value is not None})
        if failed:
            # An error's text is for the log: others may read the traces.
            span.set_status(trace.StatusCode.ERROR)
        span.end()
    except Exception as error:
        log.warning("The span of a request is lost: %s", type(error).__name__)


def _state(error: BaseException, lease: Lease) -> str | None:
    """Return how a request that failed is counted; None: none was made."""
    if isinstance(error, RateLimited):
        return "rate_limited"
    if isinstance(error, SendError):
        if lease.over:
            return None
        return "refused" if error.placed is False else "uncertain"
    return "uncertain" if lease.written else None


def _here() -> Any:
    """Return the trace that this thread is in; None: OpenTelemetry is not installed."""
    try:
        from opentelemetry import context
    except ImportError:
        return None
    return context.get_current()
