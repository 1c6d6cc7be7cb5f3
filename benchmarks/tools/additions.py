"""
What events and metrics add to the storing of a callback, beside a ledger where nobody wants either.

Groups of 16 are stored in this process, each side in turn with a fresh ledger. On PostgreSQL an event is queued by the
server, in the statement that is sent anyhow, so its processes' time is taken as well. Metrics are OpenTelemetry's, told
as the receiver tells them: after a group.
"""

from __future__ import annotations

import time
from contextlib import closing
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.tools import cpu
from benchmarks.tools.ledgers import accept_messages, callbacks_of
from benchmarks.tools.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ninebits.ledger.database import Database

ROUNDS = 7
CALLBACKS = 8000
GROUP = 16
_ALL, _NONE = ("answered", "unanswered", "failed"), ("failed",)
NEITHER = "nobody wants events, no metrics are told"
# Which states somebody wants to hear of (none of these calls fails), and whether metrics are told.
SIDES: dict[str, tuple[tuple[str, ...], bool]] = {
    NEITHER: ((), False),
    "a subscription that wants none of them": (_NONE, False),
    "a subscription that wants all of them": (_ALL, False),
    "metrics are told": ((), True),
}
_COLUMNS = ("this process", "PostgreSQL's", "by the clock")


def measure(database: str, url_of: Callable[[object], str]) -> Results:
    """Store with and without, in turn."""
    rounds = [
        {side: _stored(url_of(f"added_{place}_{turn}"), *SIDES[side]) for place, side in enumerate(SIDES)}
        # The first round loads and compiles, and does not count.
        for turn in range(ROUNDS + 1)
    ][1:]
    heads = [head for column in _COLUMNS for head in (column, "spread", "more")]
    results = Results(f"Storing a callback in a group of {GROUP}, {database}, in microseconds", ("while", *heads))
    for side in SIDES:
        cells: list[str] = []
        for column in range(len(_COLUMNS)):
            found = [each[side][column] for each in rounds]
            more = median(each[side][column] - each[NEITHER][column] for each in rounds)
            cells += [f"{median(found):.0f}", f"{min(found):.0f} to {max(found):.0f}", f"{more:+.1f}"]
        results.add(side, *cells)
    return results


def _stored(url: str, states: tuple[str, ...], metrics: bool) -> tuple[float, float, float]:
    from airflow_provider_ninebits.ledger.callbacks import store
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.events import subscribe
    from airflow_provider_ninebits.ledger.states import RecipientState
    from airflow_provider_ninebits.ledger.wanted import Wanted
    from airflow_provider_ninebits.webhook.arrivals import read_arrivals
    from airflow_provider_ninebits.webhook.counts import Counts

    bodies = callbacks_of(accept_messages(url, CALLBACKS), with_ref_id=True)
    arrivals = [read_arrivals(body, None, "UTC")[0] for body in bodies]
    groups = [arrivals[start : start + GROUP] for start in range(0, len(arrivals), GROUP)]
    counts, postmaster = Counts(_record() if metrics else None), cpu.postmaster_of(url)
    with closing(Database(url)) as ledger:
        if states:
            subscribe(ledger, [Wanted("bench", states=tuple(map(RecipientState, states)))])
        # What is compiled once is no callback's.
        warm, rest = groups[: len(groups) // 4], groups[len(groups) // 4 :]
        for group in warm:
            counts.stored(store(ledger, group, window=timedelta(days=1)))
        before = _clocks(postmaster)
        for group in rest:
            counts.stored(store(ledger, group, window=timedelta(days=1)))
        after = _clocks(postmaster)
        _check_queued(ledger, expected=states == _ALL)
    used, served, took = (1e6 * (end - begin) / sum(map(len, rest)) for begin, end in zip(before, after, strict=True))
    return used, served, took


def _clocks(postmaster: int | None) -> tuple[float, float, float]:
    served = 0.0 if postmaster is None else cpu.of_process(postmaster, with_children=True)
    return time.process_time(), served, time.perf_counter()


def _record() -> Any:
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from airflow_provider_ninebits.webhook.telemetry import OpenTelemetry

    return OpenTelemetry(InMemoryMetricReader())


def _check_queued(ledger: Database, *, expected: bool) -> None:
    from sqlalchemy import func, select

    from airflow_provider_ninebits.ledger import schema

    with ledger.reading() as connection:
        queued = connection.execute(select(func.count()).select_from(schema.event)).scalar_one()
    if (queued > 0) != expected:
        raise RuntimeError(f"{queued} events were queued")
