"""What the event of a task's outlet tells of a send or its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def tell_assets(context: Mapping[str, Any], ref_ids: Sequence[str], counts: Mapping[str, int]) -> None:
    """
    Put ``ref_ids`` and counts into the extra of the task's asset events; no number, which whoever reads assets sees.

    Airflow makes these events when the task has succeeded, and none when it fails. An alias has none of its own.

    :param context: the one that the task ends with: what a context held before a deferral is gone.
    """
    from airflow.sdk import AssetAlias

    events = context.get("outlet_events")
    if events is None:
        return
    for outlet in context.get("outlets") or ():
        if not isinstance(outlet, AssetAlias):
            events[outlet].extra.update({"ref_ids": list(ref_ids), **counts})


def outcome_counts(outcome: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of an outcome, without its calls."""
    return {name: outcome[name] for name in ("recipients", "answered", "unanswered", "failed", "pending")}
