"""
One wait, whichever way it is waited: poke, reschedule, deferred, or after a send.

A look at the ledger becomes a :class:`Standing` by a pure function, and a standing an end by :func:`conclude`, so that
all modes come to the same end.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, cast

from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_ninebits.airflow_stats import record
from airflow_provider_ninebits.exceptions import CallsUnanswered, InvalidArgument, LedgerUnavailable, UnknownRefId
from airflow_provider_ninebits.hooks.arguments import read_ref_ids
from airflow_provider_ninebits.hooks.asset_events import outcome_counts, tell_assets
from airflow_provider_ninebits.hooks.log_lines import outcome_line
from airflow_provider_ninebits.hooks.patience import patient
from airflow_provider_ninebits.metrics import WAITS_ENDED

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.ledger.counts import Look
    from airflow_provider_ninebits.ledger.outcome import FailOn, Progress, WaitFor

OnTimeout = Literal["fail", "return"]

UNKNOWN_AFTER_SECONDS = 60.0
"""Every send is recorded before its ``ref_id`` leaves: one that stays unknown this long belongs to another ledger."""

_LONGEST_SECONDS = timedelta(days=36500).total_seconds()
_BACKSTOP = timedelta(hours=1)

log = logging.getLogger(__name__)


def backstop(hook: NineBitsHook) -> timedelta:
    """
    Return how much later than our own deadline Airflow's comes.

    Ours hands out the outcome so far, Airflow's does not; and an outage that ends a wait is no time-out, which
    ``soft_fail`` would skip.
    """
    return _BACKSTOP + timedelta(seconds=hook.settings.outage_tolerance_seconds)


class Standing(StrEnum):
    """Where a wait is after a look."""

    WAITING = "waiting"
    OVER = "over"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Wait:
    """
    What is waited for, and what counts as its failure.

    :param attempt_window: how long an unanswered recipient may still be tried again; None: the option's.
    """

    ref_ids: tuple[str, ...]
    wait_for: WaitFor = "all"
    fail_on_unanswered: FailOn = False
    on_timeout: OnTimeout = "fail"
    attempt_window: timedelta | None = None

    @classmethod
    def checked(
        cls,
        ref_id: object,
        *,
        wait_for: str,
        fail_on_unanswered: bool | str,
        on_timeout: str,
        attempt_window: timedelta | float | None = None,
    ) -> Wait:
        """
        Read a task's arguments.

        :raises InvalidArgument: for values that are none of those allowed.
        """
        _one_of("wait_for", wait_for, ("all", "any"))
        _one_of("fail_on_unanswered", fail_on_unanswered, (False, "all", "any"))
        _one_of("on_timeout", on_timeout, ("fail", "return"))
        return cls(
            ref_ids=tuple(read_ref_ids(ref_id)),
            wait_for=cast("WaitFor", wait_for),
            fail_on_unanswered=cast("FailOn", fail_on_unanswered),
            on_timeout=cast("OnTimeout", on_timeout),
            attempt_window=None if attempt_window is None else read_duration("attempt_window", attempt_window),
        )


def read_duration(argument: str, value: object) -> timedelta:
    """
    Return a duration, given as a timedelta or in seconds.

    :raises InvalidArgument: for what is neither, or negative.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= _LONGEST_SECONDS:
        raise InvalidArgument(f"{argument} is {value!r}; give a timedelta, or seconds, 0 or more")
    return timedelta(seconds=seconds)


def standing(
    progress: Progress, wait_for: WaitFor, *, ledger_now: datetime, now: float, first_look_at: float, deadline: float
) -> Standing:
    """
    Return where a wait is. Pure.

    :param ledger_now: the ledger's clock, which attempt windows are counted on.
    :param now: this machine's clock, like the next two in epoch seconds.
    :param first_look_at: when the wait first looked, whatever restarts came since.
    :param deadline: when it times out.
    """
    from airflow_provider_ninebits.ledger.outcome import is_over

    if is_over(progress, wait_for, ledger_now):
        return Standing.OVER
    if progress.purged_ref_ids:
        return Standing.UNKNOWN
    if progress.unknown_ref_ids and now >= first_look_at + UNKNOWN_AFTER_SECONDS:
        return Standing.UNKNOWN
    return Standing.TIMED_OUT if now >= deadline else Standing.WAITING


