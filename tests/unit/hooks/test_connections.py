"""The form's Test: what a task would refuse is told before anything is asked of 9bits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_ninebits.api.client import NineBitsClient
from airflow_provider_ninebits.api.probes import Probe
from airflow_provider_ninebits.hooks import connections

GOOD = {"calling_hours": "09:00-20:00", "calling_days": "mon-fri", "timezone": "Africa/Lagos"}


@pytest.fixture(autouse=True)
def probes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of 9bits, which answers as documented."""
    asked: list[str] = []

    def probe(client: NineBitsClient) -> Probe:
        asked.append(client.base_url)
        return Probe(True, 405, "It was asked.")

    monkeypatch.setattr(NineBitsClient, "probe", probe)
    return asked


def described(**extra: Any) -> Connection:
    return Connection(conn_id="made_up", conn_type="ninebits", password="an-api-key", extra=json.dumps(extra))


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"max_parallel_requests": 65}, "max_parallel_requests is 65; give a whole number from 1 to 64"),
        ({"max_parallel_requests": "many"}, "max_parallel_requests is 'many'; give a whole number"),
        ({**GOOD, "calling_hours": "nine to five"}, "calling_hours: 'nine to five' are no hours"),
        ({**GOOD, "calling_days": "weekdays"}, "calling_days: 'weekdays' is no day"),
        ({**GOOD, "timezone": "Lagos"}, "timezone is 'Lagos', which is no time zone here"),
        ({"timezone": "Lagos"}, "timezone is 'Lagos', which is no time zone here"),
        ({"calling_hours": "09:00-20:00"}, "calling hours have no timezone"),
    ],
)
def test_an_extra_that_a_task_would_refuse_is_named(extra: dict[str, Any], said: str, probes: list[str]) -> None:
    good, says = connections.tested(described(**extra))
    assert not good
    assert says.startswith(f"Nothing was asked of 9bits: {said}")
    assert "made_up" not in says
    assert probes == []


@pytest.mark.parametrize(
    "extra",
    [
        {},
        GOOD,
        {"timezone": "destination"},
        {"calling_hours": "", "calling_days": None, "timezone": "", "max_parallel_requests": None},
        {"calling_hours": "false"},
        {"max_parallel_requests": "4"},
    ],
    ids=str,
)
def test_what_a_task_takes_is_asked_for(extra: dict[str, Any], probes: list[str]) -> None:
    assert connections.tested(described(**extra)) == (True, "It was asked.")
    assert len(probes) == 1
