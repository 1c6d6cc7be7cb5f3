"""Who reads metrics and traces here: OpenTelemetry's own reader in memory, and a server that programs export to."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from airflow_provider_ninebits.metrics import METRICS
from airflow_provider_ninebits.webhook.telemetry import NAME_PREFIX, OpenTelemetry

DECLARED = {f"{NAME_PREFIX}{metric.name}": set(metric.tags) for metric in METRICS}


class Series(NamedTuple):
    """A metric with its tags; hashable."""

    name: str
    tags: tuple[tuple[str, str], ...] = ()


def series(name: str, **tags: str) -> Series:
    """Return a series, named without the prefix that all have."""
    return Series(f"{NAME_PREFIX}ninebits.{name}", tuple(sorted(tags.items())))


class Counted:
    """Takes values as the stand-alone receiver does, and says what they come to."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.record = OpenTelemetry(self._reader)

    def totals(self) -> dict[Series, float]:
        """Return what counters and gauges are at, and how many values a timer has had."""
        found: dict[Series, float] = {}
        for name, tags, point in self._points():
            found[Series(name, tags)] = point.count if hasattr(point, "count") else point.value
        return found

    def milliseconds(self, name: str) -> list[tuple[float, float]]:
        """Return the least and the most that each series of a timer has had."""
        return [(point.min, point.max) for each, _, point in self._points() if each == series(name).name]

    def _points(self) -> Iterator[tuple[str, tuple[tuple[str, str], ...], Any]]:
        collected = self._reader.get_metrics_data()
        for resource in collected.resource_metrics if collected else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        assert set(point.attributes) <= DECLARED[metric.name], metric.name
                        yield metric.name, tuple(sorted(point.attributes.items())), point


@dataclass
class Sink:
    """A collector: whatever was exported to it."""

    url: str
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)

    def totals(self) -> dict[Series, float]:
        """
        Return what was exported last of each series of ours, added up over the processes that told of it.

        What is cumulative comes again and again, from each process by itself: the highest counts.
        """
        last: dict[tuple[Series, str], float] = {}
        for export in list(self.metrics):
            for resource in export.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name in DECLARED:
                            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                                tags = tuple(sorted((each.key, each.value.string_value) for each in point.attributes))
                                is_number = hasattr(point, "as_int")
                                value = (point.as_int or point.as_double) if is_number else point.count
                                began = (Series(metric.name, tags), str(point.start_time_unix_nano))
                                last[began] = max(value, last.get(began, 0))
        found: dict[Series, float] = {}
        for (name, _), value in last.items():
            found[name] = found.get(name, 0) + value
        return found

    def services(self) -> set[str]:
        """Return the names of the services that told of metrics of ours."""
        return {
            attribute.value.string_value
            for export in list(self.metrics)
            for resource in export.resource_metrics
            if any(metric.name in DECLARED for scope in resource.scope_metrics for metric in scope.metrics)
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        }

    def spans(self, name: str) -> list[tuple[Any, dict[str, Any]]]:
        """Return the spans of a name, each with its attributes."""
        return [
            (span, {each.key: each.value.string_value or each.value.int_value for each in span.attributes})
            for export in list(self.traces)
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if span.name == name
        ]


@contextmanager
def collecting() -> Iterator[Sink]:
    """Serve OTLP over HTTP while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path.endswith("/v1/metrics"):
                sink.metrics.append(ExportMetricsServiceRequest.FromString(body))
            elif self.path.endswith("/v1/traces"):
                sink.traces.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sink = Sink(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()
