"""
OpenTelemetry, as what takes the values of metrics where the receiver is alone.

It is configured as every program with OpenTelemetry is, by the standard environment variables; without them nothing of
it is loaded. Names and histograms are those that Airflow's own export has, so that one dashboard shows both.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_ninebits.metrics import Metric

NAME_PREFIX = "airflow."
SERVICE_NAME = "ninebits-receiver"
FLUSH_SECONDS = 3.0
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NO_TAGS: Mapping[str, str] = {}

log = logging.getLogger(__name__)


def record_by_environment(environment: Mapping[str, str] = os.environ) -> OpenTelemetry | None:
    """
    Return what takes values for OpenTelemetry; None: the environment names no exporter, or none that can be had.

    Values are exported by a thread, at the interval of ``OTEL_METRIC_EXPORT_INTERVAL``, and by :meth:`flush`.
    """
    exporter = environment.get("OTEL_METRICS_EXPORTER", "").strip().lower()
    is_meant = exporter or any(environment.get(name) for name in _ENDPOINTS)
    if not is_meant or exporter == "none" or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    try:
        return OpenTelemetry(_reader(exporter or "otlp", environment))
    except Exception as error:  # the receiver takes callbacks, whether they are counted or not
        log.error(
            "Metrics are not exported (%s: %s). Look at the OTEL_ variables; the packages come with "
            "`pip install 'airflow-provider-ninebits[otel]'`.",
            type(error).__name__,
            error,
        )
        return None


class OpenTelemetry:
    """
    Takes values of metrics.

    :param reader: who exports them, a ``MetricReader``.
    """

    def __init__(self, reader: Any) -> None:
        from opentelemetry.metrics import Histogram
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource

        own = {"service.name": SERVICE_NAME, "service.instance.id": f"{socket.gethostname()}:{os.getpid()}"}
        # What the environment says of this process wins.
        resource = Resource.create({**own, **OTELResourceDetector().detect().attributes})
        view = View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation())
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False, views=[view])
        meter = self._provider.get_meter("airflow_provider_ninebits")
        self._take = {metric.name: _instrument(meter, metric) for metric in METRICS}
        self._failed = False

    def __call__(self, metric: Metric, value: float = 1, tags: Mapping[str, str] = _NO_TAGS) -> None:
        """Take a value."""
        try:
            self._take[metric.name](value, dict(tags))
        except Exception:
            if not self._failed:
                log.exception("A metric cannot be recorded; this is said once")
            self._failed = True

    def flush(self) -> None:
        """Export what was not exported yet, unless that takes too long: the end of a receiver waits for nobody."""
        flushing = threading.Thread(target=self._flush, name="ninebits-metrics", daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)

    def _flush(self) -> None:
        try:
            self._provider.force_flush(int(FLUSH_SECONDS * 1000))
        except Exception as error:
            log.warning("The last metrics were not exported: %s", type(error).__name__)


def _instrument(meter: Any, metric: Metric) -> Callable[[float, dict[str, str]], None]:
    name = f"{NAME_PREFIX}{metric.name}"
    match metric.kind:
        case Kind.COUNTER:
            take = meter.create_counter(name, description=metric.meaning).add
        case Kind.GAUGE:
            take = meter.create_gauge(name, description=metric.meaning).set
        case Kind.TIMER:
            # As Airflow's timers are.
            take = partial(_take_milliseconds, meter.create_histogram(name, "ms", metric.meaning))
    return take  # type: ignore[no-any-return]


def _take_milliseconds(histogram: Any, seconds: float, tags: dict[str, str]) -> None:
    histogram.record(seconds * 1000.0, tags)


def _reader(exporter: str, environment: Mapping[str, str]) -> Any:
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

    if exporter == "console":
        return PeriodicExportingMetricReader(ConsoleMetricExporter())
    if exporter != "otlp":
        raise ValueError(f"OTEL_METRICS_EXPORTER is {exporter!r}; it is one of otlp, console, none")
    return PeriodicExportingMetricReader(_otlp(environment))


def _otlp(environment: Mapping[str, str]) -> Any:
    """Return the exporter for the protocol that is asked for; the rest it reads from the environment itself."""
    names = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    if next((environment[name] for name in names if environment.get(name)), "http/protobuf") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as OverGrpc

        return OverGrpc()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as OverHttp

    return OverHttp()
