from __future__ import annotations

import contextlib
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.simulator.outcomes import Attempt, ScriptedNumber
from airflow_provider_ninebits.simulator.script import BadScript, Fault, Script


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        ({"kind": "status"}, Fault("status", placed=False, status=500)),
        ({"kind": "status", "status": 201}, Fault("status", placed=True, status=201)),
        (
            {"kind": "status", "status": 429, "retry_after": "1"},
            Fault("status", placed=False, status=429, retry_after="1"),
        ),
        ({"kind": "status", "status": 500, "placed": True}, Fault("status", placed=True, status=500)),
        ({"kind": "drop"}, Fault("drop", placed=True, seconds=1.0)),
        ({"kind": "drop", "placed": False}, Fault("drop", placed=False)),
        ({"kind": "delay", "seconds": 2}, Fault("delay", placed=True, seconds=2.0)),
        ({"kind": "no_ref_id"}, Fault("no_ref_id", placed=True)),
    ],
)
def test_a_fault_is_read(order, fault) -> None:
    script = Script()
    script.add({"faults": [order]})
    read = script.next_fault()
    assert read is not None
    assert (read.kind, read.placed, read.status, read.retry_after) == (
        fault.kind,
        fault.placed,
        fault.status,
        fault.retry_after,
    )
    assert read.kind != "delay" or read.seconds == fault.seconds


def test_faults_are_used_up_in_order_and_new_ones_wait_behind() -> None:
    script = Script()
    script.add({"faults": [{"kind": "drop"}, {"kind": "delay"}]})
    script.add({"faults": [{"kind": "no_ref_id"}]})
    used = [script.next_fault() for _ in range(4)]
    assert [fault and fault.kind for fault in used] == ["drop", "delay", "no_ref_id", None]


def test_a_fault_befalls_as_many_sends_as_were_ordered() -> None:
    script = Script()
    script.add({"faults": [{"kind": "status", "status": 429, "times": 3}, {"kind": "drop"}]})
    used = [script.next_fault() for _ in range(5)]
    assert [fault and fault.kind for fault in used] == ["status", "status", "status", "drop", None]


@pytest.mark.parametrize("garbage", ["???", 7, None, {"a": []}])
def test_a_wrong_ref_id_may_be_anything(garbage) -> None:
    script = Script()
    script.add({"faults": [{"kind": "wrong_ref_id", "ref_id": garbage}]})
    assert script.next_fault() == Fault("wrong_ref_id", placed=True, seconds=1.0, ref_id=garbage)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["faults", "numbers", "kind", "times", "attempts", "placed", "status", "2348020000000"]),
            inner | st.sampled_from(["status", "drop", "delay", 3]),
            max_size=4,
        )
    ),
)


@given(_ANYTHING)
def test_no_orders_break_the_reader_and_refused_ones_leave_nothing(orders) -> None:
    script = Script()
    with contextlib.suppress(BadScript):
        script.add(orders)
        return
    assert (script.faults, script.numbers) == (deque(), {})


def test_a_number_is_found_however_it_was_written() -> None:
    script = Script()
    attempt = {"answered": False, "ring_seconds": 3, "talk_seconds": 0}
    script.add({"numbers": {"+234 802 000 0000": {"attempts": [attempt], "lose_callback": True, "with_ref_id": True}}})
    assert script.number("2348020000000") == ScriptedNumber((Attempt(False, 3.0, 0.0),), True, True)
    assert script.number("2348030000000") == ScriptedNumber()


def test_a_cleared_script_orders_nothing() -> None:
    script = Script()
    script.add({"faults": [{"kind": "drop"}], "numbers": {"2348020000000": {"lose_callback": True}}})
    script.clear()
    assert script.next_fault() is None
    assert script.number("2348020000000") == ScriptedNumber()


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        (None, "no JSON object"),
        ({"fault": []}, "unknown fields: fault"),
        ({"faults": {}}, "no list"),
        ({"faults": [None]}, "no JSON object"),
        ({"faults": [{"kind": "explode"}]}, "kind is 'explode'"),
        ({"faults": [{"kind": ["drop"]}]}, "kind is"),
        ({"faults": [{"kind": "drop", "times": 0}]}, "times is 0"),
        ({"faults": [{"kind": "drop", "times": True}]}, "times is True"),
        ({"faults": [{"kind": "drop", "times": 10**9}]}, "times is 1000000000"),
        ({"faults": [{"kind": "drop", "seconds": 1}]}, "unknown fields: seconds"),
        ({"faults": [{"kind": "status", "status": "500"}]}, "status is '500'"),
        ({"faults": [{"kind": "status", "status": 42}]}, "status is 42"),
        ({"faults": [{"kind": "status", "retry_after": [1]}]}, "retry_after"),
        ({"faults": [{"kind": "status", "message": 1}]}, "message"),
        ({"faults": [{"kind": "delay", "seconds": -1}]}, "seconds"),
        ({"faults": [{"kind": "drop", "placed": "yes"}]}, "placed"),
        ({"numbers": {"me": {}}}, "no number"),
        ({"numbers": {"2348020000000": {"attempts": []}}}, r"234802\*\*\*0000.*empty"),
        ({"numbers": {"2348020000000": {"attempts": [{"answered": 1}]}}}, "answered is 1"),
        ({"numbers": {"2348020000000": {"lost": True}}}, "unknown fields: lost"),
    ],
)
def test_a_wrong_script_is_refused_as_a_whole(orders, message) -> None:
    script = Script()
    if isinstance(orders, dict) and isinstance(orders.get("faults", []), list):
        orders = orders | {"faults": [{"kind": "drop"}, *orders.get("faults", [])]}
    with pytest.raises(BadScript, match=message):
        script.add(orders)
    assert script.next_fault() is None
