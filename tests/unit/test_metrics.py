"""The list of metrics, and what is made by it: the docs' table, the dashboard, and the mapping of StatsD's names."""

from __future__ import annotations

import ast
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from airflow_provider_ninebits import metrics
from airflow_provider_ninebits.metrics import METRICS, Kind, Metric

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana/ninebits.json").read_text())
SUFFIXES = {Kind.COUNTER: ["_total"], Kind.GAUGE: [""], Kind.TIMER: ["_milliseconds", "_seconds"]}


def in_prometheus(metric: Metric) -> list[str]:
    name = "airflow_" + metric.name.replace(".", "_")
    return [name + suffix for suffix in SUFFIXES[metric.kind]]


NAMED = {name: metric for metric in METRICS for name in in_prometheus(metric)}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries() -> list[tuple[str, str]]:
    return [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


class TestTheList:
    def test_it_has_every_metric_there_is(self) -> None:
        assert [each for each in vars(metrics).values() if isinstance(each, Metric)] == list(METRICS)
        assert len({metric.name for metric in METRICS}) == len(METRICS)

    @pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
    def test_each_has_a_name_that_every_airflow_takes_and_tags_of_few_values(self, metric: Metric) -> None:
        # OpenTelemetry's limit was 63 in Airflow 3.1.
        assert re.fullmatch(r"ninebits\.[a-z_]{3,40}", metric.name)
        assert set(metric.tags) <= {"state", "conn_id", "dag_id", "result", "hostname", "outcome", "match", "status"}
        assert metric.tags[: len(metric.in_name)] == metric.in_name
        assert not {"conn_id", "dag_id"} & set(metric.in_name)

    def test_each_is_counted_somewhere(self) -> None:
        package = ROOT / "airflow_provider_ninebits"
        used = {
            node.id
            for file in package.rglob("*.py")
            if file.name != "metrics.py"
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Name)
        }
        names = {name for name, each in vars(metrics).items() if isinstance(each, Metric)}
        assert names <= used

    def test_the_docs_have_its_table(self) -> None:
        page = (DOCS / "metrics.md").read_text()
        assert runpy.run_path(str(DOCS / "metrics_page.py"))["page"](page) == page
        assert all(f"| `{metric.name}` |" in page for metric in METRICS)


class TestTheDashboard:
    def test_it_is_one_to_grafanas_own_types_and_no_field_is_unknown_to_them(self) -> None:
        register_default_plugins()
        known = Dashboard.from_json(json.loads(json.dumps(DASHBOARD)))
        assert list(lost(DASHBOARD, json.loads(JSONEncoder().encode(known)))) == []

    def test_a_field_that_grafana_does_not_know_is_noticed(self) -> None:
        register_default_plugins()
        wrong = {**DASHBOARD, "panles": []}
        known = Dashboard.from_json(json.loads(json.dumps(wrong)))
        assert list(lost(wrong, json.loads(JSONEncoder().encode(known)))) == [".panles"]

    def test_panels_have_ids_of_their_own_and_places_that_do_not_overlap(self) -> None:
        ids = [panel["id"] for panel in DASHBOARD["panels"]]
        assert len(set(ids)) == len(ids)
        cells = [
            (x, y)
            for at in (panel["gridPos"] for panel in DASHBOARD["panels"])
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) == 23

    @pytest.mark.parametrize(("title", "query"), queries(), ids=lambda each: str(each)[:40])
    def test_each_query_asks_for_metrics_and_tags_that_there_are(self, title: str, query: str) -> None:
        [name] = set(re.findall(r"airflow_ninebits_\w+", query))
        metric = NAMED[name.removesuffix("_bucket")]
        assert (metric.kind is Kind.TIMER) == ("histogram_quantile" in query)
        assert name.endswith("_bucket") == ("_seconds" in name)
        for by in re.findall(r"by \((\w+)\)", query):
            assert by in (*metric.tags, "le")
        assert query.count("(") == query.count(")")

    @pytest.mark.parametrize("metric", [metrics.REQUESTS, metrics.ALERTS, metrics.TURNED_AWAY, metrics.WAITS_ENDED])
    def test_the_first_of_what_is_rare_shows(self, metric: Metric) -> None:
        [name] = in_prometheus(metric)
        [query] = [query for _, query in queries() if name in query]
        # What begins at 1 has not risen yet, by `increase`.
        assert f"({name} unless {name} offset $__rate_interval) or increase({name}[$__rate_interval])" in query

    def test_every_metric_is_on_it(self) -> None:
        asked = " ".join(query for _, query in queries())
        assert [metric.name for metric in METRICS if in_prometheus(metric)[0] not in asked] == []


class TestTheMappingOfStatsd:
    MAPPINGS = yaml.safe_load((DOCS / "grafana/statsd-mapping.yaml").read_text())["mappings"]

    @pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
    def test_each_metric_gets_the_name_and_the_labels_that_the_dashboard_asks_for(self, metric: Metric) -> None:
        sent = f"airflow.{metric.name}" + ".*" * len(metric.in_name)
        [mapping] = [each for each in self.MAPPINGS if each["match"] == sent]
        assert mapping["name"] == in_prometheus(metric)[-1]
        assert mapping.get("labels", {}) == {tag: f"${place}" for place, tag in enumerate(metric.in_name, 1)}
        assert ("histogram_options" in mapping) == (metric.kind is Kind.TIMER)

    def test_there_are_no_others(self) -> None:
        assert len(self.MAPPINGS) == len(METRICS)


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The places of what is in one JSON value and not, or otherwise, in another."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name not in after:
                yield f"{path}.{name}"
            else:
                yield from lost(value, after[name], f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, pair in enumerate(zip(before, after, strict=True)):
            yield from lost(*pair, f"{path}[{place}]")
    elif before != after:
        yield path
