from __future__ import annotations

import json
import logging
import shutil
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.scenes import ADA, BEN, accepted, rows, states
from tests.integration.webhook.conftest import CREDENTIALS
from tests.integration.webhook.serving import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ninebits.ledger.database import Database

MIB = 1024 * 1024
CALL = {
    "start_at": "2023-10-24 22:54:06",
    "answer_at": "2023-10-24 22:54:11",
    "end_at": "2023-10-24 22:55:41",
    "total_duration": 95,
    "call_duration": 90,
    "call_direction": "outbound",
    "from_number": "07080670000",
    "to_number": ADA,
    "total_amount": "30",
}
ANSWER = {"status_code": 200, "message": "Request is being processed", "ref_id": "r1"}

CALLBACK_ROUTES = {
    "/ninebits/callback": None,
    "/ninebits/callback/": None,
    "/ninebits/callback/alerts": "alerts",
    "/ninebits/callback/alerts/": "alerts",
    "/ninebits/callback/a%20conn%C3%A9": "a conné",
}


def kept(ledger: Database) -> list[dict[str, Any]]:
    return rows(ledger, schema.callback)


class TestWhatIsTaken:
    def test_a_call_on_every_route(self, sender: httpx.Client, ledger: Database) -> None:
        for place, (route, conn_path) in enumerate(CALLBACK_ROUTES.items()):
            call = CALL | {"total_duration": place}
            answer = sender.post(route, json=call)
            assert (answer.status_code, answer.content) == (200, b"{}"), route
            callback = kept(ledger)[place]
            assert (callback["kind"], callback["number"], callback["conn_path"]) == ("call", ADA, conn_path), route
            assert json.loads(callback["raw"]) == call

    def test_a_list_an_api_answer_and_a_call_that_nobody_sent(self, sender: httpx.Client, ledger: Database) -> None:
        statuses = [
            sender.post("/ninebits/callback", json=body).status_code
            for body in ([CALL, CALL | {"to_number": BEN}], ANSWER, CALL | {"to_number": "2349000000000"})
        ]
        assert statuses == [200, 200, 200]
        assert [callback["kind"] for callback in kept(ledger)] == ["call", "call", "answer", "call"]
        assert {callback["match_state"] for callback in kept(ledger)} == {"unmatched"}

    def test_a_body_that_cannot_be_read_is_kept_raw(self, sender: httpx.Client, ledger: Database) -> None:
        bodies = [b"", b"{", b"\xff\x00\xfe", b'"hello"', b"[]", b"[" * 50_000, b"a=1&b=2"]
        assert {sender.post("/ninebits/callback", content=body).status_code for body in bodies} == {200}
        assert [(callback["kind"], callback["raw"]) for callback in kept(ledger)] == [
            ("unreadable", body) for body in bodies
        ]

    def test_a_repeat_is_answered_200_and_kept_once(self, sender: httpx.Client, ledger: Database) -> None:
        assert [sender.post("/ninebits/callback", json=CALL).status_code for _ in range(3)] == [200, 200, 200]
        [callback] = kept(ledger)
        assert callback["repeats"] == 2

    def test_a_call_settles_its_recipient(self, sender: httpx.Client, ledger: Database) -> None:
        message = accepted(ledger, "r1", ADA, BEN)
        sender.post("/ninebits/callback", json=CALL | {"ref_id": "r1"})
        assert states(ledger, message) == ["answered", "pending"]

    def test_a_callback_for_one_connection_leaves_the_messages_of_others_alone(
        self, sender: httpx.Client, ledger: Database
    ) -> None:
        here = accepted(ledger, "r1", ADA, conn_id="alerts")
        there = accepted(ledger, "r2", ADA, conn_id="others")
        # No time: it counts as called when it arrives, which is after both requests.
        call = {"to_number": ADA, "answer_at": "2023-10-24 22:54:11"}
        sender.post("/ninebits/callback/alerts", json=call)
        assert states(ledger, here, there) == ["answered", "pending"]
        sender.post("/ninebits/callback/others", json=call)
        assert states(ledger, here, there) == ["answered", "answered"]

    def test_times_are_read_in_the_configured_zone(self, ledger_url: str, ledger: Database) -> None:
        settings = ReceiverSettings(ledger_url, passwords=("secret",), callback_timezone="Africa/Lagos")
        with served(settings) as url:
            httpx.post(f"{url}/ninebits/callback", json=CALL, auth=CREDENTIALS, trust_env=False)
        [callback] = kept(ledger)
        assert callback["started_at"].isoformat() == "2023-10-24T21:54:06+00:00"

    def test_everything_answered_200_is_in_the_ledger(self, sender: httpx.Client, ledger: Database) -> None:
        def deliver(place: int) -> int:
            return sender.post("/ninebits/callback", json=CALL | {"total_duration": place}).status_code

        with ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(deliver, range(200)))
        assert set(statuses) == {200}
        assert sorted(callback["total_duration"] for callback in kept(ledger)) == list(range(200))

    def test_what_is_being_taken_while_the_receiver_stops_is_stored(self, ledger_url: str, ledger: Database) -> None:
        with (
            ThreadPoolExecutor(8) as pool,
            httpx.Client(auth=CREDENTIALS, trust_env=False, timeout=30) as client,
        ):
            with served(ReceiverSettings(ledger_url, passwords=("secret",))) as url:

                def deliver(place: int) -> bool:
                    try:
                        answer = client.post(f"{url}/ninebits/callback", json=CALL | {"total_duration": place})
                    except httpx.TransportError:
                        return False
                    return answer.status_code == 200

                answers = [pool.submit(deliver, place) for place in range(200)]
                answers[20].result()
            taken = {place for place, answer in enumerate(answers) if answer.result()}
        assert len(taken) > 20
        assert taken <= {callback["total_duration"] for callback in kept(ledger)}


