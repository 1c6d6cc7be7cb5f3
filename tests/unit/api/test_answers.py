"""One receipt, or one error that knows whether a call was placed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.answers import Receipt, read_answer, said_status, usable_ref_id
from airflow_provider_ninebits.api.errors import (
    AuthenticationFailed,
    RateLimited,
    SendError,
    SendRefused,
    SendUncertain,
)

REF_ID = "9azmf1ntcl358gczduzz4rs0u"


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("status", "answer", "ref_id"),
    [
        (200, body(status_code=200, message="Request is being processed", ref_id=REF_ID), REF_ID),
        (201, body(status_code=201, message="Created", ref_id=REF_ID), REF_ID),
        (200, body(ref_id=REF_ID), REF_ID),
        (200, body(ref_id=12345), "12345"),
        (202, body(status_code="200", ref_id=REF_ID, more=[1]), REF_ID),
        (200, b"\xef\xbb\xbf" + body(ref_id=REF_ID), REF_ID),
        # The first row of the table: what has a ref_id was accepted.
        (200, body(status_code=500, ref_id=REF_ID), REF_ID),
    ],
)
def test_a_2xx_with_a_ref_id_is_a_receipt(status: int, answer: bytes, ref_id: str) -> None:
    receipt = read_answer(status, answer, {})
    assert (receipt.ref_id, receipt.status) == (ref_id, status)


def test_a_receipt_has_what_9bits_said() -> None:
    assert read_answer(200, body(message="Request is being processed", ref_id=REF_ID), {}) == Receipt(
        REF_ID, 200, "Request is being processed"
    )


@pytest.mark.parametrize(
    ("status", "answer", "error", "placed", "known_status"),
    [
        (401, body(status_code=401, message="Authentication failed"), AuthenticationFailed, False, 401),
        (401, b"", AuthenticationFailed, False, 401),
        (200, body(status_code=401, message="Authentication failed"), AuthenticationFailed, False, 401),
        (200, body(status_code="401"), AuthenticationFailed, False, 401),
        (405, body(status_code=405), SendRefused, False, 405),
        (200, body(status_code=405), SendRefused, False, 405),
        (429, body(status_code=429), RateLimited, False, 429),
        (200, body(status_code=429), RateLimited, False, 429),
        (400, b"<html>", SendRefused, False, 400),
        (403, body(ref_id=REF_ID), SendRefused, False, 403),
        (404, b"", SendRefused, False, 404),
        (407, b"", SendRefused, False, 407),
        (422, b"", SendRefused, False, 422),
        (499, b"", SendRefused, False, 499),
        (200, body(status_code=422), SendRefused, False, 422),
        (408, b"", SendUncertain, None, 408),
        (200, body(status_code=408), SendUncertain, None, 408),
        (500, body(status_code=500, message="Server error"), SendUncertain, None, 500),
        (500, body(status_code=401), SendUncertain, None, 500),
        (502, b"<html>", SendUncertain, None, 502),
        (503, body(ref_id=REF_ID), SendUncertain, None, 503),
        (200, body(status_code=500), SendUncertain, None, 500),
        (200, body(status_code=302), SendUncertain, None, 302),
        (200, b"", SendUncertain, None, 200),
        (204, b"", SendUncertain, None, 204),
        (200, b"ok", SendUncertain, None, 200),
        (200, b"[]", SendUncertain, None, 200),
        (200, b"\xff\xfe\x00", SendUncertain, None, 200),
        (200, b"[" * 100_000, SendUncertain, None, 200),
        (200, b'{"ref_id": ' + b"9" * 5000 + b"}", SendUncertain, None, 200),
        (200, body(status_code=200, message="fine"), SendUncertain, None, 200),
        (200, body(status_code=200, ref_id=None), SendUncertain, None, 200),
        (200, body(status_code=200, ref_id=""), SendUncertain, None, 200),
        (200, body(status_code=True), SendUncertain, None, 200),
        (200, body(status_code=4010), SendUncertain, None, 200),
        (301, b"", SendUncertain, None, 301),
        (302, b"", SendUncertain, None, 302),
        (307, body(ref_id=REF_ID), SendUncertain, None, 307),
        (100, b"", SendUncertain, None, 100),
        (101, b"", SendUncertain, None, 101),
        (600, b"", SendUncertain, None, 600),
        (999, b"", SendUncertain, None, 999),
        (0, b"", SendUncertain, None, 0),
    ],
)
def test_another_answer_is_an_error_that_knows_whether_a_call_was_placed(
    status: int, answer: bytes, error: type[SendError], placed: bool | None, known_status: int
) -> None:
    with pytest.raises(SendError) as caught:
        read_answer(status, answer, {})
    assert type(caught.value) is error
    assert caught.value.placed is placed
    assert caught.value.status == known_status


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": "Tue, 24 Oct 2023 22:54:36 GMT"}, 30.0),
        ({"Retry-After": "soon"}, None),
    ],
)
def test_a_rate_limit_says_how_long(headers: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(RateLimited) as caught:
        read_answer(429, b"", headers, now=datetime(2023, 10, 24, 22, 54, 6, tzinfo=UTC))
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_no_error_repeats_the_key_a_number_or_a_line_break(status: int) -> None:
    said = body(message="k-123 may not ring 2348020000000\nINFO all is well")
    with pytest.raises(SendError) as caught:
        read_answer(status, said, {}, secret="k-123")
    text = str(caught.value)
    assert "k-123" not in text
    assert "2348020000000" not in text
    assert "\n" not in text
    assert "may not ring 234802***0000" in text


@given(st.integers(0, 999), st.binary() | st.dictionaries(st.text(), st.text()).map(json.dumps).map(str.encode))
def test_any_answer_is_a_receipt_or_a_send_error(status: int, answer: bytes) -> None:
    try:
        receipt = read_answer(status, answer, {})
    except SendError:
        return
    assert 200 <= status < 300
    assert usable_ref_id(receipt.ref_id) == receipt.ref_id


@pytest.mark.parametrize(
    ("value", "ref_id"),
    [
        (REF_ID, REF_ID),
        (f" {REF_ID}\n", REF_ID),
        (7, "7"),
        ("a" * 128, "a" * 128),
        ("a" * 129, None),
        (10**127, "1" + "0" * 127),
        (10**200, None),
        pytest.param(10**5000, None, id="longer than Python writes"),
        (-1, None),
        ("", None),
        (" ", None),
        ("a b", None),
        ("a\x00b", None),
        ("\ud800", None),
        ("é", None),
        (1.5, None),
        (True, None),
        (None, None),
        ([REF_ID], None),
    ],
)
def test_a_ref_id_is_short_printable_text(value: object, ref_id: str | None) -> None:
    assert usable_ref_id(value) == ref_id


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [(200, body(status_code=401), 401), (405, body(status_code=401), 405), (200, b"", 200), (204, b"no", 204)],
)
def test_the_status_of_a_body_counts_where_http_says_all_is_well(status: int, answer: bytes, said: int) -> None:
    assert said_status(status, answer) == said
