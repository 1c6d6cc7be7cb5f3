"""The operator that sends a voice message, and rings nobody twice when it is retried."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ninebits.exceptions import InvalidArgument, SendStopped
from airflow_provider_ninebits.hooks.asset_events import tell_assets
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.waiting import Standing, Wait, conclude, look_standing, read_duration, read_event
from airflow_provider_ninebits.operators.deferring import (
    check_opened,
    defer_until_open,
    defer_until_settled,
    is_deferrable,
)
from airflow_provider_ninebits.operators.links import TaskCallsLink, show_links
from airflow_provider_ninebits.operators.pushing import one_or_list, pushed_as_placed
from airflow_provider_ninebits.operators.work import Work, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow.sdk import Context, ObjectStoragePath

    from airflow_provider_ninebits.hooks.hours import CallingHours
    from airflow_provider_ninebits.hooks.ninebits import OnUncertain
    from airflow_provider_ninebits.hooks.receipts import SendReceipt
    from airflow_provider_ninebits.ledger.keys import TaskPlace
    from airflow_provider_ninebits.ledger.sends import SendPlan

WAIT_POLL_SECONDS = 2.0
NOT_GIVEN: Any = object()
"""The default of ``exclude``: a None that was given, as in a mapped task, is a mistake and not nobody."""


class SendVoiceOperator(BaseOperator):
    """
    Rings some phones and plays them a recording.

    It returns the ``ref_id`` (for more than 1000 recipients the list of them), pushes it to XCom ``ref_id`` as soon as
    9bits has answered, and is safe to retry: what was accepted is not sent again. Cleared after it has ended, it rings
    again, on purpose.

    :param to: a number with its country code, or any number of them; templated. Either this or ``to_path``.
    :param media_url: where 9bits fetches the audio; templated.
    :param from_number: the caller ID; None: 9bits picks one of the account's; templated.
    :param ninebits_conn_id: the connection; templated.
    :param on_uncertain: what to do where it is unknown whether calls were placed: ``"fail"``: fail without retry and
        say how to go on; ``"resend"``: send again, which may ring some phones twice; ``"evidence"``: wait for a
        callback that shows them placed, and send again only where silence proves that none was.
    :param evidence_timeout: how long ``"evidence"`` waits, in this task's worker.
    :param wait_for_outcome: wait in this task, and return the outcome instead of the ``ref_id``.
    :param wait_for: as in :class:`~airflow_provider_ninebits.sensors.callback.CallbackSensor`; so are
        ``fail_on_unanswered`` and ``on_timeout``.
    :param outcome_timeout: how long to wait, from the moment that it was sent in this attempt.
    :param deferrable: whether the wait leaves the worker; None: ``[operators] default_deferrable``.
    :param to_path: where numbers are, for Airflow's ObjectStoragePath: one a line, or a CSV with ``to_column``;
        templated. They are never all in memory.
    :param to_column: the column of that CSV, whose first line names it; templated.
    :param max_requests_per_second: what the account may do; a request has at most 1000 recipients. None: no limit.
    :param max_parallel_requests: how many are under way at once; None: what the connection says, or 1.
    :param max_recipients: a send that is larger is refused before anybody is rung; None: any size.
    :param exclude: numbers that are not rung, or a path to them; how many were left out goes to XCom ``excluded``;
        templated.
    :param dry_run: read, check and count everything, record and send nothing, and return the counts; needs no API key.
    :param calling_hours: when it may ring, ``"09:00-20:00"``; outside of them it defers, whatever ``deferrable`` says.
        None: what the connection says; False: whenever it is; templated, as the next two.
    :param calling_days: ``"mon-fri"``; None: what the connection says, or every day.
    :param timezone: that of the hours, by name, or ``"destination"``: each number's own; None: the connection's.
    :param opening_timeout: how long after this attempt began the hours may open; what opens later is an error. None:
        whenever they do.
    """

    template_fields: Sequence[str] = (
        *("to", "media_url", "from_number", "ninebits_conn_id"),
        *("to_path", "to_column", "exclude"),
        *("calling_hours", "calling_days", "timezone"),
    )
    operator_extra_links = (TaskCallsLink(),)
    ui_color = "#f6d8c8"

    def __init__(
        self,
        *,
        to: str | Iterable[str] | None = None,
        media_url: str,
        from_number: str | None = None,
        ninebits_conn_id: str = NineBitsHook.default_conn_name,
        on_uncertain: OnUncertain | Literal["evidence"] = "fail",
        evidence_timeout: timedelta = timedelta(minutes=5),
        wait_for_outcome: bool = False,
        wait_for: str = "all",
        fail_on_unanswered: bool | str = False,
        outcome_timeout: timedelta = timedelta(days=1),
        on_timeout: str = "fail",
        deferrable: bool | None = None,
        to_path: str | ObjectStoragePath | None = None,
        to_column: str | None = None,
        max_requests_per_second: float | None = None,
        max_parallel_requests: int | None = None,
        max_recipients: int | None = None,
        exclude: str | Iterable[str] | ObjectStoragePath = NOT_GIVEN,
        dry_run: bool = False,
        calling_hours: str | Sequence[str] | bool | None = None,
        calling_days: str | Sequence[str] | None = None,
        timezone: str | None = None,
        opening_timeout: timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to = to
        self.media_url = media_url
        self.from_number = from_number
        self.ninebits_conn_id = ninebits_conn_id
        self.on_uncertain = on_uncertain
        self.evidence_timeout = evidence_timeout
        self.wait_for_outcome = wait_for_outcome
        self.wait_for = wait_for
        self.fail_on_unanswered = fail_on_unanswered
        self.outcome_timeout = outcome_timeout
        self.on_timeout = on_timeout
        self.deferrable = deferrable
        self.to_path = to_path
        self.to_column = to_column
        self.max_requests_per_second = max_requests_per_second
        self.max_parallel_requests = max_parallel_requests
        self.max_recipients = max_recipients
        self.exclude = None if exclude is NOT_GIVEN else exclude
        # Not under its own name: that is a method of BaseOperator's.
        self.dry_run_only = dry_run
        self.calling_hours = calling_hours
        self.calling_days = calling_days
        self.timezone = timezone
        self.opening_timeout = opening_timeout
        self._excludes = exclude is not NOT_GIVEN
        self._stopped = False

    def execute(self, context: Context) -> Any:
        """Send what was not sent before; then return, or wait."""
        self._check_arguments()
        show_links(self, context)
        with closing(NineBitsHook(self.ninebits_conn_id)) as hook:
            return self._count(hook, context) if self.dry_run_only else self._ring(hook, context)

    def execute_opened(self, context: Context, event: dict[str, Any] | None = None, **resumed: Any) -> Any:
        """Go on after the deferral, since the calling hours are open: send what was not sent before."""
        check_opened(event)
        self._check_arguments()
        with closing(NineBitsHook(self.ninebits_conn_id)) as hook:
            return self._ring(hook, context, Work.resumed(resumed))

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None, **resumed: Any) -> dict[str, Any]:
        """Go on after the deferral: nothing is sent again."""
        work, wait = Work.resumed(resumed), self._wait(resumed["ref_ids"])
        with closing(NineBitsHook(self.ninebits_conn_id)) as hook:
            return self._conclude(hook, context, work, wait, read_event(event))

    def on_kill(self) -> None:
        """Stop a send between two parts: the request that is under way is still recorded."""
        self._stopped = True

    def _now(self) -> datetime:
        return datetime.now(UTC)

    def _check_arguments(self) -> None:
        """Make sure that a misspelt one shows before anybody is rung."""
        read_duration("evidence_timeout", self.evidence_timeout)
        if self.opening_timeout is not None:
            read_duration("opening_timeout", self.opening_timeout)
        if self.wait_for_outcome:
            read_duration("outcome_timeout", self.outcome_timeout)
            self._wait("unsent")

    def _ring(self, hook: NineBitsHook, context: Context, work: Work | None = None) -> Any:
        """Send, and return or wait; ``work``: what a deferred task was at."""
        from airflow_provider_ninebits.hooks.hours import HoursClosed

        ti, hours = context["ti"], self._hours(hook.connection.extra_dejson)
        place = place_of(hook, ti) if work is None else work.place
        # Checked before the ledger hears of the attempt: a bad number leaves no trace.
        plan = self._plan(hook, place, hours)
        work = work or self._begin(hook, place, ti)
        try:
            receipt = self._send(hook, ti, work, plan, hours)
        except HoursClosed as closed:
            defer_until_open(self, closed, work, self.opening_timeout)
        if not self.wait_for_outcome:
            work.finish(hook)
            tell_assets(context, receipt.ref_ids, {"recipients": receipt.recipients})
            return one_or_list(receipt.ref_ids)
        return self._wait_for_outcome(hook, context, work, receipt.ref_ids)

    def _send(
        self, hook: NineBitsHook, ti: Any, work: Work, unkeyed: SendPlan, hours: CallingHours | None
    ) -> SendReceipt:
        from airflow_provider_ninebits.ledger.keys import task_key

        plan = replace(unkeyed, idempotency_key=task_key(work.place, work.generation))
        with pushed_as_placed(hook.database, plan, ti) as placed:
            receipt = self._send_plan(hook, plan, placed=placed, hours=hours)
        ti.xcom_push(key="ref_id", value=one_or_list(receipt.ref_ids))
        self._push_excluded(receipt, ti)
        return receipt

    def _count(self, hook: NineBitsHook, context: Context) -> dict[str, Any]:
        """Return what would be sent; the ledger does not hear of it, so that a later real run rings everybody."""
        # The connection is not read: what it says of hours is not in the count of parts.
        receipt = self._send_plan(hook, self._plan(hook, place_of(hook, context["ti"]), self._hours(None)))
        self._push_excluded(receipt, context["ti"])
        return receipt.counts()

    def _hours(self, extra: dict[str, Any] | None) -> CallingHours | None:
        # Here, since a DAG file has no use for it.
        from airflow_provider_ninebits.hooks.given_hours import read_hours

        named = {name: getattr(self, name) for name in ("calling_hours", "calling_days", "timezone")}
        hours = read_hours(self.ninebits_conn_id, extra, **named)
        return hours and replace(hours, now=self._now)

    def _plan(self, hook: NineBitsHook, place: TaskPlace, hours: CallingHours | None) -> SendPlan:
        from airflow_provider_ninebits.ledger.sends import AskedBy

        if self._excludes and self.exclude is None:
            # An upstream task that pushed nothing must not mean that those who opted out are rung.
            raise InvalidArgument(
                "exclude is None; did the upstream task that it comes from push nothing? "
                "Give [] for nobody, or leave it out"
            )
        return hook.plan(
            self.to,
            self.media_url,
            self.from_number,
            key=None,
            asked_by=AskedBy(**asdict(place)),
            to_path=self.to_path,
            to_column=self.to_column,
            exclude=self.exclude,
            max_recipients=self.max_recipients,
            hours=hours,
        )

    def _send_plan(self, hook: NineBitsHook, plan: SendPlan, **how: Any) -> SendReceipt:
        return hook.send_plan(
            plan,
            self.media_url,
            on_uncertain=self.on_uncertain,
            replan=True,
            stopped=lambda: self._stopped,
            evidence_timeout=read_duration("evidence_timeout", self.evidence_timeout),
            max_requests_per_second=self.max_requests_per_second,
            max_parallel_requests=self.max_parallel_requests,
            dry_run=self.dry_run_only,
            **how,
        )

    def _push_excluded(self, receipt: SendReceipt, ti: Any) -> None:
        if self._excludes:
            ti.xcom_push(key="excluded", value=receipt.excluded)

    def _begin(self, hook: NineBitsHook, place: TaskPlace, ti: Any) -> Work:
        return Work.begin(hook, place, ti, begun_at=self._now().timestamp())

    def _wait(self, ref_ids: object) -> Wait:
        return Wait.checked(
            ref_ids,
            wait_for=self.wait_for,
            fail_on_unanswered=self.fail_on_unanswered,
            on_timeout=self.on_timeout,
        )

    def _wait_for_outcome(self, hook: NineBitsHook, context: Context, work: Work, ref_ids: list[str]) -> dict[str, Any]:
        wait = self._wait(ref_ids)
        begun_at = time.time()
        timeout = read_duration("outcome_timeout", self.outcome_timeout)
        deadline = begun_at + timeout.total_seconds()
        end, _ = look_standing(hook, wait, first_look_at=begun_at, deadline=deadline)
        if end is Standing.WAITING and is_deferrable(self.deferrable):
            defer_until_settled(self, hook, wait, work, begun_at, timeout)
        while end is Standing.WAITING:
            if self._stopped:
                raise SendStopped("The task was stopped while it waited for the outcome; a retry waits on.")
            time.sleep(max(min(WAIT_POLL_SECONDS, deadline - time.time()), 0.1))
            end, _ = look_standing(hook, wait, first_look_at=begun_at, deadline=deadline)
        return self._conclude(hook, context, work, wait, end)

    def _conclude(self, hook: NineBitsHook, context: Context, work: Work, wait: Wait, end: Standing) -> dict[str, Any]:
        if end in (Standing.OVER, Standing.TIMED_OUT):
            # Before it is told: a wait that ends in an error has ended too, and a clear after it rings again.
            work.finish(hook)
        return conclude(hook, wait, end, context)
