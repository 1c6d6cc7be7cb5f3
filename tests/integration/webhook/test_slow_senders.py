"""Half requests: a thousand of them must not keep anybody else out, and none of them may stay for ever."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.webhook import bodies, connections, upkeep
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.scenes import rows
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.serving import receiver_process, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_ninebits.ledger.database import Database

HALF_A_HEAD = b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nX-Slow: "
HALF_A_BODY = (
    b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bmluZWJpdHM6c2VjcmV0\r\n"
    b"Content-Length: 100\r\n\r\n{"
)
UNAUTHORIZED = b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
CALL = {"to_number": "2348020000000", "start_at": "2023-10-24 22:54:06"}


def connected(url: str) -> socket.socket:
    at = urlsplit(url)
    return socket.create_connection((at.hostname, at.port), timeout=30)


def all_that_comes(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while some := connection.recv(65536):
            answer += some
    return answer


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, ledger_url: str) -> Iterator[str]:
    """A receiver that waits for a tenth of a second instead of ten."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(upkeep, "HEARTBEAT_SECONDS", 0.05)
    with served(ReceiverSettings(ledger_url, passwords=("secret",))) as url:
        yield url


def test_a_thousand_half_requests_keep_nobody_out(tmp_path: Path, ledger_url: str, ledger: Database) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with receiver_process(home, ledger_url) as receiver, contextlib.ExitStack() as half_requests:
        for place in range(1_000):
            slow = half_requests.enter_context(connected(receiver.url))
            slow.sendall(HALF_A_BODY if place % 2 else HALF_A_HEAD)
        assert receiver.open_files < connections.MOST_CONNECTIONS + 100
        with httpx.Client(auth=CREDENTIALS, trust_env=False, timeout=30) as sender:
            for place in range(10):
                answer = sender.post(f"{receiver.url}/ninebits/callback", json=CALL | {"total_duration": place})
                assert answer.status_code == 200
        assert receiver.peak_mib < 300
        assert 1 <= receiver.log.count("Too many connections") <= 3
    assert [callback["total_duration"] for callback in rows(ledger, schema.callback)] == list(range(10))


@pytest.mark.parametrize("sent", [b"P", HALF_A_HEAD, HALF_A_HEAD + b"\r\n"])
def test_half_a_head_is_told_to_come_again(impatient: str, sent: bytes) -> None:
    with connected(impatient) as connection:
        connection.sendall(sent)
        answer = all_that_comes(connection)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 30\r\n" in answer


def test_half_a_head_is_counted_as_turned_away(impatient: str, ledger: Database) -> None:
    # Silence proves that nothing was called back only where nothing was turned away.
    with connected(impatient) as connection:
        connection.sendall(HALF_A_HEAD)
        all_that_comes(connection)
    until = time.monotonic() + 30
    while [each["unavailable"] for each in rows(ledger, schema.receiver)] != [1]:
        assert time.monotonic() < until, rows(ledger, schema.receiver)
        time.sleep(0.05)


def test_a_head_that_goes_on_and_on_is_too_slow_all_the_same(impatient: str) -> None:
    with connected(impatient) as connection:
        connection.sendall(HALF_A_HEAD)
        until = time.monotonic() + 30
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < until:
                # A byte now and then, as slow senders do to look alive.
                connection.sendall(b"x")
                connection.settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    assert connection.recv(4096).startswith((b"HTTP/1.1 503 ", b""))
                    return
    pytest.fail("it may go on for ever")


def test_a_connection_that_says_nothing_is_closed(impatient: str) -> None:
    with connected(impatient) as connection:
        assert all_that_comes(connection) == b""


def test_a_body_that_comes_slowly_after_its_401_is_cut_off(impatient: str, ledger: Database) -> None:
    with connected(impatient) as connection:
        connection.sendall(UNAUTHORIZED)
        answer = all_that_comes(connection)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert rows(ledger, schema.callback) == []


def test_a_body_has_its_own_time_and_not_that_of_a_head(impatient: str, ledger: Database) -> None:
    with connected(impatient) as connection:
        connection.sendall(HALF_A_BODY)
        # Whoever is closed meanwhile shows that a head's time is over.
        with connected(impatient) as other:
            assert all_that_comes(other) == b""
        connection.sendall(b" " * 98 + b"}")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert [len(callback["raw"]) for callback in rows(ledger, schema.callback)] == [100]


def test_a_connection_that_is_used_stays(impatient: str) -> None:
    request = HALF_A_BODY.replace(b"100\r\n\r\n{", b"2\r\n\r\n{}")
    with connected(impatient) as connection:
        for _ in range(3):
            connection.sendall(request)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        # And after the last answer it has its time again, and no more.
        assert all_that_comes(connection) == b""


def test_whoever_makes_room_in_the_middle_of_a_request_is_told_to_come_again(
    ledger_url: str, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    with (
        served(ReceiverSettings(ledger_url, passwords=("secret",))) as url,
        connected(url) as in_a_body,
        connected(url) as in_a_head,
    ):
        in_a_body.sendall(HALF_A_BODY.replace(b"\r\n\r\n{", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert in_a_body.recv(4096).startswith(b"HTTP/1.1 100 ")
        in_a_head.sendall(HALF_A_HEAD)
        with httpx.Client(auth=CREDENTIALS, trust_env=False) as one, httpx.Client(auth=CREDENTIALS) as another:
            for sender, oldest in ((one, in_a_body), (another, in_a_head)):
                assert sender.post(f"{url}/ninebits/callback", json=CALL).status_code == 200
                assert all_that_comes(oldest).startswith(b"HTTP/1.1 503 ")
    assert len(rows(ledger, schema.callback)) == 1


def test_all_bodies_together_are_bounded(ledger_url: str, ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_HELD_BYTES", 100)
    half = HALF_A_BODY + b" " * 59
    with (
        served(ReceiverSettings(ledger_url, passwords=("secret",))) as url,
        connected(url) as first,
        connected(url) as second,
    ):
        first.sendall(half)
        # The first 60 bytes are held, or the rest of them will be when the second one comes: one of both is too many.
        second.sendall(half)
        first_answer_comes_first = second.recv(4096)
        assert first_answer_comes_first.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 30\r\n" in first_answer_comes_first
        first.sendall(b"}".rjust(40))
        assert first.recv(4096).startswith(b"HTTP/1.1 200 ")
        # What was held is free again.
        first.sendall(half + b"}".rjust(40))
        assert first.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert len(rows(ledger, schema.callback)) == 2
