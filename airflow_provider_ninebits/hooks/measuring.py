"""What is measured of a send's requests: counts for Airflow's Stats, and a span for each in the task's trace."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.api.errors import RateLimited, SendError
from airflow_provider_ninebits.metrics import RECIPIENTS_RUNG, REQUESTS
from airflow_provider_ninebits.stats import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.api.answers import Receipt
    from airflow_provider_ninebits.hooks.attempts import Lease
    from airflow_provider_ninebits.ledger.sends import Part, SendPlan

SPAN_NAME = "POST /v1/sendvoice"


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
        """Make a request, count it, and return or raise what came of it."""
        try:
            with self._span(part) as note:
                receipt = make()
                note("http.response.status_code", receipt.status)
                note("ninebits.ref_id", receipt.ref_id)
        except BaseException as error:
            if state := _state(error, lease):
                record(REQUESTS, 1, {**self.tags, "state": state})
            raise
        record(REQUESTS, 1, {**self.tags, "state": "accepted"})
        record(RECIPIENTS_RUNG, part.recipients, self.tags)
        return receipt

    @contextmanager
    def _span(self, part: Part) -> Iterator[Callable[[str, str | int], object]]:
        """Give a request a span, and what notes something of it there: neither numbers nor the recording's URL."""
        if self.trace is None:
            yield lambda name, value: None
            return
        from opentelemetry import trace

        tracer = trace.get_tracer("airflow_provider_ninebits")
        known: dict[str, str | int] = {
            "http.request.method": "POST",
            "ninebits.message_id": part.message_id,
            "ninebits.recipients": part.recipients,
            "ninebits.conn_id": self.tags["conn_id"],
        }
        with tracer.start_as_current_span(
            SPAN_NAME,
            context=self.trace,
            kind=trace.SpanKind.CLIENT,
            attributes=known,
            # An error's text is for the log: others may read the traces.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span.set_attribute
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                if (status := getattr(error, "status", None)) is not None:
                    span.set_attribute("http.response.status_code", status)
                span.set_status(trace.StatusCode.ERROR)
                raise


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
