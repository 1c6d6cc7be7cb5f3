"""Ladders that alerts have begun: whether somebody rings on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level, shown_moment

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.vitals import LadderRows

LATELY = timedelta(days=7)

UNWATCHED = FindingKind(
    "escalation_unwatched",
    "escalation",
    "Alerts with escalate= began {begun} ladders in the last 7 days, and no DAG looks for them ({seen}).",
    "Their first contact alone is rung: if they do not answer, nobody is.",
    "Put `escalation_dag()` into a file of the DAG folder, unpause it, and run a triggerer.",
)
LEFT = FindingKind(
    "escalation_left",
    "escalation",
    "{left} ladders of the last 7 days were taken by no run of the escalation DAG, though the DAG looks for them now.",
    "Their further contacts were not rung.",
    "Unpause the DAG of `escalation_dag()`, and look why its runs do not begin: "
    "its pool, max_active_runs, import errors.",
    Level.NOTE,
)
WATCH_ENDED = FindingKind(
    "escalation_watch_ended",
    "escalation",
    "The escalation DAG looked for ladders last at {seen}, and does not any more.",
    "The next alert with escalate= rings its first contact alone.",
    "Start a triggerer, or put `escalation_dag()` back; if nothing escalates any more, ignore this.",
    Level.NOTE,
)
KINDS = (UNWATCHED, LEFT, WATCH_ENDED)


def judge(seen: LadderRows) -> list[Finding]:
    """Return what is to be said of ladders."""
    last = None if seen.seen_at is None else shown_moment(seen.seen_at)
    if seen.watched:
        return [LEFT.found(left=seen.left)] if seen.left else []
    if seen.begun:
        return [UNWATCHED.found(begun=seen.begun, seen=f"none since {last}" if last else "none ever did")]
    return [WATCH_ENDED.found(seen=last)] if last else []
