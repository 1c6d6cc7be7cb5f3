from __future__ import annotations

from typing import Any

import pytest
from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.triggers.events import CallbackEventTrigger, CallEvent

CLASSPATH = "airflow_provider_ninebits.triggers.events.CallbackEventTrigger"


def arguments(**given: Any) -> dict[str, Any]:
    classpath, kwargs = CallbackEventTrigger(**given).serialize()
    assert classpath == CLASSPATH
    return kwargs


def test_serialize_is_exactly_what_makes_it_again() -> None:
    assert arguments() == {"ninebits_conn_id": None, "number_prefix": None, "state": None}
    given = arguments(ninebits_conn_id="a", number_prefix=["234803", "+234 802"], state=["failed", "answered"])
    assert given == {
        "ninebits_conn_id": "a",
        "number_prefix": ["234802", "234803"],
        "state": ["answered", "failed"],
    }
    assert arguments(**given) == given


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"state": "unanswered"}, {"state": ["unanswered"]}),
        ({"state": ("failed", "unanswered")}, {"state": {"unanswered", "failed"}}),
        ({"number_prefix": "00234-802"}, {"number_prefix": ["234802", "+234802"]}),
    ],
)
def test_what_means_the_same_is_the_same_trigger(one: dict[str, Any], other: dict[str, Any]) -> None:
    # Airflow runs one for all assets that name the same, and the ledger keeps its events once.
    assert arguments(**one) == arguments(**other)
    assert CallbackEventTrigger(**one).shared_stream_key() == CallbackEventTrigger(**other).shared_stream_key()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (
            {"state": "unaswered"},
            r"state: 'unaswered' is not a state; give one or more of answered, unanswered, failed",
        ),
        ({"state": "pending"}, "state: 'pending' is not a state"),
        ({"state": []}, "state is empty; leave it out"),
        ({"number_prefix": []}, "number_prefix is empty; leave it out"),
        ({"number_prefix": "Lagos"}, "number_prefix: <str that is no number> begins no number; give digits"),
        ({"number_prefix": "0802"}, r"number_prefix: 0\*\*\* begins no number; give digits, with the country code"),
        ({"number_prefix": ["234802", ""]}, "begins no number"),
    ],
)
def test_what_could_never_fire_is_an_error_where_the_dag_is_read(given: dict[str, Any], error: str) -> None:
    with pytest.raises(InvalidArgument, match=error):
        CallbackEventTrigger(**given)


def test_arguments_have_names() -> None:
    with pytest.raises(TypeError):
        CallbackEventTrigger("ninebits_default")  # type: ignore[misc]


def test_different_triggers_have_streams_of_their_own() -> None:
    assert CallbackEventTrigger().shared_stream_key() != CallbackEventTrigger(state="failed").shared_stream_key()


def test_an_airflow_without_acknowledged_streams_runs_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(BaseEventTrigger, "create_shared_stream_producer")
    assert CallbackEventTrigger().shared_stream_key() is None


@given(st.sampled_from(["2348020000001", "447700900123", "12125550123"]))
def test_what_airflow_logs_of_an_event_shows_no_whole_number(number: str) -> None:
    event = CallEvent({"event_id": "m-1-unanswered", "call": {"to_number": number, "state": "unanswered"}})
    for shown in (repr(event), str(event), f"{event}"):
        assert number not in shown
        assert "m-1-unanswered" in shown


def test_its_events_are_what_airflow_takes_from_any_trigger() -> None:
    payload = {"event_id": "m-1-failed", "call": {"to_number": "2348020000001", "state": "failed"}}
    assert TriggerEvent.model_validate(CallEvent(payload).model_dump()).payload == payload


def test_an_asset_can_be_watched_by_it() -> None:
    from airflow.sdk import Asset, AssetWatcher
    from airflow.serialization.decoders import smart_decode_trigger_kwargs
    from airflow.serialization.encoders import encode_trigger

    trigger = CallbackEventTrigger(number_prefix="234", state="unanswered")
    asset = Asset("calls", watchers=[AssetWatcher(name="unanswered", trigger=trigger)])
    encoded = encode_trigger(asset.watchers[0].trigger)
    kwargs = {name: smart_decode_trigger_kwargs(value) for name, value in encoded["kwargs"].items()}
    assert arguments(**kwargs) == trigger.serialize()[1]
