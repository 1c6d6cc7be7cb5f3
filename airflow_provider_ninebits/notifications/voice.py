"""The notifier: a phone rings when something fails, and once when many things fail."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseNotifier

from airflow_provider_ninebits.exceptions import LedgerUnavailable, MessageUncertain, SendFailed, SendStopped
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.notifications.alarm import COOLDOWN, NOTIFY_TIMEOUT_SECONDS, Alarm
from airflow_provider_ninebits.notifications.bounded import begin, is_done, is_done_async, lend, may_ask_airflow

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator, Iterable, Sequence
    from concurrent.futures import Future
    from datetime import timedelta

    from airflow.sdk import Context

    from airflow_provider_ninebits.notifications.ringing import Report

log = logging.getLogger(__name__)


class NineBitsNotifier(BaseNotifier):
    """
    Rings somebody and plays a recording: for the callbacks of tasks and DAGs, and for deadlines.

    Alerts that are about the same ring once for a ``cooldown``, wherever they come from; the others are counted, and
    shown by ``ninebits alerts list``. It raises nothing: what goes wrong is logged, with what to do, and the task's own
    failure stays what is seen. An answer of 9bits' that leaves it open whether phones rang is sent again: an alert had
    better ring twice than never.

    Every field is templated with the context of the callback.

    :param to: a number with its country code, or several. None: the first contact of ``escalate``.
    :param media_url: where 9bits fetches the audio.
    :param ninebits_conn_id: the connection.
    :param dedup_key: what the alert is about. None: the DAG and its run, so that all tasks of a run ring once.
    :param cooldown: how long nothing that is about the same rings again, counted from the call: a timedelta, or
        seconds. 0: each alert rings.
    :param from_number: the caller ID; None: 9bits picks one of the account's.
    :param escalate: who is rung after ``to`` while nobody answers, in this order: numbers, or lists of numbers that are
        rung at once. The DAG of :func:`~.escalation.escalation_dag` does it; without that one the first contact alone
        is rung, and the log says so.
    :param notify_timeout: seconds that all of it may take.
    :param context: what templates are rendered with where the notifier is awaited; a deadline's comes by itself.
    """

    template_fields: Sequence[str] = (
        *("to", "media_url", "ninebits_conn_id"),
        *("dedup_key", "cooldown", "from_number", "escalate", "notify_timeout"),
    )

    def __init__(
        self,
        *,
        to: str | Iterable[str] | None = None,
        media_url: str,
        ninebits_conn_id: str = NineBitsHook.default_conn_name,
        dedup_key: str | None = None,
        cooldown: timedelta | float | str = COOLDOWN,
        from_number: str | None = None,
        escalate: str | Sequence[str | Sequence[str]] | None = None,
        notify_timeout: float | str = NOTIFY_TIMEOUT_SECONDS,
        context: Context | None = None,
    ) -> None:
        super().__init__()
        self.to = to
        self.media_url = media_url
        self.ninebits_conn_id = ninebits_conn_id
        self.dedup_key = dedup_key
        self.cooldown = cooldown
        self.from_number = from_number
        self.escalate = escalate
        self.notify_timeout = notify_timeout
        self.context = context if context is not None else {}

    def __call__(self, *args: Any) -> None:
        """
        Ring, in this thread; what Airflow's callbacks do.

        :param args: the context; or the four arguments of an SLA miss; or nothing.
        """
        context: Any = args[0] if args else self.context
        if len(args) > 1:
            context = dict(zip(("dag", "task_list", "blocking_task_list", "blocking_tis"), args, strict=False))
        self.notify(context)

    def __await__(self) -> Generator[Any, None, None]:
        """Ring, in a running loop, with the context that was given to the constructor; what deadlines do."""
        return self.async_notify(self.context).__await__()

    def notify(self, context: Context) -> None:
        """Ring, and come back within ``notify_timeout`` whatever hangs. Nothing is raised."""
        try:
            alarm = Alarm(self, context)
            if may_ask_airflow():
                is_done(begin(alarm.read_bound), alarm.work.seconds_left())
            else:
                # So this much has Airflow's own bounds.
                alarm.read_bound()
                alarm.open()
            done = begin(alarm.ring)
            try:
                if not is_done(done, alarm.work.seconds_left()):
                    alarm.stop()
                    is_done(done, alarm.whole.seconds_left())
            except BaseException:
                # A signal, or Airflow's time-outs, which are no Exception: nobody is rung after them.
                alarm.stop()
                raise
            _tell(alarm, done)
        except Exception as error:
            _tell_failure(error)

    async def async_notify(self, context: Context) -> None:
        """Ring as :meth:`notify` does, while the running loop goes on."""
        try:
            alarm = Alarm(self, context)
            # Not in the loop, which it would hold up.
            await is_done_async(lend(alarm.read_bound), alarm.work.seconds_left())
            done = lend(alarm.ring)
            try:
                if not await is_done_async(done, alarm.work.seconds_left()):
                    alarm.stop()
                    await is_done_async(done, alarm.whole.seconds_left())
            except BaseException:
                alarm.stop()
                raise
            _tell(alarm, done)
        except Exception as error:
            _tell_failure(error)


def _tell(alarm: Alarm, done: Future[Report] | asyncio.Future[Report]) -> None:
    """
    Log what became of an alert.

    :raises Exception: what it has failed with.
    """
    if not done.done():
        alarm.tell_late()
        return
    report = done.result()
    log.log(report.level, "%s", report.line)


def _tell_failure(error: Exception) -> None:
    """Log why nobody is known to be rung, and what to do."""
    from airflow_provider_ninebits.api.masking import shown_text

    # Errors of this package are masked already, and say what to do.
    if isinstance(error, MessageUncertain):
        log.error(
            "It is unknown whether the alert rang: %s. It was sent again as often as there was time; the next alert "
            "with its key sends it once more. `ninebits messages show %s` tells what is known.",
            error.problem,
            " ".join(error.message_ids),
        )
    elif isinstance(error, SendStopped):
        log.error(
            "The alert is not known to have rung, its time (notify_timeout) was over: %s The next alert with its key "
            "sends it. `ninebits messages list` shows whether something was sent before.",
            error,
        )
    elif isinstance(error, SendFailed):
        log.error("The alert rang nobody: %s Here that is the next alert with its key.", error)
    elif isinstance(error, LedgerUnavailable):
        log.error("The alert is not known to have rung, since the ledger says who rings, and failed: %s", error)
    elif isinstance(error, ValueError):
        log.error("The alert rang nobody: %s", error)
    else:
        log.error("The alert rang nobody: %s: %s", type(error).__name__, shown_text(str(error)), exc_info=error)
