"""The receiver in a process of its own, and all that may be sent to it by somebody who knows the password."""

from __future__ import annotations

import itertools
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from tests.integration.ledger.scenes import rows
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.hostile import CONN_IDS, FORGED, HEADERS, KEPT_AS_ONE, MALFORMED, ODD_TARGETS
from tests.integration.webhook.serving import ReceiverProcess, receiver_process

if TYPE_CHECKING:
    from collections.abc import Iterator

AUTHORIZATION = b"Authorization: Basic bmluZWJpdHM6c2VjcmV0\r\n"
# It starts at some 130 MiB, Airflow's configuration included. What comes at once is at most 64 MiB of bodies, of which
# one is being read.
MOST_MIB_ON_TOP = 250
# What Airflow's log looks like: each line begins with its time and level, and nothing but text follows.
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[(debug|info|warning|error) +\] [ -~]+")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'ninebits.db'}")
    yield database
    database.close()


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory, ledger: Database) -> Iterator[ReceiverProcess]:
    home = tmp_path_factory.mktemp("receiver")
    with receiver_process(home, ledger.url.render_as_string(hide_password=False)) as running:
        yield running


@pytest.fixture(scope="module")
def idle_mib(receiver: ReceiverProcess) -> int:
    httpx.post(f"{receiver.url}/ninebits/callback", json={}, auth=CREDENTIALS, trust_env=False).raise_for_status()
    return receiver.peak_mib


@pytest.fixture
def sender(receiver: ReceiverProcess, idle_mib: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=receiver.url, auth=CREDENTIALS, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def sound(receiver: ReceiverProcess, idle_mib: int) -> Iterator[None]:
    """What holds after each of these tests."""
    yield
    lines = receiver.log.splitlines()
    assert [line for line in lines if not LOG_LINE.fullmatch(line)] == []
    assert FORGED not in receiver.log
    assert "Traceback" not in receiver.log
    assert receiver.peak_mib - idle_mib < MOST_MIB_ON_TOP


def kept(ledger: Database, after: int) -> list[dict[str, Any]]:
    return [callback for callback in rows(ledger, schema.callback) if callback["id"] > after]


def last_id(ledger: Database) -> int:
    return max((callback["id"] for callback in rows(ledger, schema.callback)), default=0)


def exchange(receiver: ReceiverProcess, request: bytes) -> bytes:
    """Send bytes, and return all that comes back until the receiver closes."""
    at = urlsplit(receiver.url)
    answer = b""
    with socket.create_connection((at.hostname, at.port), timeout=60) as connection:
        try:
            connection.sendall(request)
            while some := connection.recv(65536):
                answer += some
        except ConnectionError:  # it closed while this was still sending: what it said before may be lost
            pass
    return answer


def test_every_body_is_taken_and_kept_as_it_came(sender: httpx.Client, ledger: Database) -> None:
    before = last_id(ledger)
    kinds = itertools.cycle(HEADERS)
    for name, body in KEPT_AS_ONE.items():
        answer = sender.post("/ninebits/callback", content=body, headers=next(kinds))
        assert (answer.status_code, answer.content) == (200, b"{}"), name
        assert FORGED not in str(answer.headers), name
    found = kept(ledger, before)
    assert [callback["raw"] for callback in found] == list(KEPT_AS_ONE.values())
    assert {callback["match_state"] for callback in found} == {"unreadable", "unmatched"}


def test_many_large_ones_at_once_take_no_more_memory_than_some(sender: httpx.Client, ledger: Database) -> None:
    before = last_id(ledger)
    worst = ["half a million numbers", "a list of many lists", "a list of many decimals", "bytes that are no text"]
    bodies = [KEPT_AS_ONE[name] for name in worst * 6]
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda body: sender.post("/ninebits/callback", content=body).status_code, bodies))
    # 503 where they are more than the ledger takes in 2 s; that comes again.
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) <= len(kept(ledger, before)) <= len(bodies)
    assert sender.post("/ninebits/callback", json={}).status_code == 200


def test_a_conn_id_may_be_anything(sender: httpx.Client, ledger: Database, receiver: ReceiverProcess) -> None:
    before = last_id(ledger)
    for written in CONN_IDS:
        # By hand: a client would write the path anew.
        answer = exchange(
            receiver,
            b"POST /ninebits/callback/" + written.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Length: 2\r\n" + AUTHORIZATION + b"\r\n{}",
        )
        assert answer.startswith(b"HTTP/1.1 200 "), (written[:40], answer)
        assert answer.endswith(b"\r\n\r\n{}"), (written[:40], answer)
        assert FORGED.encode() not in answer
    assert [callback["conn_path"] for callback in kept(ledger, before)] == list(CONN_IDS.values())


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_http_or_too_much_of_it_is_turned_away(
    receiver: ReceiverProcess, ledger: Database, name: str
) -> None:
    before = last_id(ledger)
    answer = exchange(receiver, MALFORMED[name])
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ", b"HTTP/1.1 404 ")), answer
    assert FORGED.encode() not in answer
    assert kept(ledger, before) == []


