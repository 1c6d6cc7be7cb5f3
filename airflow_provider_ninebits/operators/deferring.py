"""How a send leaves its worker: until its calling hours open, and until its outcome is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import conf

from airflow_provider_ninebits.airflow_stats import record
from airflow_provider_ninebits.exceptions import OpeningTooLate
from airflow_provider_ninebits.hooks.waiting import backstop, read_duration
from airflow_provider_ninebits.metrics import HOURS_DEFERRALS

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator

    from airflow_provider_ninebits.hooks.hours import HoursClosed
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
    from airflow_provider_ninebits.hooks.waiting import Wait
    from airflow_provider_ninebits.operators.work import Work


def is_deferrable(given: bool | None) -> bool:
    """Return whether waits leave the worker: what was given, or for None Airflow's default."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False) if given is None else given)


def defer_until_settled(
    operator: BaseOperator, hook: NineBitsHook, wait: Wait, work: Work, begun_at: float, timeout: timedelta
) -> None:
    """
    Leave the worker until the outcome is there.

    :param begun_at: when the wait began, in epoch seconds.
    """
    from airflow_provider_ninebits.triggers.callback import CallbackTrigger

    operator.defer(
        trigger=CallbackTrigger(
            ref_ids=list(wait.ref_ids),
            wait_for=wait.wait_for,
            first_look_at=begun_at,
            deadline=begun_at + timeout.total_seconds(),
        ),
        method_name="execute_complete",
        kwargs={**work.as_kwargs(), "ref_ids": list(wait.ref_ids)},
        timeout=timeout + backstop(hook),
    )


def defer_until_open(
    operator: BaseOperator, closed: HoursClosed, work: Work, timeout: timedelta | float | None
) -> NoReturn:
    """
    Leave the worker until the calling hours open.

    Whatever ``deferrable`` says: a night in a worker helps nobody, and what is no sensor Airflow reschedules at once.

    :param timeout: how long after the attempt began they may open; None: whenever they do.
    :raises OpeningTooLate: where they open later.
    """
    from airflow_provider_ninebits.triggers.opening import OpeningTrigger

    limit = None
    if timeout is not None:
        limit = datetime.fromtimestamp(work.begun_at, UTC) + read_duration("opening_timeout", timeout)
    if closed.opens_at is None or (limit is not None and closed.opens_at > limit):
        raise OpeningTooLate(closed.recipients, str(closed.hours), _shown(closed.opens_at), _shown(limit))
    operator.log.info(
        "%d recipients in %d parts are outside of their calling hours (%s); they wait until %s.",
        *(closed.recipients, closed.parts, closed.hours, _shown(closed.opens_at)),
    )
    record(HOURS_DEFERRALS)
    trigger = OpeningTrigger(closed.opens_at.timestamp())
    operator.defer(trigger=trigger, method_name="execute_opened", kwargs=work.as_kwargs())


def check_opened(event: dict[str, Any] | None) -> None:
    """
    Make sure that a deferral came to its end as :func:`defer_until_open` meant it.

    :raises RuntimeError: for anything that is no event of ours.
    """
    if not isinstance(event, dict) or event.get("status") != "open":
        raise RuntimeError(f"the trigger's event {event!r} does not say that the hours are open; clear the task")


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
