"""The DAG run that is watched: what it returned, and what a person does where it asks for one."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.errors import SendBusy
from airflow_provider_ninebits.ledger.resolving import resolve
from scripts.cluster.exact import FIRST_NUMBER
from scripts.cluster.tries import WAIT

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator
    from scripts.local_airflow import LocalAirflow

DAG_ID = "ring_on_a_cluster"
RETURNING_TASKS = ("ring_and_wait", WAIT)
"""Those whose mapped instances return outcomes: of the first half of the sends, and of the rest."""
_PAGE = 50


@dataclass
class Run:
    """One run of the DAG."""

    airflow: LocalAirflow
    sends: int
    numbers: int
    run_id: str = field(init=False)

    def start(self) -> None:
        """Trigger it."""
        half = self.sends // 2
        orders = {
            "first_number": FIRST_NUMBER,
            "numbers": self.numbers,
            "waiting_themselves": [0, half],
            "with_a_sensor": [half, self.sends],
        }
        self.run_id = self.airflow.trigger(DAG_ID, orders)

    def over(self) -> bool:
        """Say whether it has ended, well or not."""
        return self.state() in ("success", "failed")

    def state(self) -> str:
        """Return its state."""
        return self.airflow.run_state(DAG_ID, self.run_id)

    def wait(self, deadline: float) -> str:
        """
        Wait until it has ended, and return how.

        :raises TimeoutError: at the deadline, on the monotonic clock.
        """
        while not self.over():
            if time.monotonic() > deadline:
                states = Counter((task["task_id"], task["state"]) for task in self.tasks())
                raise TimeoutError(f"the run is not over: {states}")
            time.sleep(1)
        return self.state()

    def tasks(self) -> list[dict[str, Any]]:
        """Return every task instance, page by page."""
        tasks: list[dict[str, Any]] = []
        while True:
            page = self._instances(limit=_PAGE, offset=len(tasks))
            tasks += page["task_instances"]
            if len(tasks) >= page["total_entries"] or not page["task_instances"]:
                return tasks

    def outcomes(self) -> list[Any]:
        """Return what the waits of all sends returned, in the order of the sends; None where one returned nothing."""
        half = self.sends // 2
        places = [(RETURNING_TASKS[0], index) for index in range(half)]
        places += [(RETURNING_TASKS[1], index) for index in range(self.sends - half)]
        return [self._returned(task_id, index) for task_id, index in places]

    def clear(self, places: list[tuple[str, int]]) -> None:
        """Clear some task instances that failed, as a person does; what had ended well would ring again."""
        orders = {
            "dry_run": False,
            "dag_run_id": self.run_id,
            "task_ids": places,
            "only_failed": True,
            "reset_dag_runs": True,
        }
        self.airflow.api.post(f"/api/v2/dags/{DAG_ID}/clearTaskInstances", json=orders).raise_for_status()

    def _returned(self, task_id: str, index: int) -> Any:
        path = f"/api/v2/dags/{DAG_ID}/dagRuns/{self.run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        answer = self.airflow.api.get(path, params={"map_index": index, "deserialize": True})
        return None if answer.status_code == 404 else answer.raise_for_status().json()["value"]

    def _instances(self, **params: Any) -> dict[str, Any]:
        path = f"/api/v2/dags/{DAG_ID}/dagRuns/{self.run_id}/taskInstances"
        found: dict[str, Any] = self.airflow.api.get(path, params=params).raise_for_status().json()
        return found


def resolve_doubts(ledger: Database, nine_bits: RunningSimulator) -> int:
    """
    Say of each message in doubt what a person would find in 9bits' dashboard; the simulator's journal is that here.

    :return: how many there were.
    """
    message, recipient = schema.message.c, schema.recipient.c
    with ledger.reading() as connection:
        doubtful = connection.execute(select(message.id).where(message.state.in_(("sending", "uncertain")))).scalars()
        doubts = {
            each: connection.execute(select(recipient.number).where(recipient.message_id == each).limit(1)).scalar_one()
            for each in doubtful.all()
        }
    for message_id, number in doubts.items():
        calls = nine_bits.calls(number=number)
        ref_id = calls[0]["ref_id"] if calls else None
        while True:
            try:
                resolve(ledger, message_id, placed=bool(calls), ref_id=ref_id, window=timedelta(days=1))
                break
            except SendBusy:
                time.sleep(1)
    return len(doubts)
