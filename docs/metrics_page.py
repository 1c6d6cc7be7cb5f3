"""Writes the table of ``metrics.md`` from the list that the code has: ``python docs/metrics_page.py``."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_ninebits.metrics import METRICS, Kind, Metric

PAGE = Path(__file__).with_name("metrics.md")
START, END = "<!-- table: written by docs/metrics_page.py -->\n", "<!-- end of table -->\n"


def line(metric: Metric) -> str:
    """Return the table's line for a metric."""
    tags = ", ".join(f"`{tag}`" for tag in metric.tags)
    kind = f"{metric.kind} ({metric.unit})" if metric.kind is not Kind.TIMER else str(metric.kind)
    return f"| `{metric.name}` | {kind} | {tags} | {metric.meaning} |\n"


def table() -> str:
    """Return the table."""
    return "| metric | kind | tags | what it says |\n| --- | --- | --- | --- |\n" + "".join(map(line, METRICS))


def page(text: str) -> str:
    """Return a page with the table in its place."""
    before, _, rest = text.partition(START)
    return f"{before}{START}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
