"""What the page of pictures shows: calls counted, and grouped by what the reader's clock says."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.ledger import known_names
from airflow_provider_ninebits.ledger.statistics import (
    DELAYS_SECONDS,
    LOOKED_AT,
    MESSAGES,
    TIMED,
    Span,
    Totals,
    count_calls,
)
from airflow_provider_ninebits.page import filters, pictures, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from airflow_provider_ninebits.page.access import Reader
    from airflow_provider_ninebits.page.desk import Desk
    from airflow_provider_ninebits.page.filters import Given

DAYS = 30
LONGEST_DAYS = 366
BY_HOUR = timedelta(days=3)
"""Spans up to here are shown by the hour."""
DAGS_SHOWN = 12
OFFERED_DAYS = (1, 7, 30, 90)
_SLOTS = {True: "%Y-%m-%dT%H:00", False: "%Y-%m-%d"}


def summarized(
    desk: Desk, who: Reader, given: Given, conn_ids: tuple[str, ...] | None, offered: tuple[str, ...]
) -> dict[str, Any]:
    """
    Return what the page shows.

    :param conn_ids: of which connections; None: of all.
    :param offered: the connections to choose among.
    """
    zone = filters.read_zone(given)
    since, until = span_of(given, zone)
    deployment = desk.deployment()
    with desk.reading() as connection:
        totals = count_calls(connection, Span(since, until, conn_ids, given.get("dag_id"), deployment))
        dags = known_names.dags_of(connection, limit=200, deployment=deployment)
    names = {dag for dag in totals.by_dag if dag is not None}
    allowed = who.dags({*names, *dags})
    return {
        "zone": zone,
        "since": since,
        "until": until,
        "totals": totals,
        "counted": MESSAGES,
        "looked_at": LOOKED_AT,
        "timed": TIMED,
        "columns": columns(totals, until, zone),
        "week": week(totals, zone),
        "spend": spend(totals, allowed),
        "delays": delays(totals),
        "dags": [dag for dag in dags if dag in allowed],
        "conn_ids": offered,
        "offered_days": OFFERED_DAYS,
        "days_shown": days_given(given),
    }


def span_of(given: Given, zone: tzinfo) -> tuple[datetime, datetime]:
    """
    Return from when until when calls are counted: ``since`` and ``until``, or the last ``days``.

    :raises NotUnderstood: for a span that is none, or longer than a year.
    """
    until = filters.read_moment(given, "until", zone) or datetime.now(UTC)
    since = filters.read_moment(given, "since", zone)
    if since is None:
        # A day that is shown begins with its first hour.
        days = days_given(given) or DAYS
        since = until - timedelta(days=days)
        if days > BY_HOUR.days:
            since = since.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    if since >= until:
        raise filters.NotUnderstood("since: it is not before until, so there is nothing in between")
    if until - since > timedelta(days=LONGEST_DAYS + 1):
        raise filters.NotUnderstood(f"since: at most {LONGEST_DAYS} days are counted at once; give a later one")
    return since, until


def days_given(given: Given) -> int | None:
    """
    Return how many days back are asked for; None: other limits are, or none.

    :raises NotUnderstood: for what is no such number.
    """
    text = given.get("days")
    if given.get("since") is not None:
        return None
    if text is None:
        return None if given.get("until") else DAYS
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) <= LONGEST_DAYS):
        raise filters.NotUnderstood(f"days: give a number from 1 to {LONGEST_DAYS}")
    return int(text)


def columns(totals: Totals, until: datetime, zone: tzinfo) -> list[pictures.Column]:
    """Return the calls of each day, or of each hour of a short span, those without any included."""
    since = totals.counted_since
    by_hour = until - since <= BY_HOUR
    form = "%a %H:00" if by_hour else "%d %b"
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for moment, states in totals.by_quarter.items():
        found[_slot(moment, zone, by_hour)].update({str(state): count for state, count in states.items()})
    # From one wall clock's reading to the next: a clock that is set leaves none out.
    slots = {*found, _slot(since, zone, by_hour)}
    reading, last = datetime.fromisoformat(min(slots)), _slot(until, zone, by_hour)
    step = timedelta(hours=1) if by_hour else timedelta(days=1)
    while (slot := reading.strftime(_SLOTS[by_hour])) <= last:
        slots.add(slot)
        reading += step
    return [pictures.Column(datetime.fromisoformat(slot).strftime(form), found[slot]) for slot in sorted(slots)]


def _slot(moment: datetime, zone: tzinfo, by_hour: bool) -> str:
    return moment.astimezone(zone).strftime(_SLOTS[by_hour])


def week(totals: Totals, zone: tzinfo) -> dict[tuple[int, int], tuple[int, int]]:
    """Return for each weekday and hour how many were called, and how many answered; those who wait are not counted."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for moment, states in totals.by_quarter.items():
        local = moment.astimezone(zone)
        place = (local.weekday(), local.hour)
        calls, answers = found.get(place, (0, 0))
        settled = sum(count for state, count in states.items() if state != "pending")
        found[place] = (calls + settled, answers + sum(n for state, n in states.items() if state == "answered"))
    return {place: cell for place, cell in found.items() if cell[0]}


def spend(totals: Totals, allowed: set[str]) -> list[tuple[str, str | None, int, Decimal]]:
    """
    Return what each DAG has cost: its title, its id where it may be linked to, its calls, its amount; dearest first.

    DAGs that the reader may not read are counted as one, and those past the first few as well.
    """
    known: list[tuple[str, str | None, int, Decimal]] = []
    hidden, others = [(0, Decimal(0))], [(0, Decimal(0))]
    by_cost = sorted(totals.by_dag.items(), key=lambda item: (-item[1][1], -item[1][0], item[0] or ""))
    for dag_id, (count, amount) in by_cost:
        if dag_id is not None and dag_id not in allowed:
            hidden.append((count, amount))
        elif len(known) >= DAGS_SHOWN:
            others.append((count, amount))
        else:
            known.append((dag_id or "outside of a task", dag_id, count, amount))
    return [
        *known,
        *_together("other DAGs", others),
        *_together("DAGs that you may not read", hidden),
    ]


def _together(title: str, some: Iterable[tuple[int, Decimal]]) -> list[tuple[str, str | None, int, Decimal]]:
    count, amount = 0, Decimal(0)
    for each_count, each_amount in some:
        count, amount = count + each_count, amount + each_amount
    return [(title, None, count, amount)] if count else []


def delays(totals: Totals) -> list[tuple[str, int]]:
    """Return how many answers took how long."""
    ends = [shown.seconds(seconds) for seconds in DELAYS_SECONDS]
    titles = [f"{begin} to {end}" for begin, end in pairwise(ends)]
    return list(zip([f"up to {ends[0]}", *titles, f"over {ends[-1]}"], totals.delays, strict=True))
