from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ninebits.notifications.voice import NineBitsNotifier

GIVEN: dict[str, Any] = {
    "to": ["2348020000000"],
    "media_url": "https://media.test/failed.mp3",
    "ninebits_conn_id": "ninebits_alerts",
    "dedup_key": "etl",
    "cooldown": timedelta(minutes=5),
    "from_number": "07080670000",
    "escalate": ["2348030000000"],
    "notify_timeout": 10,
}


def test_the_constructor_only_assigns() -> None:
    notifier = NineBitsNotifier(**GIVEN)
    assert {name: getattr(notifier, name) for name in GIVEN} == GIVEN
    assert notifier.context == {}


def test_every_argument_but_the_context_is_a_template() -> None:
    named = set(inspect.signature(NineBitsNotifier).parameters)
    assert set(NineBitsNotifier.template_fields) == named - {"context"} == set(GIVEN)


def test_all_is_given_by_name() -> None:
    with pytest.raises(TypeError):
        NineBitsNotifier("2348020000000", "https://media.test/failed.mp3")  # type: ignore[misc]


def test_the_defaults() -> None:
    notifier = NineBitsNotifier(to="2348020000000", media_url="https://media.test/failed.mp3")
    assert notifier.ninebits_conn_id == "ninebits_default"
    assert (notifier.dedup_key, notifier.from_number) == (None, None)
    assert (notifier.cooldown, notifier.notify_timeout) == (timedelta(minutes=15), 20)


def test_airflow_calls_it_with_positions_only() -> None:
    # Its executor asks for that, and gives the context as the first.
    kinds = {parameter.kind for parameter in inspect.signature(NineBitsNotifier.__call__).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    assert inspect.Parameter.KEYWORD_ONLY not in kinds
