"""From what a send is given to a plan in the ledger: checked as a whole, and recorded before anybody is rung."""

from __future__ import annotations

import logging
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.errors import InvalidMessage
from airflow_provider_ninebits.api.messages import check_caller_id, check_media_url, media_identity
from airflow_provider_ninebits.api.numbers import MAX_RECIPIENTS_PER_REQUEST
from airflow_provider_ninebits.exceptions import InvalidArgument, KeyReused, SendFailed, SendStopped
from airflow_provider_ninebits.hooks.opening import DestinationZones
from airflow_provider_ninebits.hooks.outages import ledger_errors
from airflow_provider_ninebits.hooks.progress import tell_reading
from airflow_provider_ninebits.hooks.receipts import SendReceipt
from airflow_provider_ninebits.hooks.recipients import read_exclude, read_max_recipients, read_to
from airflow_provider_ninebits.ledger import planning
from airflow_provider_ninebits.ledger.errors import KeyInUse, PlanRefused, SendBusy
from airflow_provider_ninebits.ledger.sends import AskedBy, SendPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_ninebits.hooks.hours import CallingHours
    from airflow_provider_ninebits.ledger.database import Database

log = logging.getLogger(__name__)


def make_plan(
    conn_id: str,
    to: object,
    media_url: str,
    from_number: object,
    *,
    key: str | None,
    asked_by: AskedBy,
    to_path: object = None,
    to_column: object = None,
    exclude: object = None,
    max_recipients: object = None,
    hours: CallingHours | None = None,
) -> SendPlan:
    """
    Check what is to be sent. Nothing is recorded or sent; what is at a path is read when the plan is.

    :param hours: in which it is to be sent; only how it is laid out in parts depends on them.
    :raises InvalidArgument: with the (masked) value that cannot be sent, and how to mend it.
    """
    try:
        return SendPlan(
            idempotency_key=key,
            conn_id=conn_id,
            media=media_identity(check_media_url(media_url)),
            from_number=check_caller_id(from_number),
            numbers=read_to(to, to_path, to_column),
            asked_by=asked_by,
            excluded=read_exclude(exclude, to_column),
            max_recipients=read_max_recipients(max_recipients),
            zones_of=DestinationZones(hours) if hours is not None and hours.by_destination else None,
        )
    except InvalidMessage as error:
        raise InvalidArgument(str(error)) from error


def asked_by_environment(deployment: str) -> AskedBy:
    """Return the task that this process runs, as Airflow's environment tells it; outside of a task it tells nothing."""
    map_index = os.environ.get("AIRFLOW_CTX_MAP_INDEX", "")
    return AskedBy(
        deployment=deployment,
        dag_id=os.environ.get("AIRFLOW_CTX_DAG_ID"),
        run_id=os.environ.get("AIRFLOW_CTX_DAG_RUN_ID"),
        task_id=os.environ.get("AIRFLOW_CTX_TASK_ID"),
        map_index=int(map_index) if map_index.lstrip("-").isdigit() else None,
    )


@dataclass
class Planner:
    """
    Brings plans into a ledger, or only counts what they would send.

    :param stopped: asked while numbers are read and parts are written: whether to stop that.
    """

    database: Database
    stopped: Callable[[], bool] = lambda: False
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def record(self, plan: SendPlan, *, replan: bool) -> planning.Planned:
        """
        Record a send with all of its parts, or find the one that has its key.

        :raises InvalidArgument: for what cannot be sent; nothing was recorded.
        :raises KeyReused: for a key that stands for another send.
        :raises SendFailed: where another process is at the same send, or the task was stopped.
        :raises LedgerUnavailable: when the ledger does not take the plan.
        """
        with self._errors():
            planned = planning.plan_send(
                self.database,
                self._watched(plan),
                replan=replan,
                part_size=MAX_RECIPIENTS_PER_REQUEST,
                pause=self._pause,
            )
        if planned.difference:
            log.warning(
                "This send was begun before with something else (%s): what was or may have been placed stays, "
                "the rest is sent as it is given now.",
                planned.difference,
            )
        if planned.left_to_siblings:
            log.warning(
                "%d of the numbers that were given were, or may have been, rung by other instances of this mapped task "
                "(its list came in another order): they are left to them, and the ref_ids returned are theirs too.",
                planned.left_to_siblings,
            )
        _tell_excluded(planned.excluded)
        if planned.resumed and planned.parts and planned.all_accepted:
            log.warning(
                "Nobody was rung again: all %d parts of this send were accepted before. "
                "To ring again on purpose, clear the task after it has ended, or use another idempotency key.",
                len(planned.parts),
            )
        return planned

    def dry_run(self, plan: SendPlan) -> SendReceipt:
        """
        Read, check and count what a plan would send. Nothing is recorded, and no API key is needed.

        :raises InvalidArgument: for what cannot be sent.
        :raises LedgerUnavailable: when the ledger's database, which counts, does not answer.
        """
        with self._errors():
            recipients, parts, excluded = planning.count_given(
                self.database, self._watched(plan), part_size=MAX_RECIPIENTS_PER_REQUEST
            )
        receipt = SendReceipt([], recipients, excluded=excluded, dry_run=True, parts_counted=parts)
        log.info("A dry run: %d recipients in %d parts would be rung; nobody was.", recipients, receipt.parts)
        _tell_excluded(excluded)
        return receipt

    def _watched(self, plan: SendPlan) -> SendPlan:
        return replace(plan, numbers=self._watch(plan.numbers), excluded=self._watch(plan.excluded))

    def _watch(self, numbers: Iterable[str]) -> Iterator[str]:
        for number in tell_reading(numbers, self.clock):
            self._pause(0.0)
            yield number

    def _pause(self, seconds: float) -> None:
        if self.stopped():
            raise SendStopped("The task was stopped while its send was planned; nobody was rung, a retry plans it.")
        if seconds:
            log.info("Another process is at the same send, or at the same numbers; this one waits for it.")
            self.sleep(seconds)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with ledger_errors(self.database):
                yield
        except PlanRefused as error:
            raise InvalidArgument(str(error)) from error
        except KeyInUse as error:
            raise KeyReused(str(error)) from error
        except SendBusy as error:
            raise SendFailed(str(error)) from error


def _tell_excluded(excluded: int) -> None:
    if excluded:
        log.info("%d of the numbers that were given are excluded: they are not rung.", excluded)
