"""Callbacks that came whole are taken without the app: whoever sends them cannot tell."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.webhook.app import ReceiverApp
from airflow_provider_ninebits.webhook.direct import LARGEST_AT_ONCE_BYTES
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.scenes import rows
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_ninebits.ledger.database import Database

AUTHORIZED = b"Authorization: Basic bmluZWJpdHM6c2VjcmV0\r\n"
WRONG = b"Authorization: Basic bmluZWJpdHM6d3Jvbmc=\r\n"
CALL = b'{"to_number": "2348020000000", "start_at": "2023-10-24 22:54:06"}'


def request(
    body: bytes = CALL,
    *,
    head: bytes = AUTHORIZED,
    path: bytes = b"/ninebits/callback",
    method: bytes = b"POST",
    version: bytes = b"1.1",
    sized: bool = True,
) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if sized else b""
    return b"%b %b HTTP/%b\r\nHost: x\r\n%b%b\r\n%b" % (method, path, version, head, length, body)


def chunked(body: bytes = CALL) -> bytes:
    head = AUTHORIZED + b"Transfer-Encoding: chunked\r\n"
    return request(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body), head=head, sized=False)


def said(url: str, pieces: list[bytes], expected: int) -> list[bytes]:
    """Send, piece after piece, and return so many answers, each whole."""
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        received, answers = b"", []
        while len(answers) < expected:
            more = connection.recv(65536)
            if not more:
                break
            received += more
            while answer := re.match(rb"HTTP/1\.1 .*?\r\n\r\n(\{\}|\[\])?", received, re.DOTALL):
                answers.append(answer.group())
                received = received[answer.end() :]
        return answers


@pytest.fixture
def by_the_app(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that the app has seen."""
    seen: list[str] = []
    call = ReceiverApp.__call__

    async def seeing(self, scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] == "http" and scope["path"] != "/nowhere":
            seen.append(scope["path"])
        await call(self, scope, receive, send)

    monkeypatch.setattr(ReceiverApp, "__call__", seeing)
    return seen


@pytest.fixture
def url(by_the_app: list[str], ledger_url: str) -> Iterator[str]:
    with served(ReceiverSettings(ledger_url, passwords=("secret",))) as base_url:
        yield base_url


def test_a_whole_callback_is_taken_without_the_app(url: str, by_the_app: list[str], ledger: Database) -> None:
    (answer,) = said(url, [request()], 1)
    assert answer == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"
    assert by_the_app == []
    assert [each["raw"] for each in rows(ledger, schema.callback)] == [CALL]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(request(path=b"/ninebits/callback/a"), id="another connection's path"),
        pytest.param(request(path=b"/ninebits/callback?x=1"), id="a query"),
        pytest.param(request(b"[" + CALL + b"]"), id="a list"),
        pytest.param(request(b" " + CALL), id="blanks before it"),
        pytest.param(request(b""), id="an empty body"),
        pytest.param(request(b'{"x": "' + b"y" * LARGEST_AT_ONCE_BYTES + b'"}'), id="a large one"),
        pytest.param(request(version=b"1.0"), id="HTTP 1.0"),
        pytest.param(request(head=AUTHORIZED + b"Connection: close\r\n"), id="a client that closes"),
        pytest.param(request(head=AUTHORIZED + b"Expect: 100-continue\r\n"), id="a client that asks first"),
        pytest.param(chunked(), id="chunks"),
    ],
)
def test_what_is_anything_else_is_the_apps(url: str, by_the_app: list[str], ledger: Database, other: bytes) -> None:
    answers = said(url, [other], 2 if b"Expect" in other else 1)
    assert answers[-1].startswith(b"HTTP/1.1 200 ")
    assert len(by_the_app) == 1
    assert len(rows(ledger, schema.callback)) == 1