def look_standing(
    hook: NineBitsHook, wait: Wait, *, first_look_at: float, deadline: float, tolerance_seconds: float | None = None
) -> tuple[Standing, Look]:
    """
    Look, and say where the wait is.

    A deadline that passes while the ledger cannot be read is judged by the first look after that.

    :param tolerance_seconds: for how long an outage is borne; None: the option's.
    :raises LedgerUnavailable: when the ledger cannot be read for longer.
    """
    tolerance = hook.settings.outage_tolerance_seconds if tolerance_seconds is None else tolerance_seconds
    seen = patient(lambda: hook.look(wait.ref_ids, wait.attempt_window), tolerance)
    now = time.time()
    return (
        standing(
            seen.progress,
            wait.wait_for,
            ledger_now=seen.now,
            now=now,
            first_look_at=first_look_at,
            deadline=deadline,
        ),
        seen,
    )


def conclude(hook: NineBitsHook, wait: Wait, end: Standing, context: Any) -> dict[str, Any]:
    """
    End a wait: return its outcome as plain JSON, or raise what its end calls for.

    A failing end leaves the outcome in XCom under ``outcome``, for the tasks that deal with it.

    :raises CallsUnanswered: when it disappoints, as ``fail_on_unanswered`` says.
    :raises AirflowSensorTimeout: when it timed out and ``on_timeout="fail"``.
    :raises UnknownRefId: when the ledger has never seen a ``ref_id``, or has purged it.
    :raises LedgerUnavailable: when the ledger cannot be read.
    """
    from airflow_provider_ninebits.ledger.outcome import Progress, disappoints

    tolerance = hook.settings.outage_tolerance_seconds
    if end is Standing.UNKNOWN:
        record(WAITS_ENDED, 1, {"result": end})
        seen = patient(lambda: hook.look(wait.ref_ids, wait.attempt_window), tolerance).progress
        raise UnknownRefId.told(seen.unknown_ref_ids or wait.ref_ids, seen.purged_ref_ids, hook.database.masked_url)
    outcome = patient(lambda: hook.read_outcome(wait.ref_ids, wait.attempt_window), tolerance)
    result = outcome.as_dict()
    if end is Standing.TIMED_OUT:
        record(WAITS_ENDED, 1, {"result": end})
        log.info("%s", outcome_line("The wait timed out", "wait_timed_out", outcome))
        if wait.on_timeout == "return":
            tell_assets(context, outcome.ref_ids, outcome_counts(result))
            return result
        context["ti"].xcom_push(key="outcome", value=result)
        raise AirflowSensorTimeout(
            f"The wait timed out with {outcome.summary()}; the outcome so far is in XCom 'outcome'."
        )
    log.info("%s", outcome_line("The wait is over", "wait_over", outcome))
    counts = Progress(outcome.recipients, outcome.answered, outcome.unanswered, outcome.failed)
    failed = disappoints(counts, wait.fail_on_unanswered)
    record(WAITS_ENDED, 1, {"result": "unanswered" if failed else "over"})
    if failed:
        context["ti"].xcom_push(key="outcome", value=result)
        raise CallsUnanswered(result)
    tell_assets(context, outcome.ref_ids, outcome_counts(result))
    return result


def read_event(event: dict[str, Any] | None) -> Standing:
    """
    Return how a deferred wait ended.

    :raises LedgerUnavailable: when the trigger could not read the ledger.
    :raises RuntimeError: for anything that is no event of ours: a wait never ends well by default.
    """
    status = event.get("status") if isinstance(event, dict) else None
    if status == "error" and event:
        record(WAITS_ENDED, 1, {"result": "error"})
        # Triggers of older versions say less.
        advice = {"advice": str(event["advice"])} if event.get("advice") else {}
        raise LedgerUnavailable(
            str(event.get("masked_url") or ""), f"in the triggerer, {event.get('message')}", **advice
        )
    if status in (Standing.OVER, Standing.TIMED_OUT, Standing.UNKNOWN):
        return Standing(status)
    raise RuntimeError(f"the trigger's event {event!r} says nothing about the wait; clear the task to wait again")


def _one_of(argument: str, value: object, allowed: tuple[object, ...]) -> None:
    if not any(value is one or (isinstance(value, str) and value == one) for one in allowed):
        choices = ", ".join(repr(one) for one in allowed)
        raise InvalidArgument(f"{argument} is {value!r}; it is one of {choices}")
