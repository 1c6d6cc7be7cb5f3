from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ninebits.operators.escalation import EscalateVoiceOperator
from airflow_provider_ninebits.operators.links import MOST_REF_IDS, show_links
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor

RECORDING = "https://example.com/a.mp3"
PLACE = "dag_id=reminders&run_id=manual__2026-03-01T09%3A00%3A00%2B00%3A00&task_id=send"
PAGE = "https://airflow.example.com/data/ninebits/calls/"


@pytest.fixture(autouse=True)
def base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/data/")


class TaskInstance(SimpleNamespace):
    def __init__(self, map_index: int = -1) -> None:
        run_id = "manual__2026-03-01T09:00:00+00:00"
        super().__init__(dag_id="reminders", run_id=run_id, task_id="send", map_index=map_index, pushed={})

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def link_of(operator: Any, map_index: int = -1) -> str:
    (link,) = operator.operator_extra_links
    assert link.name == "Voice calls"
    url = link.get_link(operator, ti_key=TaskInstance(map_index))
    assert isinstance(url, str)
    return url


def test_a_send_leads_to_what_its_instance_has_sent() -> None:
    send = SendVoiceOperator(task_id="send", to="2348020000001", media_url=RECORDING)
    assert link_of(send) == f"{PAGE}?{PLACE}"
    assert link_of(send, map_index=0) == f"{PAGE}?{PLACE}&map_index=0"


def test_an_escalation_leads_to_all_of_its_task() -> None:
    ladder = EscalateVoiceOperator(task_id="send", contacts=["2348020000001"], media_url=RECORDING)
    assert link_of(ladder, map_index=3) == f"{PAGE}?{PLACE}"


@pytest.mark.parametrize(
    ("ref_id", "query"),
    [
        ("abc", "?ref_id=abc"),
        (["abc", "ledger:0f&1"], "?ref_id=abc&ref_id=ledger%3A0f%261"),
        ("['abc', 'def']", "?ref_id=abc&ref_id=def"),
        ("None", ""),
        (None, ""),
    ],
)
def test_a_wait_leads_to_what_it_waits_for(ref_id: Any, query: str) -> None:
    assert link_of(CallbackSensor(task_id="wait", ref_id=ref_id)) == f"{PAGE}{query}"


def test_a_wait_for_very_much_leads_to_the_first_of_it() -> None:
    url = link_of(CallbackSensor(task_id="wait", ref_id=[f"r{each}" for each in range(1000)]))
    assert url.count("ref_id=") == MOST_REF_IDS
    assert url.endswith(f"ref_id=r{MOST_REF_IDS - 1}")


def test_it_is_shown_while_the_task_is_at_work_and_never_fails_it() -> None:
    send, ti = SendVoiceOperator(task_id="send", to="2348020000001", media_url=RECORDING), TaskInstance()
    show_links(send, {"ti": ti})
    assert ti.pushed == {send.operator_extra_links[0].xcom_key: f"{PAGE}?{PLACE}"}
    show_links(send, {})