def test_a_body_that_comes_later_is_waited_for_by_the_app(url: str, by_the_app: list[str], ledger: Database) -> None:
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
        whole = request()
        for start, end in ((0, -20), (-20, -5), (-5, None)):
            connection.sendall(whole[start:end])
            # What is not there yet has to be waited for, and nothing says when the server has read the rest.
            connection.settimeout(0.2)
            try:
                early = connection.recv(1000)
            except TimeoutError:
                early = b""
            if end is not None:
                assert early == b""
        connection.settimeout(30)
        assert (early or connection.recv(1000)).startswith(b"HTTP/1.1 200 OK")
    assert by_the_app == ["/ninebits/callback"]
    assert [each["raw"] for each in rows(ledger, schema.callback)] == [CALL]


def test_both_ways_answer_the_same(url: str, by_the_app: list[str]) -> None:
    for head in (AUTHORIZED, WRONG, b"", AUTHORIZED + WRONG, b"Authorization: Basic\xff\xfe\r\n"):
        direct, by_app = (
            said(url, [request(head=head)], 1),
            said(url, [request(head=head, path=b"/ninebits/callback?")], 1),
        )
        assert direct == by_app
    assert len(by_the_app) == 5


def test_a_receiver_that_takes_nothing_says_so_both_ways(by_the_app: list[str], ledger_url: str) -> None:
    with served(ReceiverSettings(ledger_url)) as url:
        direct, by_app = said(url, [request()], 1), said(url, [request(path=b"/ninebits/callback?")], 1)
    assert direct == by_app
    assert direct[0].startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"retry-after: 30\r\n" in direct[0]


STREAM = (
    request(b'{"to_number": "2348020000001"}')
    + request(b"{}", head=WRONG)
    + request(b'[{"to_number": "2348020000002"}]')
    + chunked(b'{"to_number": "2348020000003"}')
    + request(b"", method=b"GET", path=b"/nowhere", sized=False)
    + request(b'{"to_number": "2348020000004"}')
    + request(b'{"to_number": "2348020000005"}', path=b"/ninebits/callback/a")
    + request(b'{"to_number": "2348020000006"}')
)
STATUSES = [200, 401, 200, 200, 404, 200, 200, 200]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, len(STREAM) - 1), max_size=12))
def test_requests_one_after_the_other_in_any_pieces_are_answered_in_their_order(
    url: str, ledger: Database, cuts: set[int]
) -> None:
    before = len(rows(ledger, schema.callback))
    at = [0, *sorted(cuts), len(STREAM)]
    answers = said(url, [STREAM[start:end] for start, end in pairwise(at)], len(STATUSES))
    assert [int(answer[9:12]) for answer in answers] == STATUSES
    numbers = [json.loads(each["raw"])["to_number"] for each in rows(ledger, schema.callback)[before:]]
    assert sorted(numbers) == [f"234802000000{place}" for place in range(1, 7)]


def test_an_answer_in_the_middle_of_a_piece_ends_no_request_after_it(
    monkeypatch: pytest.MonkeyPatch, ledger_url: str, ledger_folder: Path
) -> None:
    """While that one is served, the connection is not idle."""
    monkeypatch.setattr("airflow_provider_ninebits.webhook.serving.KEEP_ALIVE_SECONDS", 1)
    holder = sqlite3.connect(ledger_folder / "ninebits.db", isolation_level=None, check_same_thread=False)
    with served(ReceiverSettings(ledger_url, passwords=("secret",))) as url:
        holder.execute("BEGIN IMMEDIATE")
        letting_go = threading.Timer(1.5, holder.execute, ["ROLLBACK"])
        letting_go.start()
        answers = said(url, [request(head=WRONG) + request(b"[" + CALL + b"]")], 2)
        letting_go.join()
    holder.close()
    assert [int(answer[9:12]) for answer in answers] == [401, 200]


def test_a_client_that_goes_away_before_the_answer_has_delivered(url: str, ledger: Database) -> None:
    at = urlsplit(url)
    for place in range(20):
        with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
            connection.sendall(request(b'{"to_number": "23480200000%02d"}' % place))
    until = time.monotonic() + 30
    while len(rows(ledger, schema.callback)) < 20:
        assert time.monotonic() < until, "they do not come"
        time.sleep(0.02)
