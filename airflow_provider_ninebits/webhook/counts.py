"""What a receiver counts, told as metrics: by the group and by the heartbeat, not by the callback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ninebits.metrics import CALLBACKS, SEND_TO_CALLBACK, TURNED_AWAY, UNMATCHED

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.callbacks import Stored
    from airflow_provider_ninebits.ledger.receivers import TurnedAway
    from airflow_provider_ninebits.metrics import Record


class Counts:
    """
    Tells what a receiver has done.

    :param record: None: to nobody.
    """

    def __init__(self, record: Record | None) -> None:
        self._record = record

    @property
    def are_told(self) -> bool:
        """Whether there is somebody to tell."""
        return self._record is not None

    def stored(self, stored: Stored) -> None:
        """Tell of a group that was committed."""
        if self._record is None:
            return
        for (outcome, match), count in stored.by_outcome.items():
            self._record(CALLBACKS, count, {"outcome": outcome, "match": match})
        for conn_id, seconds in stored.first_callbacks:
            self._record(SEND_TO_CALLBACK, seconds, {"conn_id": conn_id})

    def turned_away(self, turned_away: TurnedAway) -> None:
        """Tell of callbacks that were not taken."""
        if self._record is None:
            return
        counts = {"401": turned_away.unauthorized, "413": turned_away.oversized, "503": turned_away.unavailable}
        for status, count in counts.items():
            # None as well: what begins with 1 has not risen, and no alert would see the first of them.
            self._record(TURNED_AWAY, count, {"status": status})

    def unmatched(self, count: int) -> None:
        """Tell how many callbacks are nobody's."""
        if self._record is not None:
            self._record(UNMATCHED, count)
