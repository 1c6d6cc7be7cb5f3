"""The operator that sends a voice message, and rings nobody twice when it is retried."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_ninebits.exceptions import InvalidArgument, SendStopped
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.waiting import (
    BACKSTOP,
    Standing,
    Wait,
    conclude,
    look_standing,
    read_duration,
    read_event,
)
from airflow_provider_ninebits.operators.pushing import PlacedParts, one_or_list, push_what_was_placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow.sdk import Context, ObjectStoragePath

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
    """

    template_fields: Sequence[str] = (
        *("to", "media_url", "from_number", "ninebits_conn_id"),
        *("to_path", "to_column", "exclude"),
    )
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
        self._excludes = exclude is not NOT_GIVEN
        self._stopped = False

    def execute(self, context: Context) -> Any:
        """Send what was not sent before; then return, or wait."""
        # A misspelt argument shows before anybody is rung.
        read_duration("evidence_timeout", self.evidence_timeout)
        if self.wait_for_outcome:
            read_duration("outcome_timeout", self.outcome_timeout)
            self._wait("ledger:unsent")
        with closing(NineBitsHook(self.ninebits_conn_id)) as hook:
            if self.dry_run_only:
                return self._count(hook, context)
            place, generation, ref_ids = self._send(hook, context)
            if not self.wait_for_outcome:
                self._finish(hook, place, generation)
                return one_or_list(ref_ids)
            return self._wait_for_outcome(hook, context, place, generation, ref_ids)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None, **resumed: Any) -> dict[str, Any]:
        """Go on after the deferral: nothing is sent again."""
        from airflow_provider_ninebits.ledger.keys import TaskPlace

        place, wait = TaskPlace(**resumed["place"]), self._wait(resumed["ref_ids"])
        with closing(NineBitsHook(self.ninebits_conn_id)) as hook:
            return self._conclude(hook, context, place, resumed["generation"], wait, read_event(event))

    def on_kill(self) -> None:
        """Stop a send between two parts: the request that is under way is still recorded."""
        self._stopped = True

    def _send(self, hook: NineBitsHook, context: Context) -> tuple[TaskPlace, int, list[str]]:
        from airflow_provider_ninebits.ledger.keys import task_key

        ti = context["ti"]
        place = _place(hook, ti)
        # Checked before the ledger hears of the attempt: a bad number leaves no trace.
        unkeyed = self._plan(hook, place)
        generation = self._begin(hook, place, ti)
        plan = replace(unkeyed, idempotency_key=task_key(place, generation))
        placed = PlacedParts(ti)
        try:
            receipt = self._send_plan(hook, plan, placed.add)
        except BaseException:
            # Task time-outs are no Exception.
            push_what_was_placed(hook.database, plan, ti)
            raise
        ti.xcom_push(key="ref_id", value=one_or_list(receipt.ref_ids))
        self._push_excluded(receipt, ti)
        return place, generation, receipt.ref_ids

    def _count(self, hook: NineBitsHook, context: Context) -> dict[str, Any]:
        """Return what would be sent; the ledger does not hear of it, so that a later real run rings everybody."""
        ti = context["ti"]
        receipt = self._send_plan(hook, self._plan(hook, _place(hook, ti)))
        self._push_excluded(receipt, ti)
        return receipt.counts()

    def _plan(self, hook: NineBitsHook, place: TaskPlace) -> SendPlan:
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
        )

    def _send_plan(
        self, hook: NineBitsHook, plan: SendPlan, placed: Callable[[str, int], None] = lambda *_: None
    ) -> SendReceipt:
        return hook.send_plan(
            plan,
            self.media_url,
            on_uncertain=self.on_uncertain,
            replan=True,
            stopped=lambda: self._stopped,
            placed=placed,
            evidence_timeout=read_duration("evidence_timeout", self.evidence_timeout),
            max_requests_per_second=self.max_requests_per_second,
            max_parallel_requests=self.max_parallel_requests,
            dry_run=self.dry_run_only,
        )

    def _push_excluded(self, receipt: SendReceipt, ti: Any) -> None:
        if self._excludes:
            ti.xcom_push(key="excluded", value=receipt.excluded)

    def _begin(self, hook: NineBitsHook, place: TaskPlace, ti: Any) -> int:
        from airflow_provider_ninebits.ledger.keys import Attempt
        from airflow_provider_ninebits.ledger.tasks import begin_attempt

        with hook.ledger_errors():
            return begin_attempt(hook.database, place, Attempt(str(ti.id), ti.try_number, ti.max_tries))

    def _finish(self, hook: NineBitsHook, place: TaskPlace, generation: int) -> None:
        from airflow_provider_ninebits.ledger.tasks import finish

        with hook.ledger_errors():
            finish(hook.database, place, generation)

    def _wait(self, ref_ids: object) -> Wait:
        return Wait.checked(
            ref_ids,
            wait_for=self.wait_for,
            fail_on_unanswered=self.fail_on_unanswered,
            on_timeout=self.on_timeout,
        )

    def _wait_for_outcome(
        self, hook: NineBitsHook, context: Context, place: TaskPlace, generation: int, ref_ids: list[str]
    ) -> dict[str, Any]:
        wait = self._wait(ref_ids)
        begun_at = time.time()
        timeout = read_duration("outcome_timeout", self.outcome_timeout)
        deadline = begun_at + timeout.total_seconds()
        end, _ = look_standing(hook, wait, first_look_at=begun_at, deadline=deadline)
        deferrable = self.deferrable
        if deferrable is None:
            deferrable = conf.getboolean("operators", "default_deferrable", fallback=False)
        if end is Standing.WAITING and deferrable:
            self._defer(wait, place, generation, begun_at, timeout)
        while end is Standing.WAITING:
            if self._stopped:
                raise SendStopped("The task was stopped while it waited for the outcome; a retry waits on.")
            time.sleep(max(min(WAIT_POLL_SECONDS, deadline - time.time()), 0.1))
            end, _ = look_standing(hook, wait, first_look_at=begun_at, deadline=deadline)
        return self._conclude(hook, context, place, generation, wait, end)

    def _defer(self, wait: Wait, place: TaskPlace, generation: int, begun_at: float, timeout: timedelta) -> None:
        from airflow_provider_ninebits.triggers.callback import CallbackTrigger

        self.defer(
            trigger=CallbackTrigger(
                ref_ids=list(wait.ref_ids),
                wait_for=wait.wait_for,
                first_look_at=begun_at,
                deadline=begun_at + timeout.total_seconds(),
            ),
            method_name="execute_complete",
            # What the task is known by is worked out once per attempt: it comes back with it.
            kwargs={"place": asdict(place), "generation": generation, "ref_ids": list(wait.ref_ids)},
            timeout=timeout + BACKSTOP,
        )

    def _conclude(
        self,
        hook: NineBitsHook,
        context: Context,
        place: TaskPlace,
        generation: int,
        wait: Wait,
        end: Standing,
    ) -> dict[str, Any]:
        if end in (Standing.OVER, Standing.TIMED_OUT):
            # Before it is told: a wait that ends in an error has ended too, and a clear after it rings again.
            self._finish(hook, place, generation)
        return conclude(hook, wait, end, context)


def _place(hook: NineBitsHook, ti: Any) -> TaskPlace:
    from airflow_provider_ninebits.ledger.keys import TaskPlace

    map_index = -1 if ti.map_index is None else ti.map_index
    return TaskPlace(hook.settings.deployment, ti.dag_id, ti.run_id, ti.task_id, map_index)
