"""
The way of one alert: the connection, the ledger's word on it, the call, and what is told of it.

Only the notifier imports this, when it is called: it brings the ledger and the client of 9bits.
"""

from __future__ import annotations

import logging
import secrets
import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.airflow_stats import record
from airflow_provider_ninebits.api.masking import shown_text
from airflow_provider_ninebits.api.numbers import mask_number
from airflow_provider_ninebits.exceptions import (
    InvalidArgument,
    KeyReused,
    LedgerUnavailable,
    SendFailed,
    SendStopped,
)
from airflow_provider_ninebits.hooks.attempts import LEASE_MARGIN_SECONDS
from airflow_provider_ninebits.hooks.log_lines import log_line, ref_id_pairs
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.ledger import alerts
from airflow_provider_ninebits.ledger.alerts import Alert, AlertVerdict, Ring, Ruling
from airflow_provider_ninebits.ledger.escalations import Escalation
from airflow_provider_ninebits.ledger.keys import alert_key, ring_key
from airflow_provider_ninebits.ledger.sends import AskedBy, is_unplaced
from airflow_provider_ninebits.metrics import ALERTS
from airflow_provider_ninebits.notifications.ladders import Following, read_ladder, write_ladder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ninebits.hooks.receipts import SendReceipt
    from airflow_provider_ninebits.ledger.sends import SendPlan
    from airflow_provider_ninebits.notifications.bounded import Deadline
    from airflow_provider_ninebits.notifications.ladders import Contacts
    from airflow_provider_ninebits.notifications.occasion import Occasion

REQUEST_SHARE = 0.4
"""Of the time that is left, for one request: so one that is not answered is sent again, by this one or by the next."""
_CLAIM_MARGIN_SECONDS = LEASE_MARGIN_SECONDS + 1.0
"""How much longer a claim holds than a request takes: until the part's own lease has lapsed as well."""
_POLL_SECONDS = 0.5
_SHORTEST_SECONDS = 0.5
"""What has less time left is not begun."""
_SHOWN_NUMBERS = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VoiceAlert:
    """What a notifier wants rung, rendered; ``dedup_key``: None: the DAG and its run."""

    to: object
    escalate: object
    media_url: object
    from_number: object
    dedup_key: str | None
    cooldown: timedelta
    occasion: Occasion


