"""What a send pushes to XCom ``ref_id``, and when."""

from __future__ import annotations

import logging
import time
from bisect import insort
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import SendPlan

PUSH_INTERVAL_SECONDS = 1.0

log = logging.getLogger(__name__)


class PlacedParts:
    """
    Pushes the ``ref_id`` of placed parts at once; of many parts once a second, since each push is a request.

    :param ti: the task instance.
    """

    def __init__(self, ti: Any) -> None:
        self._ti = ti
        self._placed: list[tuple[int, str]] = []
        self._pushed_at = float("-inf")

    def add(self, ref_id: str, place: int) -> None:
        """Take the ``ref_id`` of a part; they are pushed in the order of their places."""
        insort(self._placed, (place, ref_id))
        if time.monotonic() - self._pushed_at >= PUSH_INTERVAL_SECONDS:
            self._ti.xcom_push(key="ref_id", value=one_or_list([each for _, each in self._placed]))
            self._pushed_at = time.monotonic()


@contextmanager
def pushed_as_placed(database: Database, plan: SendPlan, ti: Any) -> Iterator[Callable[[str, int], None]]:
    """
    Give what is to be called with each ``ref_id`` of a send; when that fails, push all that was placed before.

    A send that leaves its worker until its hours open fails too, for this.
    """
    placed = PlacedParts(ti)
    try:
        yield placed.add
    except BaseException:
        # Task time-outs are no Exception.
        push_what_was_placed(database, plan, ti)
        raise


def push_what_was_placed(database: Database, plan: SendPlan, ti: Any) -> None:
    """
    Push the parts that were placed before a send failed: somebody may want to wait for them.

    It raises nothing of its own but what interrupts the task: the error to tell is the send's.
    """
    from airflow_provider_ninebits.ledger.errors import LedgerError
    from airflow_provider_ninebits.ledger.sends import placed_refs

    try:
        placed = placed_refs(database, plan.idempotency_key)
    except LedgerError as error:
        log.warning("What was placed before the failure is not all in XCom: %s", error)
        return
    if not placed:
        return
    try:
        ti.xcom_push(key="ref_id", value=one_or_list(placed))
    except Exception as error:
        log.warning("What was placed before the failure could not be pushed to XCom: %s", error)


def one_or_list(ref_ids: list[str]) -> str | list[str]:
    """Return the one ``ref_id`` of a send of one part as text, several as a list of their own."""
    return ref_ids[0] if len(ref_ids) == 1 else list(ref_ids)
