"""What alerts count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.notifications.notifying import ADA, context, notifier
from tests.integration.otlp import Counted, series

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.simulator import RunningSimulator

RINGING = "airflow_provider_ninebits.notifications.ringing"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    found = Counted()
    monkeypatch.setattr(f"{RINGING}.record", found.record)
    return found


def test_what_rang_what_was_held_back_and_what_rang_nobody(
    sqlite_ledger: Database, simulator: RunningSimulator, counted: Counted
) -> None:
    for _ in range(3):
        notifier()(context())
    simulator.script({"faults": [{"kind": "status", "status": 400}]})
    notifier(dedup_key="another")(context())
    notifier(to="nobody", dedup_key="a third")(context())
    assert simulator.rung() == {ADA: 1}
    assert counted.totals() == {
        series("alerts", result="rung"): 1,
        series("alerts", result="held_back"): 2,
        series("alerts", result="failed"): 2,
    }


def test_an_alert_that_cannot_be_counted_rings(
    sqlite_ledger: Database, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.airflow_stats._stats", None)
    notifier()(context())
    assert simulator.rung() == {ADA: 1}
