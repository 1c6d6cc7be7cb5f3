"""The DAG that rings on where an alert's first contact does not answer."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.contacts import MOST_STEPS
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.hooks.patience import patient
from airflow_provider_ninebits.operators.escalation import EscalateVoiceOperator
from airflow_provider_ninebits.triggers.escalation import EscalationTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.ledger.escalations import Escalation
    from airflow_provider_ninebits.operators.escalation import Ladder

ASSET = "ninebits_escalations"
RETRY_DELAY = timedelta(seconds=20)
"""After a try that could reach neither 9bits nor the ledger; there are as many as ``forget_after`` has room for."""


class EscalateAlertOperator(EscalateVoiceOperator):
    """
    Rings on for an alert of ``NineBitsNotifier(escalate=...)``, whose first contact that has rung itself.

    Numbers and the recording stay in the ledger; only the ladder's id travels through Airflow.

    :param escalation_id: of the ladder in the ledger; templated.
    """

    template_fields: Sequence[str] = ("escalation_id",)

    def __init__(self, *, escalation_id: str, **kwargs: Any) -> None:
        super().__init__(contacts=[], media_url="", **kwargs)
        self.escalation_id = escalation_id
        self._first_key: str | None = None

    def _prepare(self) -> None:
        from airflow_provider_ninebits.ledger import escalations

        with closing(NineBitsHook()) as hook:

            def read() -> Escalation | None:
                with hook.ledger_errors():
                    return escalations.read(hook.database, self.escalation_id)

            found = patient(read, hook.settings.outage_tolerance_seconds)
        if found is None:
            raise InvalidArgument(
                f"the ledger has no escalation {self.escalation_id!r}; it was purged, or another ledger has it"
            )
        self.log.info(
            "Ringing on for alert %r of DAG %s, run %s, task %s.",
            *(found.dedup_key, found.dag_id or "unknown", found.run_id or "unknown", found.task_id or "unknown"),
        )
        self.contacts = [list(numbers) for numbers in found.contacts[:MOST_STEPS]]
        self.rounds = max(min(self.rounds, MOST_STEPS // len(self.contacts)), 1)
        self.media_url, self.from_number = found.media_url, found.from_number
        self.ninebits_conn_id = found.conn_id
        self._first_key = found.first_key

    def _adopt(self, ladder: Ladder) -> None:
        if ladder.work.generation == 0:
            # Cleared after its end, it begins anew, with a call of its own.
            ladder.first_key = self._first_key


def escalation_dag(
    dag_id: str = "ninebits_escalation",
    *,
    ring_for: timedelta = timedelta(minutes=2),
    rounds: int = 2,
    forget_after: timedelta = timedelta(hours=1),
    **dag_arguments: Any,
) -> DAG:
    """
    Return the DAG that rings the further contacts of ``NineBitsNotifier(escalate=...)``.

    Put ``dag = escalation_dag()`` into a file of the DAG folder, once for a deployment, and unpause it. A watcher of an
    asset starts it for each alert. Its task ``ring`` fails when nobody answers.

    :param ring_for: how long to wait for an answer of each contact.
    :param rounds: how often all contacts are rung.
    :param forget_after: alerts that are older when the DAG comes to run are left; and for so long a ladder is tried
        again while 9bits or the ledger cannot be reached.
    :param dag_arguments: of the DAG.
    """
    trigger = EscalationTrigger(forget_after_seconds=forget_after.total_seconds())
    begun = Asset(ASSET, watchers=[AssetWatcher(name=f"{dag_id}_alerts", trigger=trigger)])
    given = {"catchup": False, "tags": ["9bits"], **dag_arguments}
    with DAG(dag_id, schedule=[begun], **given) as dag:

        @task(retries=3, retry_delay=timedelta(seconds=10))
        def take(**context: Any) -> list[str]:
            return taken_by_run(context)

        EscalateAlertOperator.partial(
            task_id="ring",
            ring_for=ring_for,
            rounds=rounds,
            deferrable=True,
            # A retry goes on where the ladder stands. What the pipeline failed of may keep 9bits out of reach too.
            retries=max(int(forget_after / RETRY_DELAY), 5),
            retry_delay=RETRY_DELAY,
        ).expand(escalation_id=take())
    return dag


def taken_by_run(context: Any) -> list[str]:
    """Take the ladders that a run was started for, and return those that no other run has."""
    from airflow_provider_ninebits.ledger import escalations

    ids = [
        event.extra["payload"]["escalation_id"]
        for events in context["triggering_asset_events"].values()
        for event in events
        if "escalation_id" in (event.extra.get("payload") or {})
    ]
    ti = context["ti"]
    with closing(NineBitsHook()) as hook, hook.ledger_errors():
        return escalations.take(hook.database, ids, f"{ti.dag_id} {ti.run_id}")