def test_a_target_that_names_no_route_is_not_found_and_not_repeated(
    receiver: ReceiverProcess, ledger: Database
) -> None:
    before = last_id(ledger)
    for target in ODD_TARGETS:
        answer = exchange(
            receiver,
            b"POST " + target + b" HTTP/1.1\r\nHost: " + FORGED.encode() + b"\r\nConnection: close\r\n"
            b"Content-Length: 2\r\n" + AUTHORIZATION + b"\r\n{}",
        )
        assert answer.startswith(b"HTTP/1.1 404 "), (target, answer)
        assert answer.endswith(b"\r\n\r\n{}"), (target, answer)
        assert FORGED.encode() not in answer, (target, answer)
    assert kept(ledger, before) == []


def test_an_upgrade_is_not_taken_up(receiver: ReceiverProcess) -> None:
    for upgrade in (b"websocket", b"h2c"):
        answer = exchange(
            receiver,
            b"GET /ninebits/health HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: " + upgrade + b"\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        )
        assert answer.startswith(b"HTTP/1.1 200 "), answer


def test_a_chunked_body_without_end_ends_with_413(receiver: ReceiverProcess, ledger: Database) -> None:
    before = last_id(ledger)
    head = b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + AUTHORIZATION + b"\r\n"
    # 64 MiB; the receiver stops to read after 5, so most of it is never sent.
    answer = exchange(receiver, head + (b"100000\r\n" + b"x" * 0x100000 + b"\r\n") * 64)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 "), answer[:200]
    assert kept(ledger, before) == []


def test_a_target_with_a_host_is_the_path_behind_it_and_not_repeated(receiver: ReceiverProcess) -> None:
    """Whoever speaks HTTP/1.1 has to take it (RFC 9112), whoever the host is."""
    for target in (b"http://" + FORGED.encode() + b"/ninebits/callback", b"http://127.0.0.1/ninebits/callback/a"):
        answer = exchange(
            receiver,
            b"POST "
            + target
            + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n"
            + AUTHORIZATION
            + b"\r\n{}",
        )
        assert answer.startswith(b"HTTP/1.1 200 "), (target, answer)
        assert FORGED.encode() not in answer, (target, answer)


def test_a_callback_that_asks_for_an_upgrade_is_stored_and_the_next_one_too(
    receiver: ReceiverProcess, ledger: Database
) -> None:
    """Some HTTP clients ask every server without TLS for HTTP/2."""
    before = last_id(ledger)
    request = (
        b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nContent-Length: 9\r\n" + AUTHORIZATION + b"\r\n"
    )
    for body in (b'{"a": "b"', b'{"c": "d"'):
        # The connection ends with the answer, so that no second request is written where none is read.
        answer = exchange(receiver, request + body)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        assert b"\r\nconnection: close\r\n" in answer.lower()
    assert [callback["raw"] for callback in kept(ledger, before)] == [b'{"a": "b"', b'{"c": "d"']


def test_what_is_pipelined_after_an_upgrade_is_no_part_of_its_body(receiver: ReceiverProcess, ledger: Database) -> None:
    before = last_id(ledger)
    head = b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n" + AUTHORIZATION
    answer = exchange(receiver, head + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\none" + head + b"\r\ntwo")
    assert answer.count(b"HTTP/1.1 200 ") == 1, answer
    assert [callback["raw"] for callback in kept(ledger, before)] == [b"one"]


def test_a_body_in_chunks_of_one_byte_is_taken(receiver: ReceiverProcess, ledger: Database) -> None:
    before = last_id(ledger)
    body = b"[" + b" " * 20_000 + b"]"
    chunks = b"".join(b"1;x=y\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    head = b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
    answer = exchange(receiver, head + AUTHORIZATION + b"\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert [callback["raw"] for callback in kept(ledger, before)] == [body]


def test_a_chunk_header_without_end_is_cut_off(receiver: ReceiverProcess, ledger: Database) -> None:
    before = last_id(ledger)
    head = b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + AUTHORIZATION + b"\r\n"
    for endless in (b"1;" + b"x" * 1_000_000, b"1" * 1_000_000, b"0\r\n" + b"X: y\r\n" * 200_000):
        answer = exchange(receiver, head + endless)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 503 ")), answer[:200]
    assert kept(ledger, before) == []


def test_a_list_is_taken_as_a_whole(sender: httpx.Client, ledger: Database) -> None:
    before = last_id(ledger)
    calls = [{"to_number": f"23480{place:08}", "start_at": "2023-10-24 22:54:06"} for place in range(5_000)]
    assert sender.post("/ninebits/callback", json=calls).status_code == 200
    assert [callback["number"] for callback in kept(ledger, before)] == [call["to_number"] for call in calls]


def test_the_log_is_written_at_all(receiver: ReceiverProcess) -> None:
    # Where nothing was logged the searches above would prove nothing.
    httpx.post(f"{receiver.url}/ninebits/callback", json={}, trust_env=False)
    exchange(receiver, MALFORMED["no HTTP"])
    assert "A callback was answered 401" in receiver.log
    assert "Invalid HTTP request received." in receiver.log
    assert "Uvicorn running on" in receiver.log


def test_what_is_no_http_does_not_fill_the_log(receiver: ReceiverProcess, tmp_path: Path) -> None:
    for _ in range(50):
        exchange(receiver, MALFORMED["no HTTP"])
    assert receiver.log.count("Invalid HTTP request received.") <= 3
