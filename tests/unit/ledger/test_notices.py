from __future__ import annotations

import secrets

from airflow_provider_ninebits.ledger.notices import name_of, names_in, payload_of

MESSAGES = [secrets.token_hex(16) for _ in range(900)]


def test_a_notice_names_its_messages() -> None:
    assert names_in(payload_of(MESSAGES)) == {name_of(message_id) for message_id in MESSAGES}
    assert names_in(payload_of(MESSAGES[:1])) == {MESSAGES[0][:8]}


def test_a_notice_fits_into_what_postgresql_takes() -> None:
    assert 7000 < len(payload_of(MESSAGES)) < 8000
    assert len(payload_of([*MESSAGES, *(secrets.token_hex(16) for _ in range(600))])) < 8000


def test_of_more_than_fit_it_says_that_all_are_to_be_looked_at() -> None:
    payload = payload_of([f"{place:08}{'0' * 24}" for place in range(1000)])
    assert payload == ""
    assert names_in(payload) is None


def test_what_is_no_notice_of_ours_says_the_same() -> None:
    assert names_in("hello") is None


def test_an_id_that_is_short_has_a_name_too() -> None:
    assert names_in(payload_of(["m7", "m8"])) == {name_of("m7"), name_of("m8")}
