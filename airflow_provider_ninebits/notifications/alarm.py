"""One alert from its templates to its call: until when it may ring, what it is at, and what is told of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.exceptions import InvalidArgument, SendStopped
from airflow_provider_ninebits.hooks.waiting import read_duration
from airflow_provider_ninebits.notifications.bounded import Deadline
from airflow_provider_ninebits.notifications.templates import Templates

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseNotifier

    from airflow_provider_ninebits.notifications.ringing import Report, Ringing, VoiceAlert

COOLDOWN = timedelta(minutes=15)
NOTIFY_TIMEOUT_SECONDS = 20.0
_LAST_PART = 0.05
"""Of the whole time, for what was told to stop to come to its end, and to say where it was."""
_RINGING = "airflow_provider_ninebits.notifications.ringing"

# As what the notifier says, which this is part of.
log = logging.getLogger("airflow_provider_ninebits.notifications.voice")


class Alarm:
    """
    What a notifier does with one context. Nothing is rendered before it is told to: that may take any time.

    ``whole``: until when its caller waits; ``work``: until when requests are begun.
    """

    def __init__(self, notifier: BaseNotifier, context: object) -> None:
        # The clock runs before anything is rendered: templates may ask Airflow for something.
        self._begun = Deadline(0.0)
        self._given: Mapping[str, Any] = context if isinstance(context, Mapping) else {}
        self._templates = Templates(notifier, self._given)
        self._ringing: Ringing | None = None
        self._stopped = threading.Event()
        given: Any = notifier.notify_timeout  # type: ignore[attr-defined]
        self._is_bound_known = not (isinstance(given, str) or callable(given))
        self._bound(_seconds("notify_timeout", given) if self._is_bound_known else NOTIFY_TIMEOUT_SECONDS)

    @property
    def stage(self) -> str:
        """What it is at, for who gives it up."""
        return self._templates.stage if self._ringing is None else self._ringing.stage

    def read_bound(self) -> None:
        """Render how long all of it may take; before that the default counts."""
        import_module(_RINGING)
        if not self._is_bound_known:
            given = self._templates.optional("notify_timeout", NOTIFY_TIMEOUT_SECONDS)
            self._bound(_seconds("notify_timeout", given))
            self._is_bound_known = True

    def open(self) -> None:
        """
        Render the templates, and read the connection.

        :raises InvalidArgument: for a field that cannot be rendered, and without which nobody can be rung; or for the
            connection.
        :raises SendStopped: its time was over before.
        """
        self._rendered().open()

    def ring(self) -> Report:
        """
        Ring, or leave it to who has rung; return what became of it.

        :raises Exception: nobody was rung, or nobody knows; it says why.
        """
        return self._rendered().ring()

    def stop(self) -> None:
        """Begin no further request, and end the one that is under way: what became of it is still recorded."""
        self._stopped.set()
        if self._ringing is not None:
            self._ringing.stop()

    def tell_late(self) -> None:
        """Log that its time is over, and what it was at."""
        log.error(
            "The alert is not known to have rung anybody: %g s (notify_timeout) are over, and it is still %s. What is "
            "under way is left to itself, or ends with this process; no further request is begun. Is what it waits for "
            "up, and is notify_timeout long enough for it? `ninebits alerts list` shows what rang.",
            self.seconds,
            self.stage,
        )

    def _rendered(self) -> Ringing:
        from airflow_provider_ninebits.notifications.ringing import Ringing

        if self._ringing is None:
            self._go_on()
            wanted = self._wanted()
            self._ringing = Ringing(str(self._templates.needed("ninebits_conn_id")), wanted, self.work)
            # Who wanted to stop it may have looked before it was there.
            self._go_on()
        return self._ringing

    def _go_on(self) -> None:
        if self._stopped.is_set() or not self.work.seconds_left():
            raise SendStopped(f"It was still {self._templates.stage}.")

    def _bound(self, seconds: float) -> None:
        self.seconds = seconds
        self.whole = self._begun.later(seconds)
        self.work = self._begun.later(seconds * (1 - _LAST_PART))

    def _wanted(self) -> VoiceAlert:
        from airflow_provider_ninebits.notifications.occasion import read_occasion
        from airflow_provider_ninebits.notifications.ringing import VoiceAlert

        field = self._templates
        dedup_key = field.optional("dedup_key", None)
        return VoiceAlert(
            to=field.needed("to"),
            escalate=field.optional("escalate", None),
            media_url=field.needed("media_url"),
            from_number=field.optional("from_number", None),
            dedup_key=None if dedup_key is None else _dedup_key(dedup_key),
            cooldown=timedelta(seconds=_seconds("cooldown", field.optional("cooldown", COOLDOWN))),
            occasion=read_occasion(self._given),
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