WRONG_CREDENTIALS: dict[str, dict[str, str] | list[tuple[str, str]]] = {
    "none": {},
    "another scheme": {"Authorization": "Bearer secret"},
    "another password": {"Authorization": "Basic bmluZWJpdHM6b3RoZXI="},
    "another user": {"Authorization": "Basic c29tZWJvZHk6c2VjcmV0"},
    "no base64": {"Authorization": "Basic ninebits:secret"},
    "twice": [("Authorization", "Basic bmluZWJpdHM6c2VjcmV0")] * 2,
    "far too long": {"Authorization": "Basic " + "YWFh" * 4000},
}


def wire_of(answer: httpx.Response) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    return answer.status_code, answer.headers.raw, answer.content


class TestWhoIsTurnedAway:
    def test_401_is_the_same_to_the_byte_whatever_was_wrong(self, receiver_url: str, ledger: Database) -> None:
        with httpx.Client(base_url=receiver_url, trust_env=False) as client:
            expected = wire_of(client.post("/ninebits/callback", json=CALL))
            for wrong, headers in WRONG_CREDENTIALS.items():
                for path, body in (("/ninebits/callback", json.dumps(CALL)), ("/ninebits/callback/alerts/", b"\xff")):
                    answer = client.post(path, content=body, headers=headers)
                    assert wire_of(answer) == expected, (wrong, path)
        assert expected[0] == 401
        assert (b"www-authenticate", b'Basic realm="ninebits"') in expected[1]
        assert expected[2] == b"{}"
        assert kept(ledger) == []

    def test_401_comes_before_the_body_is_read(self, receiver_url: str) -> None:
        at = urlsplit(receiver_url)
        with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
            connection.sendall(b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n")
            # Not a byte of the body was sent.
            assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")

    def test_a_rotated_password_is_taken_beside_the_new_one(self, ledger_url: str) -> None:
        with served(ReceiverSettings(ledger_url, passwords=("new", "old"))) as url:
            given = ["new", "old", "older"]
            statuses = [
                httpx.post(f"{url}/ninebits/callback", json=CALL, auth=("ninebits", each), trust_env=False).status_code
                for each in given
            ]
        assert statuses == [200, 200, 401]

    def test_a_run_of_them_is_logged_once_with_what_to_do(
        self, receiver_url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(5):
            httpx.post(f"{receiver_url}/ninebits/callback", json=CALL, auth=("ninebits", "tried-this"), trust_env=False)
        lines = [record for record in caplog.records if "was answered 401" in record.getMessage()]
        assert [record.levelno for record in lines] == [logging.ERROR]
        assert "webhook_password" in lines[0].getMessage()
        assert "tried-this" not in caplog.text

    def test_the_ledger_learns_what_was_turned_away(
        self, ledger_url: str, ledger: Database, quick_heartbeat: Callable[..., None]
    ) -> None:
        with served(ReceiverSettings(ledger_url, passwords=("secret",))) as url:
            httpx.post(f"{url}/ninebits/callback", json=CALL, trust_env=False)
            httpx.post(f"{url}/ninebits/callback", content=b"x" * (MIB + 1), auth=CREDENTIALS, trust_env=False)
            quick_heartbeat(lambda found: (found["unauthorized"], found["oversized"]) == (1, 1))


@pytest.fixture
def quick_heartbeat(monkeypatch: pytest.MonkeyPatch, ledger: Database) -> Callable[..., None]:
    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.HEARTBEAT_SECONDS", 0.05)

    def waiting(condition: Callable[[dict[str, Any]], bool]) -> None:
        until = time.monotonic() + 30
        while not any(condition(found) for found in rows(ledger, schema.receiver)):
            assert time.monotonic() < until, rows(ledger, schema.receiver)
            time.sleep(0.02)

    return waiting


@pytest.mark.parametrize("route", ["/ninebits/callback", "/ninebits/callback/", "/ninebits/callback/alerts"])
def test_whatever_goes_wrong_is_503_and_counted(
    ledger_url: str, route: str, quick_heartbeat: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("airflow_provider_ninebits.webhook.arrivals.read_callbacks", fail)
    with served(ReceiverSettings(ledger_url, passwords=("secret",))) as url:
        answer = httpx.post(f"{url}{route}", json=CALL, auth=CREDENTIALS, trust_env=False)
        assert (answer.status_code, answer.headers.get("retry-after"), answer.json()) == (503, "30", {})
        quick_heartbeat(lambda found: found["unavailable"] == 1)


def test_a_receiver_that_is_up_says_so_in_the_ledger(ledger_url: str, quick_heartbeat: Callable[..., None]) -> None:
    with served(ReceiverSettings(ledger_url, passwords=("secret",))):
        quick_heartbeat(lambda found: found["heartbeat_at"] > found["started_at"])


def test_a_callback_names_the_receiver_that_took_it(
    ledger_url: str, ledger: Database, quick_heartbeat: Callable[..., None]
) -> None:
    with served(ReceiverSettings(ledger_url, passwords=("secret",))) as url:
        quick_heartbeat(lambda found: found["heartbeat_at"] > found["started_at"])
        httpx.post(f"{url}/ninebits/callback", json=CALL, auth=CREDENTIALS, trust_env=False)
    assert [each["receiver_id"] for each in kept(ledger)] == [each["id"] for each in rows(ledger, schema.receiver)]


def test_callbacks_are_posted_only(sender: httpx.Client, ledger: Database) -> None:
    methods = ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
    answers = [sender.request(method, route) for method in methods for route in CALLBACK_ROUTES]
    assert {(answer.status_code, answer.headers["allow"]) for answer in answers} == {(405, "POST")}
    assert kept(ledger) == []


def test_other_paths_are_not_found_and_say_nothing(sender: httpx.Client) -> None:
    paths = ("/", "/ninebits", "/callback", "/ninebits/callback/a/b", "/ninebits/healthy")
    answers = [sender.post(path, json=CALL) for path in paths]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"{}")}


class TestTheSizeOfABody:
    def test_1_mib_is_taken(self, sender: httpx.Client, ledger: Database) -> None:
        assert sender.post("/ninebits/callback", content=b"x" * MIB).status_code == 200
        assert len(kept(ledger)[0]["raw"]) == MIB

    @pytest.mark.parametrize("size", [MIB + 1, 3 * MIB])
    def test_more_is_413(self, sender: httpx.Client, ledger: Database, size: int) -> None:
        answer = sender.post("/ninebits/callback", content=b"x" * size)
        assert (answer.status_code, answer.content) == (413, b"{}")
        assert kept(ledger) == []

    def test_a_sender_that_reads_only_after_its_last_byte_sees_the_status_and_no_reset(self, receiver_url: str) -> None:
        sender = HTTPConnection(urlsplit(receiver_url).netloc, timeout=30)
        headers = {"Authorization": "Basic bmluZWJpdHM6c2VjcmV0"}
        sender.request("POST", "/ninebits/callback", body=b"x" * (4 * MIB), headers=headers)
        assert sender.getresponse().status == 413
        sender.close()

    def test_it_is_counted_while_a_body_comes_that_names_no_length(
        self, sender: httpx.Client, ledger: Database
    ) -> None:
        def pieces(count: int) -> Iterator[bytes]:
            for _ in range(count):
                yield b"x" * 65536

        assert sender.post("/ninebits/callback", content=pieces(16)).status_code == 200
        assert sender.post("/ninebits/callback", content=pieces(17)).status_code == 413
        assert [len(callback["raw"]) for callback in kept(ledger)] == [MIB]

    def test_a_sender_that_never_ends_hears_413(self, receiver_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("airflow_provider_ninebits.webhook.bodies.DRAIN_SECONDS", 0.1)
        at = urlsplit(receiver_url)
        with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
            connection.sendall(
                b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bmluZWJpdHM6c2VjcmV0\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            connection.sendall((b"10000\r\n" + b"x" * 65536 + b"\r\n") * 17)
            assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")

    def test_a_sender_that_stops_in_the_middle_is_told_to_come_again(
        self, receiver_url: str, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_ninebits.webhook.bodies.BODY_SECONDS", 0.1)
        at = urlsplit(receiver_url)
        with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
            connection.sendall(
                b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bmluZWJpdHM6c2VjcmV0\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 30" in answer.lower()
        assert kept(ledger) == []


class TestWhenTheLedgerCannotTakeIt:
    def test_without_a_password_it_is_503_and_the_log_names_the_option(
        self, ledger_url: str, ledger: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        with served(ReceiverSettings(ledger_url)) as url:
            for auth in (None, ("ninebits", ""), CREDENTIALS):
                answer = httpx.post(f"{url}/ninebits/callback", json=CALL, auth=auth, trust_env=False)
                assert (answer.status_code, answer.headers["retry-after"], answer.content) == (503, "30", b"{}")
        assert "webhook_password" in caplog.text
        assert kept(ledger) == []

    def test_where_no_password_is_wanted_none_is_needed(self, ledger_url: str, ledger: Database) -> None:
        with served(ReceiverSettings(ledger_url, allow_unauthenticated=True)) as url:
            assert httpx.post(f"{url}/ninebits/callback", json=CALL, trust_env=False).status_code == 200
        assert len(kept(ledger)) == 1

    def test_a_folder_that_was_never_there(self, tmp_path: Path) -> None:
        settings = ReceiverSettings(f"sqlite:///{tmp_path}/gone/ninebits.db", passwords=("secret",))
        with served(settings) as url, httpx.Client(base_url=url, auth=CREDENTIALS, trust_env=False) as client:
            answer = client.post("/ninebits/callback", json=CALL)
            assert (answer.status_code, answer.headers["retry-after"], answer.content) == (503, "30", b"{}")
            health = client.get("/ninebits/health")
            assert (health.status_code, health.content) == (503, b"{}")
            (tmp_path / "gone").mkdir()
            assert client.post("/ninebits/callback", json=CALL).status_code == 200
            assert client.get("/ninebits/health").status_code == 200

    def test_a_folder_that_vanished(self, sender: httpx.Client, ledger_folder: Path) -> None:
        assert sender.post("/ninebits/callback", json=CALL).status_code == 200
        shutil.rmtree(ledger_folder)
        answer = sender.post("/ninebits/callback", json=CALL | {"to_number": BEN})
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "30")
        assert sender.get("/ninebits/health").status_code == 503

    def test_a_ledger_that_somebody_else_holds_is_503_and_the_next_delivery_is_kept_once(
        self, sender: httpx.Client, ledger_folder: Path, ledger: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_ninebits.webhook.intake.COMMIT_SECONDS", 0.2)
        holder = sqlite3.connect(ledger_folder / "ninebits.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        assert sender.post("/ninebits/callback", json=CALL).status_code == 503
        holder.execute("ROLLBACK")
        holder.close()
        monkeypatch.undo()
        # The first one may have been written meanwhile, or come now: it is the same callback.
        assert sender.post("/ninebits/callback", json=CALL).status_code == 200
        assert len(kept(ledger)) == 1

    def test_the_log_says_why_without_a_number(
        self, sender: httpx.Client, ledger_folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with sqlite3.connect(ledger_folder / "ninebits.db") as spoiler:
            spoiler.execute("ALTER TABLE ninebits_callback RENAME TO gone")
        spoiler.close()
        assert sender.post("/ninebits/callback", json=CALL).status_code == 503
        assert "could not be stored" in caplog.text
        assert ADA not in caplog.text


@pytest.mark.parametrize("route", ["/ninebits/health", "/ninebits/health/"])
def test_health_needs_no_password_and_says_nothing_else(receiver_url: str, ledger: Database, route: str) -> None:
    answer = httpx.get(f"{receiver_url}{route}", trust_env=False)
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert httpx.post(f"{receiver_url}{route}", trust_env=False).status_code == 405
    assert kept(ledger) == []


def test_the_stand_alone_receiver_is_configured_by_the_options(
    ledger_url: str, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from starlette.testclient import TestClient

    from airflow_provider_ninebits.webhook import application

    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", ledger_url)
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_USERNAME", "nine")
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD", "new, old")
    monkeypatch.setenv("AIRFLOW__NINEBITS__CALLBACK_TIMEZONE", "Africa/Lagos")
    with TestClient(application()) as client:
        statuses = [
            client.post("/ninebits/callback", json=CALL, auth=("nine", password)).status_code
            for password in ("new", "old", "secret")
        ]
    assert statuses == [200, 200, 401]
    [callback] = kept(ledger)
    assert callback["started_at"].isoformat() == "2023-10-24T21:54:06+00:00"
