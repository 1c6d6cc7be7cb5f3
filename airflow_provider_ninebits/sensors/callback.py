"""The sensor that waits until the outcome of some calls is recorded."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
)

from airflow_provider_ninebits.exceptions import LedgerUnavailable
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.patience import passes
from airflow_provider_ninebits.hooks.waiting import (
    Standing,
    Wait,
    backstop,
    conclude,
    look_standing,
    read_event,
)
from airflow_provider_ninebits.operators.deferring import is_deferrable
from airflow_provider_ninebits.operators.links import AwaitedCallsLink, show_links

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.sdk import Context

POKE_INTERVAL_SECONDS = 5.0
RESCHEDULE_INTERVAL_SECONDS = 60.0
# Airflow hears of a look's end up to [workers] min_heartbeat_interval (5 s) late; a task that is queued again before it
# has is taken for killed ("state mismatch"), and fails.
SHORTEST_RESCHEDULE_SECONDS = 10.0


class CallbackSensor(BaseSensorOperator):
    """
    Waits until the webhook has recorded what became of a send, and returns the outcome.

    In all three modes (poke, reschedule, deferrable) the same cases come to the same end. Deferrable is the one to use:
    it holds no worker, and goes on within moments of the callback.

    :param ref_id: the ``ref_id`` of a send, or a list of them; templated.
    :param wait_for: ``"all"``: until every recipient is settled. ``"any"``: until the first has answered, else all.
    :param fail_on_unanswered: ``"all"``: fail when anyone did not answer. ``"any"``: fail when nobody did. Neither is
        retried.
    :param attempt_window: how long after its last callback an unanswered recipient may still be tried again (a
        timedelta or seconds); None: ``[ninebits] attempt_window``.
    :param on_timeout: ``"fail"``: push the outcome so far to XCom ``outcome`` and fail; ``"return"``: return it.
    :param deferrable: None: ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = ("ref_id",)
    operator_extra_links = (AwaitedCallsLink(),)
    ui_color = "#f6e7c8"

    def __init__(
        self,
        *,
        ref_id: str | Sequence[str],
        wait_for: str = "all",
        fail_on_unanswered: bool | str = False,
        attempt_window: timedelta | float | None = None,
        on_timeout: str = "fail",
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        rescheduled = kwargs.get("mode") == "reschedule"
        kwargs.setdefault("poke_interval", RESCHEDULE_INTERVAL_SECONDS if rescheduled else POKE_INTERVAL_SECONDS)
        super().__init__(**kwargs)
        self.ref_id = ref_id
        self.wait_for = wait_for
        self.fail_on_unanswered = fail_on_unanswered
        self.attempt_window = attempt_window
        self.on_timeout = on_timeout
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Wait, and return the outcome as plain JSON."""
        if is_deferrable(self.deferrable):
            return self._look_and_defer(context)
        show_links(self, context)
        self._begun_at, self._looked_before = self._first_look_at(context)
        self._deadline = self._begun_at + self.timeout
        # One for all looks: each would connect to the ledger anew, and leave the connection to the garbage collector.
        self._hook = NineBitsHook()
        try:
            # Airflow's own time-out knows nothing of the outcome so far; ours, in poke, comes first.
            self.timeout += backstop(self._hook).total_seconds()
            return super().execute(context)
        finally:
            self._hook.close()
            # It holds locks, and a task may be copied.
            del self._hook

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        begun_at = getattr(self, "_begun_at", None) or time.time()
        deadline = getattr(self, "_deadline", None) or begun_at + self.timeout
        wait, hook = self._wait(), getattr(self, "_hook", None) or NineBitsHook()
        between = getattr(self, "_looked_before", False) and time.time() < deadline
        try:
            patience = 0.0 if between else None
            end, _ = look_standing(hook, wait, first_look_at=begun_at, deadline=deadline, tolerance_seconds=patience)
        except LedgerUnavailable as error:
            if not between or not passes(error) or not hook.settings.outage_tolerance_seconds:
                raise
            # Nothing is kept from one look of a rescheduled task to the next, the beginning of an outage neither; to
            # sit it out here would take the slots of all workers, where there are many such tasks.
            self.log.warning("The ledger could not be read, and is at the next look: %s", error)
            return PokeReturnValue(is_done=False)
        if end is Standing.WAITING:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=conclude(hook, wait, end, context))

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Go on after the deferral: read the outcome, and end as the event says."""
        with closing(NineBitsHook()) as hook:
            return conclude(hook, self._wait(), read_event(event), context)

    def _look_and_defer(self, context: Context) -> dict[str, Any]:
        from airflow_provider_ninebits.triggers.callback import CallbackTrigger

        now = time.time()
        deadline = now + self.timeout
        with closing(NineBitsHook()) as hook:
            # Outside of what silent_fail bears with: arguments and options that are wrong now stay wrong.
            with self._skipping(silent_fail=False):
                wait, longer = self._wait(), backstop(hook)
            with self._skipping(silent_fail=self.silent_fail):
                end, _ = look_standing(hook, wait, first_look_at=now, deadline=deadline)
                if end is not Standing.WAITING:
                    return conclude(hook, wait, end, context)
        self.defer(
            trigger=CallbackTrigger(
                ref_ids=list(wait.ref_ids),
                wait_for=wait.wait_for,
                attempt_window_seconds=None if wait.attempt_window is None else wait.attempt_window.total_seconds(),
                first_look_at=now,
                deadline=deadline,
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout) + longer,
        )

    def _wait(self) -> Wait:
        return Wait.checked(
            self.ref_id,
            wait_for=self.wait_for,
            fail_on_unanswered=self.fail_on_unanswered,
            on_timeout=self.on_timeout,
            attempt_window=self.attempt_window,
        )

    def _first_look_at(self, context: Context) -> tuple[float, bool]:
        """Return when the wait began, in epoch seconds, and whether that was another process's doing: rescheduled."""
        if self.reschedule and (first := context["ti"].get_first_reschedule_date(context)) is not None:
            return float(first.timestamp()), True
        return time.time(), False

    def _get_next_poke_interval(self, *args: Any, **kwargs: Any) -> float:
        """Poke about the deadline, instead of up to an interval after it."""
        interval: float = super()._get_next_poke_interval(*args, **kwargs)
        shortest = SHORTEST_RESCHEDULE_SECONDS if self.reschedule else 0.1
        return max(min(interval, self._deadline - time.time()), shortest)

    @contextmanager
    def _skipping(self, *, silent_fail: bool) -> Iterator[None]:
        """Do in the look before a deferral what Airflow's sensor does around a poke."""
        try:
            yield
        except (AirflowSensorTimeout, AirflowFailException) as error:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException("Skipping, since soft_fail or never_fail is set.") from error
            raise
        except AirflowSkipException:
            raise
        except Exception as error:
            if self.never_fail:
                raise AirflowSkipException("Skipping, since never_fail is set.") from error
            if not silent_fail:
                raise
            self.log.exception("The first look failed; waiting in the triggerer all the same, since silent_fail is set")
