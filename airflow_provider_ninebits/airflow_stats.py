"""
Airflow's own Stats, as what takes the values of metrics: StatsD, Datadog or OpenTelemetry, as ``[metrics]`` says.

Nothing of Airflow is imported before the first value, and nothing that goes wrong in here reaches who counts.
"""

from __future__ import annotations

import logging
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.metrics import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ninebits.metrics import Metric

# Airflow 3.2 and 3.3 have two, and each of their processes sets up one of them, or both; tasks the first.
_COPIES = (
    "airflow.sdk._shared.observability.metrics.stats",
    "airflow._shared.observability.metrics.stats",
)
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_NO_TAGS: Mapping[str, str] = {}

log = logging.getLogger(__name__)


def record(metric: Metric, value: float = 1, tags: Mapping[str, str] = _NO_TAGS) -> None:
    """Hand a value to Airflow's Stats; see :class:`~.metrics.Record`."""
    try:
        _hand_over(metric, value, tags)
    except Exception as error:  # whatever it is: a send does not fail since it cannot be counted
        _complain(type(error).__name__)


def _hand_over(metric: Metric, value: float, tags: Mapping[str, str]) -> None:
    stats = _stats()
    name = _name(metric, tags) if _drops_tags() else metric.name
    match metric.kind:
        case Kind.COUNTER:
            stats.incr(name, count=int(value), tags=dict(tags))
        case Kind.GAUGE:
            stats.gauge(name, value, tags=dict(tags))
        case Kind.TIMER:
            # Milliseconds to all: of a timedelta an older Airflow makes seconds for Datadog.
            stats.timing(name, value * 1000.0, tags=dict(tags))


def _stats() -> Any:
    """Return the Stats that this process has set up: a second one would export beside it, and end without a flush."""
    modules = [sys.modules[name] for name in _COPIES if name in sys.modules]
    for in_module, in_class in (("_backend", "instance"), ("_factory", "factory")):
        for module in modules:
            # 3.3 keeps both in the module, 3.2 in its class.
            held, mark = (module, in_module) if hasattr(module, "_factory") else (module.Stats, in_class)
            if getattr(held, mark, None) is not None:
                return held
    return _stats_of_compat()


@cache
def _stats_of_compat() -> Any:
    from airflow.providers.common.compat.sdk import Stats

    return Stats


@cache
def _drops_tags() -> bool:
    """Return whether Stats goes to a StatsD that has no tags."""
    from airflow.providers.common.compat.sdk import conf

    def is_on(option: str) -> bool:
        return bool(conf.getboolean("metrics", option, fallback=False))

    return is_on("statsd_on") and not is_on("statsd_datadog_enabled") and not is_on("statsd_influxdb_enabled")


def _name(metric: Metric, tags: Mapping[str, str]) -> str:
    values = [_NOT_IN_NAMES.sub("_", tags[tag]) for tag in metric.in_name if tag in tags]
    return ".".join([metric.name, *values])


@cache
def _complain(kind: str) -> None:
    """Say it once: what counts, counts often."""
    log.warning("Metrics do not reach Airflow's Stats (%s): look at the section [metrics] of Airflow's options", kind)
