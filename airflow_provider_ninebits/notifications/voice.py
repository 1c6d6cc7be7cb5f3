"""The notifier: a phone rings when something fails, and once when many things fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseNotifier

from airflow_provider_ninebits.exceptions import (
    InvalidArgument,
    LedgerUnavailable,
    MessageUncertain,
    SendFailed,
    SendStopped,
)
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.waiting import read_duration
from airflow_provider_ninebits.notifications.bounded import Deadline, begin, is_done, is_done_async, may_ask_airflow
from airflow_provider_ninebits.notifications.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from concurrent.futures import Future

    from airflow.sdk import Context

    from airflow_provider_ninebits.notifications.ringing import Report, Ringing

COOLDOWN = timedelta(minutes=15)
NOTIFY_TIMEOUT_SECONDS = 20.0
_LAST_PART = 0.05
"""Of the whole time, for what was told to stop to come to its end, and to say where it was."""
_RINGING = "airflow_provider_ninebits.notifications.ringing"

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
            bounds = _Bounds(self, context)
            ringing = bounds.ringing()
            if not may_ask_airflow():
                # So this much has Airflow's own bounds.
                ringing.open()
            done = begin(ringing.ring)
            try:
                if not is_done(done, bounds.work.seconds_left()):
                    ringing.stop()
                    is_done(done, bounds.whole.seconds_left())
            except BaseException:
                # A signal, or Airflow's time-outs, which are no Exception: nobody is rung after them.
                ringing.stop()
                raise
            bounds.tell(ringing, done)
        except Exception as error:
            _tell_failure(error)

    async def async_notify(self, context: Context) -> None:
        """Ring as :meth:`notify` does, while the running loop goes on."""
        from asgiref.sync import sync_to_async

        try:
            # Not in the loop, which it would hold up.
            await asyncio.to_thread(import_module, _RINGING)
            bounds = _Bounds(self, context)
            ringing = bounds.ringing()
            # A triggerer before 3.3 answers threads that its loop has lent alone.
            opening = asyncio.ensure_future(sync_to_async(ringing.open)())
            opening.add_done_callback(lambda opened: None if opened.cancelled() else opened.exception())
            if not (await asyncio.wait({opening}, timeout=bounds.work.seconds_left()))[0]:
                ringing.stop()
                bounds.tell_late(ringing)
                return
            await opening
            done = begin(ringing.ring)
            try:
                if not await is_done_async(done, bounds.work.seconds_left()):
                    ringing.stop()
                    await is_done_async(done, bounds.whole.seconds_left())
            except BaseException:
                ringing.stop()
                raise
            bounds.tell(ringing, done)
        except Exception as error:
            _tell_failure(error)


class _Bounds:
    """What of a notifier is rendered, and until when it has to be rung; ``work``: until when requests are begun."""

    def __init__(self, notifier: NineBitsNotifier, context: object) -> None:
        # The clock runs before anything is rendered: templates may ask Airflow for something.
        begun = Deadline(0.0)
        self._given: Mapping[str, Any] = context if isinstance(context, Mapping) else {}
        self._templates = Templates(notifier, self._given)
        self.seconds = _seconds("notify_timeout", self._templates.optional("notify_timeout", NOTIFY_TIMEOUT_SECONDS))
        self.whole = begun.later(self.seconds)
        self.work = begun.later(self.seconds * (1 - _LAST_PART))

    def ringing(self) -> Ringing:
        """
        Return what is to be rung.

        :raises InvalidArgument: for a field that cannot be rendered, and without which nobody can be rung.
        """
        from airflow_provider_ninebits.notifications.occasion import read_occasion
        from airflow_provider_ninebits.notifications.ringing import Ringing, VoiceAlert

        field = self._templates
        dedup_key = field.optional("dedup_key", None)
        wanted = VoiceAlert(
            to=field.needed("to"),
            escalate=field.optional("escalate", None),
            media_url=field.needed("media_url"),
            from_number=field.optional("from_number", None),
            dedup_key=None if dedup_key is None else _dedup_key(dedup_key),
            cooldown=timedelta(seconds=_seconds("cooldown", field.optional("cooldown", COOLDOWN))),
            occasion=read_occasion(self._given),
        )
        return Ringing(str(field.needed("ninebits_conn_id")), wanted, self.work)

    def tell(self, ringing: Ringing, done: Future[Report]) -> None:
        """
        Log what became of it.

        :raises Exception: what it has failed with.
        """
        if not done.done():
            self.tell_late(ringing)
            return
        report = done.result()
        log.log(report.level, "%s", report.line)

    def tell_late(self, ringing: Ringing) -> None:
        """Log that its time is over, and what it was at."""
        log.error(
            "The alert is not known to have rung anybody: %g s (notify_timeout) are over, and it is still %s. What is "
            "under way is left to itself, or ends with this process; no further request is begun. Is what it waits for "
            "up, and is notify_timeout long enough for it? `ninebits alerts list` shows what rang.",
            self.seconds,
            ringing.stage,
        )


def _seconds(field: str, value: object) -> float:
    """Return a duration in seconds, or the default for one that is none: an alert is not lost for that."""
    default = {"cooldown": COOLDOWN.total_seconds(), "notify_timeout": NOTIFY_TIMEOUT_SECONDS}[field]
    try:
        seconds = read_duration(field, float(value) if isinstance(value, str) else value).total_seconds()
        if field == "notify_timeout" and not seconds:
            raise InvalidArgument("notify_timeout is 0; give more")
    except ValueError as error:
        log.error("%s is taken as %g s, since this cannot be read: %s", field, default, error)
        return default
    return seconds


def _dedup_key(value: object) -> str | None:
    text = str(value).strip()
    if text.lower() in ("", "none", "null"):
        log.warning("dedup_key was rendered as %r, so the DAG and its run are taken instead.", text)
        return None
    return text


def _tell_failure(error: Exception) -> None:
    """Log why nobody is known to be rung, and what to do."""
    from airflow_provider_ninebits.api.shown import shown_text

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