@dataclass(frozen=True)
class Report:
    """A line for the log."""

    level: int
    text: str
    event: str | None = None
    pairs: Mapping[str, object] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The text, with its pairs where it has some."""
        return self.text if self.event is None else log_line(self.text, self.event, **self.pairs)

    def followed_by(self, text: str, level: int) -> Report:
        """Return it with more text, at another level."""
        return replace(self, text=self.text + text, level=level)


class Ringing:
    """
    One alert, on its way to a phone.

    :param deadline: after it no request is begun.
    """

    def __init__(self, conn_id: str, wanted: VoiceAlert, deadline: Deadline) -> None:
        self._hook = NineBitsHook(conn_id)
        self._wanted = wanted
        self._deadline = deadline
        self._contacts: Contacts = []
        self._stopped = threading.Event()
        self.stage = "waiting for a thread"
        """What it is at, for who gives it up."""

    def open(self) -> None:
        """
        Read the connection.

        :raises InvalidArgument: there is none here, or it cannot be used.
        """
        conn_id = self._hook.ninebits_conn_id
        self.stage = f"reading the connection {conn_id!r}"
        try:
            _ = self._hook.client
        except InvalidArgument:
            raise
        except Exception as error:
            raise InvalidArgument(
                f"connection {conn_id!r} cannot be read here ({shown_text(str(error))}); define it, and see that this "
                "process gets it: DAG processor and triggerer run callbacks too"
            ) from error

    def ring(self) -> Report:
        """
        Ring, or leave it to who has rung or is ringing for the same; return what became of it.

        :raises AirflowException: nobody was rung, or nobody knows; it says why.
        :raises LedgerUnavailable: nobody was rung, since the ledger could not say who rings.
        """
        try:
            self.open()
            plan = self._plan()
            return self._ring(plan, self._alert(plan))
        except BaseException:
            record(ALERTS, 1, {"result": "failed"})
            raise
        finally:
            self._hook.close()

    def stop(self) -> None:
        """Begin no further request, and end the one that is under way: what became of it is still recorded."""
        self._stopped.set()
        if "client" in vars(self._hook):
            self._hook.client.interrupt("the notifier's time was over")

    def _is_over(self) -> bool:
        return self._stopped.is_set() or self._deadline.seconds_left() < _SHORTEST_SECONDS

    def _plan(self) -> SendPlan:
        wanted, occasion = self._wanted, self._wanted.occasion
        asked_by = AskedBy(self._hook.settings.deployment, occasion.dag_id, occasion.run_id, occasion.task_id)
        first, self._contacts = read_ladder(wanted.to, wanted.escalate)
        plan = self._hook.plan(first, wanted.media_url, wanted.from_number, key=None, asked_by=asked_by)  # type: ignore[arg-type]
        return replace(plan, numbers=tuple(plan.numbers))

    def _alert(self, plan: SendPlan) -> Alert:
        wanted, occasion = self._wanted, self._wanted.occasion
        if wanted.dedup_key is not None:
            what: tuple[str, ...] = ("key", wanted.dedup_key)
        elif occasion.dag_id is not None:
            what = ("run", occasion.dag_id, occasion.run_id or "")
        else:
            # Nobody knows what it is about: it must not hold back others of which nobody does.
            what = ("unknown", plan.media, *sorted(plan.numbers))
        deployment = plan.asked_by.deployment
        return Alert(
            alert_key(deployment, *what),
            deployment,
            shown_text(wanted.dedup_key or occasion.shown),
            occasion.dag_id,
            occasion.run_id,
            occasion.task_id,
        )

    def _ring(self, plan: SendPlan, alert: Alert) -> Report:
        owner = secrets.token_hex(16)
        while True:
            self.stage = "asking the ledger whether to ring"
            timeout_seconds = min(self._hook.client.timeout_seconds, self._deadline.seconds_left() * REQUEST_SHARE)
            lease = timedelta(seconds=timeout_seconds + _CLAIM_MARGIN_SECONDS)
            with self._hook.ledger_errors():
                ruling = alerts.ask(
                    self._hook.database, alert, cooldown=self._wanted.cooldown, owner=owner, lease=lease
                )
            if ruling.verdict is AlertVerdict.HELD_BACK:
                record(ALERTS, 1, {"result": "held_back"})
                return held_back(alert, ruling, self._wanted.cooldown)
            if ruling.ring is not None:
                self._hook.client.timeout_seconds = max(timeout_seconds, _SHORTEST_SECONDS * REQUEST_SHARE)
                return self._make(ruling.ring, plan, alert, owner)
            self.stage = "waiting for another one that was ringing for the same"
            if self._is_over():
                return self._give_up(alert)
            self._stopped.wait(_POLL_SECONDS)

    def _make(self, ring: Ring, plan: SendPlan, alert: Alert, owner: str) -> Report:
        key = ring_key(alert.key, ring.ring_id)
        following = self._write_ladder(ring, plan, alert, key)
        self.stage = "ringing"
        try:
            receipt = self._hook.send_plan(
                replace(plan, idempotency_key=key),
                str(self._wanted.media_url),
                on_uncertain="resend",
                replan=True,
                stopped=self._is_over,
                # Said here, so that the connection is not asked again, which a thread cannot everywhere.
                max_parallel_requests=1,
            )
        except SendStopped:
            # It may have been stopped after a request that nobody has answered.
            self._let_go(alert, owner, unless_in_doubt=key)
            raise
        except (SendFailed, InvalidArgument, KeyReused):
            # Nobody was rung. Where that is not known the claim stays until it lapses: not each of fifty that fail
            # together shall send what may have rung.
            self._let_go(alert, owner)
            raise
        record(ALERTS, 1, {"result": "rung"})
        report = rang(alert, plan, receipt)
        self.stage = "noting that it rang"
        try:
            with self._hook.ledger_errors():
                alerts.note_rung(self._hook.database, alert, ring, before=receipt.resumed)
        except LedgerUnavailable as error:
            told = f"{following.text} That could not be noted, so alerts with this key may ring again: {error}"
            return report.followed_by(told, logging.WARNING)
        return report.followed_by(following.text, report.level if following.is_sure else logging.WARNING)

    def _write_ladder(self, ring: Ring, plan: SendPlan, alert: Alert, key: str) -> Following:
        if len(self._contacts) < 2:
            return Following()
        self.stage = "writing down who is rung next"
        ladder = Escalation(
            *(ring.ring_id, key, alert.deployment, alert.dedup_key, alert.dag_id, alert.run_id, alert.task_id),
            conn_id=plan.conn_id,
            media_url=str(self._wanted.media_url),
            from_number=plan.from_number,
            contacts=self._contacts,
        )
        return write_ladder(self._hook, ladder)

    def _let_go(self, alert: Alert, owner: str, *, unless_in_doubt: str | None = None) -> None:
        """Let the next one ring; given the ring's key, only where the ledger says that its call was not placed."""
        try:
            with self._hook.ledger_errors():
                if unless_in_doubt is None or is_unplaced(self._hook.database, unless_in_doubt):
                    alerts.let_go(self._hook.database, alert, owner)
        except LedgerUnavailable as error:
            log.warning("The claim on alert %r lapses by itself, it could not be let go: %s", alert.dedup_key, error)

    def _give_up(self, alert: Alert) -> Report:
        with self._hook.ledger_errors():
            alerts.hold_back(self._hook.database, alert)
        record(ALERTS, 1, {"result": "left"})
        return Report(
            logging.WARNING,
            f"Alert {alert.dedup_key!r} is left to another one that was still ringing for it when the time of this one "
            "(notify_timeout) was over; whether that one rang is in its own log, and in `ninebits alerts list`.",
        )


