from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime

import pytest

from airflow_provider_ninebits.ledger.counts import MessageCounts
from airflow_provider_ninebits.ledger.notices import MOST_COUNTED, Notice, name_of, payload_of, read

MESSAGES = [secrets.token_hex(16) for _ in range(900)]
AT = datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC)


def named(payload: str) -> frozenset[str]:
    notice = read(payload)
    assert notice is not None
    assert notice.counts == ()
    return notice.names


def test_a_notice_names_its_messages() -> None:
    assert named(payload_of(MESSAGES)) == {name_of(message_id) for message_id in MESSAGES}
    assert named(payload_of(MESSAGES[:1])) == {MESSAGES[0][-8:]}


def test_a_notice_fits_into_what_postgresql_takes() -> None:
    assert 7000 < len(payload_of(MESSAGES)) < 8000
    assert len(payload_of([*MESSAGES, *(secrets.token_hex(16) for _ in range(600))])) < 8000


def test_counts_fit_too_however_large_they_are() -> None:
    largest = 2**31 - 1
    counts = {message_id: [largest] * 5 for message_id in MESSAGES[:MOST_COUNTED]}
    # As PostgreSQL writes it, with spaces.
    payload = json.dumps({"at": AT.isoformat(), "counts": counts}, separators=(", ", " : "))
    assert len(payload) < 8000
    told = read(payload)
    assert told is not None
    assert len(told.counts) == MOST_COUNTED


def test_of_more_than_fit_it_says_that_all_are_to_be_looked_at() -> None:
    payload = payload_of([f"{'0' * 24}{place:08}" for place in range(1000)])
    assert payload == ""
    assert read(payload) is None


def test_counts_are_read() -> None:
    payload = json.dumps({"at": AT.isoformat(), "counts": {"m7": [3, 10, 4, 2, 1]}})
    assert read(payload) == Notice(counts=(MessageCounts("m7", 3, AT, 10, 4, 2, 1),))


@pytest.mark.parametrize(
    "payload",
    [
        "hello",
        "{",
        "{}",
        '{"at": 7, "counts": {}}',
        '{"at": "2026-11-24T10:00:00+00:00", "counts": []}',
        '{"at": "2026-11-24T10:00:00+00:00", "counts": {"m": 7}}',
        '{"at": "2026-11-24T10:00:00+00:00", "counts": {"m": [1, 2]}}',
        '{"at": "2026-11-24T10:00:00+00:00", "counts": {"m": [1, 2, 3, 4, "x"]}}',
        '{"at": "2026-11-24T10:00:00+00:00", "counts": {"m": [1, 2, 3, 4, 5, 6]}}',
    ],
)
def test_what_is_no_notice_of_ours_says_that_all_are_to_be_looked_at(payload: str) -> None:
    assert read(payload) is None


def test_an_id_that_is_short_has_a_name_too() -> None:
    assert named(payload_of(["m7", "m8"])) == {name_of("m7"), name_of("m8")}
