from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.notifications.occasion import Occasion, read_occasion

TI = SimpleNamespace(dag_id="etl", run_id="manual__1", task_id="load")


@pytest.mark.parametrize(
    ("context", "occasion"),
    [
        pytest.param({"ti": TI, "run_id": "manual__1"}, Occasion("etl", "manual__1", "load"), id="a task"),
        pytest.param({"task_instance": TI}, Occasion("etl", "manual__1", "load"), id="a task, by the long name"),
        pytest.param(
            {"dag": SimpleNamespace(dag_id="etl"), "run_id": "manual__1", "reason": "task_failure"},
            Occasion("etl", "manual__1"),
            id="a DAG in the DAG processor",
        ),
        pytest.param(
            {"dag_run": {"dag_id": "etl", "dag_run_id": "manual__1"}, "deadline": {"id": "0"}},
            Occasion("etl", "manual__1"),
            id="a deadline",
        ),
        pytest.param(
            {"dag_run": SimpleNamespace(dag_id="etl", run_id="manual__1"), "task": SimpleNamespace(task_id="load")},
            Occasion("etl", "manual__1", "load"),
            id="a function that picked some fields",
        ),
        pytest.param({"dag": None, "ti": None}, Occasion(), id="nothing is known"),
        pytest.param({}, Occasion(), id="empty"),
    ],
)
def test_what_airflow_hands_to_callbacks(context: dict[str, Any], occasion: Occasion) -> None:
    assert read_occasion(context) == occasion


words = st.text(max_size=3)
anything = st.none() | words | st.integers() | st.just(TI) | st.dictionaries(words, st.none() | words)
names = st.sampled_from(["ti", "task_instance", "dag", "dag_run", "run_id", "task", "else"])


@given(st.dictionaries(names, anything))
def test_it_takes_any_context(context: dict[str, Any]) -> None:
    found = read_occasion(context)
    for value in (found.dag_id, found.run_id, found.task_id):
        assert value is None or (isinstance(value, str) and value)


def test_what_is_shown_names_what_is_unknown() -> None:
    assert Occasion("etl", "manual__1", "load").shown == "etl manual__1"
    assert Occasion("etl").shown == "etl unknown"
    assert Occasion().shown == "unknown unknown"
