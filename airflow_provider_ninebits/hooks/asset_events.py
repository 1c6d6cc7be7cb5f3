"""What the event of a task's outlet tells of a send or its outcome."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)


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
        if isinstance(outlet, AssetAlias):
            continue
        try:
            events[outlet].extra.update({"ref_ids": list(ref_ids), **counts})
        except TypeError:
            # No asset: a file or a table, of which only lineage is told.
            continue
        except Exception as error:
            # The phones have rung: a task that failed of this would be cleared, and ring again.
            log.warning("The event of outlet %r says nothing of the calls: %s", outlet, error)


def outcome_counts(outcome: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of an outcome, without its calls."""
    return {name: outcome[name] for name in ("recipients", "answered", "unanswered", "failed", "pending")}
