from __future__ import annotations

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.simulator.answers import (
    BadRequest,
    SendRequest,
    answer_body,
    new_ref_id,
    read_send,
    token_is_good,
)

MEDIA = "https://example.com/reminder.mp3"


def body(**fields: object) -> bytes:
    return json.dumps({"to": "2348020000000", "media_url": MEDIA} | fields).encode()


def many(count: int) -> list[str]:
    return [str(2348020000000 + n) for n in range(count)]


@pytest.mark.parametrize(
    ("header", "api_key", "good"),
    [
        ("Bearer anything", None, True),
        ("bearer anything", None, True),
        ("Bearer bad", None, False),
        ("Bearer ", None, False),
        ("Bearer", None, False),
        ("Basic anything", None, False),
        ("", None, False),
        (None, None, False),
        ("Bearer key", "key", True),
        ("Bearer bad", "bad", True),
        ("Bearer other", "key", False),
        ("Bearer kéy", "kéy", True),
    ],
)
def test_the_token_is_checked(header, api_key, good) -> None:
    assert token_is_good(header, api_key) is good


@pytest.mark.parametrize(
    ("to", "read"),
    [
        ("2348020000000", ("2348020000000",)),
        (["2348030000000", "2348020000000"], ("2348030000000", "2348020000000")),
        (["+2348020000000", "002348020000000", "2348020000000"], ("2348020000000",)),
        (many(1000) + many(10), tuple(many(1000))),
    ],
)
def test_numbers_are_read_each_once_and_in_order(to, read) -> None:
    assert read_send(body(to=to)) == SendRequest(read, MEDIA)


def test_the_caller_id_is_read() -> None:
    assert read_send(body(**{"from": "2347080670000"})).caller_id == "2347080670000"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not JSON"),
        (b"to=1", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (body(pitch=float("nan")), "not JSON"),
        (body(**{"from": "\ud800"}), "not JSON"),
        (b"[]", "no JSON object"),
        (body(to=None), "to is missing"),
        (body(to=[]), "to is missing"),
        (body(to={}), "to is missing"),
        (body(to=["call me"]), "no number"),
        (body(to=[2348020000000]), "no number"),
        (body(to=many(1001)), "1001 numbers"),
        (body(media_url=None), "media_url"),
        (body(media_url="ftp://example.com/a.mp3"), "media_url"),
        (body(media_url="https://"), "media_url"),
        (body(media_url="http://[broken"), "media_url"),
        (body(**{"from": 7}), "from"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(raw, message) -> None:
    with pytest.raises(BadRequest, match=message):
        read_send(raw)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["to", "media_url", "from"]), inner),
    )
)
def test_no_body_breaks_the_check(anything) -> None:
    with contextlib.suppress(BadRequest):
        assert read_send(json.dumps(anything).encode()).to


def test_the_documented_answers() -> None:
    assert answer_body(200, "r") == {"status_code": 200, "message": "Request is being processed", "ref_id": "r"}
    assert answer_body(401) == {
        "status_code": 401,
        "message": "Authentication failed: Signature verification failed",
    }


def test_a_ref_id_has_25_characters_and_never_comes_twice() -> None:
    made = {new_ref_id() for _ in range(500)}
    assert len(made) == 500
    assert all(re.fullmatch(r"[a-z0-9]{25}", ref_id) for ref_id in made)
