from __future__ import annotations

from datetime import UTC, datetime

from airflow_provider_ninebits.simulator.journal import KEPT_CALLS, KEPT_REQUESTS, Call, Journal
from airflow_provider_ninebits.simulator.outcomes import Attempt

NUMBER = "2348020000000"


def call() -> Call:
    return Call("r" * 25, NUMBER, None, 0, 0, Attempt(True, 1, 1), datetime(2023, 10, 24, tzinfo=UTC))


def test_old_calls_make_room_but_every_ringing_stays_counted() -> None:
    journal = Journal()
    for _ in range(KEPT_CALLS + 2):
        journal.add_call(call())
    assert len(journal.calls) == KEPT_CALLS
    assert journal.rung == {NUMBER: KEPT_CALLS + 2}
    assert journal.counts()["forgotten"] == {"calls": 2, "requests": 0}


def test_old_requests_make_room() -> None:
    journal = Journal()
    for place in range(KEPT_REQUESTS + 1):
        journal.add_request({"place": place})
    assert journal.requests[0] == {"place": 1}
    assert journal.counts()["forgotten"] == {"calls": 0, "requests": 1}


def test_a_cleared_journal_has_forgotten_that_it_forgot() -> None:
    journal = Journal()
    for _ in range(KEPT_REQUESTS + 1):
        journal.add_request({})
    journal.clear()
    assert journal.counts() == Journal().counts()
