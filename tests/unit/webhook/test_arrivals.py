from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.callbacks import Arrival
from airflow_provider_ninebits.ledger.states import CallbackKind
from airflow_provider_ninebits.webhook.arrivals import read_arrivals

# 9bits: The Call Object.
CALL = {
    "start_at": "2023-10-24 22:54:06",
    "answer_at": "2023-10-24 22:54:11",
    "end_at": "2023-10-24 22:55:41",
    "total_duration": 95,
    "call_duration": 90,
    "call_direction": "outbound",
    "from_number": "07080670000",
    "to_number": "2348020000000",
    "total_amount": "30",
}
ANSWER = {"status_code": 429, "message": "Too many requests", "ref_id": "9azmf1ntcl358gczduzz4rs0u"}


def read(body: object, conn_id: str | None = None, timezone: str = "UTC") -> list[Arrival]:
    return read_arrivals(json.dumps(body).encode(), conn_id, timezone)


def test_a_call_keeps_all_of_its_fields() -> None:
    [arrival] = read(CALL | {"ref_id": "abc"}, "alerts")
    assert arrival.kind is CallbackKind.CALL
    assert json.loads(arrival.raw) == CALL | {"ref_id": "abc"}
    assert (arrival.conn_path, arrival.ref_id, arrival.number) == ("alerts", "abc", "2348020000000")
    assert arrival.inbound is False
    assert arrival.started_at == datetime(2023, 10, 24, 22, 54, 6, tzinfo=UTC)
    assert arrival.answered_at == datetime(2023, 10, 24, 22, 54, 11, tzinfo=UTC)
    assert arrival.ended_at == datetime(2023, 10, 24, 22, 55, 41, tzinfo=UTC)
    assert (arrival.total_duration, arrival.call_duration, arrival.total_amount) == (95, 90, Decimal(30))


def test_times_are_read_in_the_given_zone() -> None:
    [arrival] = read(CALL, timezone="Africa/Lagos")
    assert arrival.started_at == datetime(2023, 10, 24, 21, 54, 6, tzinfo=UTC)


def test_an_inbound_call_is_marked() -> None:
    assert read(CALL | {"call_direction": "inbound"})[0].inbound is True


def test_an_api_answer_keeps_status_and_words() -> None:
    [arrival] = read(ANSWER)
    assert arrival.kind is CallbackKind.ANSWER
    assert (arrival.status, arrival.detail, arrival.ref_id) == (429, "Too many requests", "9azmf1ntcl358gczduzz4rs0u")
    assert arrival.number is None


def test_each_item_of_a_list_is_read_by_itself() -> None:
    arrivals = read([CALL, "what is this", ANSWER])
    assert [arrival.kind for arrival in arrivals] == [CallbackKind.CALL, CallbackKind.UNREADABLE, CallbackKind.ANSWER]
    assert json.loads(arrivals[1].raw) == "what is this"


@pytest.mark.parametrize("body", [b"", b"  ", b"[]", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'"text"', b"null"])
def test_what_cannot_be_read_is_kept_raw_with_the_reason(body: bytes) -> None:
    [arrival] = read_arrivals(body, None, "UTC")
    assert (arrival.kind, arrival.raw) == (CallbackKind.UNREADABLE, body)
    assert arrival.detail
    assert arrival.identity is None


def test_a_repeat_has_the_same_identity_and_the_connection_is_part_of_it() -> None:
    again = dict(reversed(CALL.items()))
    assert read(CALL)[0].identity == read(again)[0].identity is not None
    assert read(CALL)[0].identity != read(CALL, "alerts")[0].identity
    assert read(CALL)[0].identity != read(CALL | {"end_at": "2023-10-24 22:55:42"})[0].identity


def test_a_conn_id_from_a_url_becomes_what_every_database_takes() -> None:
    [arrival] = read(CALL, "a\x00b\ud800c\n" + "x" * 1000)
    assert arrival.conn_path is not None
    assert arrival.conn_path.startswith("a?b?c?x")
    assert len(arrival.conn_path) == 250
    arrival.conn_path.encode()


@given(st.binary() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_whatever_the_bytes_are_at_least_one_arrival_comes_of_them(body: bytes) -> None:
    arrivals = read_arrivals(body, "conn", "UTC")
    assert arrivals
    assert all(isinstance(arrival.raw, bytes) for arrival in arrivals)