def rang(alert: Alert, plan: SendPlan, receipt: SendReceipt) -> Report:
    """Return what is told of a call that was placed: to whom, masked."""
    numbers = list(plan.numbers)
    shown = ", ".join(map(mask_number, numbers[:_SHOWN_NUMBERS]))
    more = f" and {len(numbers) - _SHOWN_NUMBERS} more" if len(numbers) > _SHOWN_NUMBERS else ""
    ref_ids = ", ".join(receipt.ref_ids)
    pairs = {"alert": alert.dedup_key, **ref_id_pairs(receipt.ref_ids), "recipients": len(numbers)}
    if receipt.resumed:
        text = f"The call for alert {alert.dedup_key!r} was placed before, by another that did not note it: {ref_ids}."
        return Report(logging.INFO, text, "alert_rang_before", pairs)
    text = f"9bits rings {shown}{more} for alert {alert.dedup_key!r}: ref_id={ref_ids}."
    return Report(logging.INFO, text, "alert_rang", pairs)


def held_back(alert: Alert, ruling: Ruling, cooldown: timedelta) -> Report:
    """Return what is told of an alert that rang nobody, since somebody was rung for the same."""
    ago = duration_words(ruling.rang_seconds_ago)
    return Report(
        logging.INFO,
        f"Held back: the call for alert {alert.dedup_key!r} rang {ago} ago, and the cooldown is "
        f"{duration_words(cooldown.total_seconds())}; {ruling.held_back} held back since.",
        "alert_held_back",
        {"alert": alert.dedup_key, "held_back": ruling.held_back},
    )


def duration_words(seconds: float) -> str:
    """Return a duration in the one unit that fits it: ``3 min``."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
