"""The table of attempts, on every route, alone and mounted; and what happens on the wire when one is turned away."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from fastapi import FastAPI

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.plugin import NineBitsPlugin
from airflow_provider_ninebits.webhook import authentication
from airflow_provider_ninebits.webhook.settings import ReceiverSettings
from tests.integration.ledger.scenes import rows
from tests.integration.webhook.attempts import ATTEMPTS, EXPECTED, PASSWORDS, ROUTES, USERNAME, Door
from tests.integration.webhook.serving import served, served_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ninebits.ledger.database import Database


@pytest.fixture(autouse=True)
def quick_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts of what was turned away are written with it."""
    monkeypatch.setattr("airflow_provider_ninebits.webhook.upkeep.HEARTBEAT_SECONDS", 0.05)


@pytest.fixture(params=["alone", "mounted"])
def url(request: pytest.FixtureRequest, ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A receiver that asks for a password: alone, and as the plugin mounts it in a FastAPI app."""
    if request.param == "alone":
        with served(ReceiverSettings(ledger_url, username=USERNAME, passwords=PASSWORDS)) as base_url:
            yield base_url
        return
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", ledger_url)
    monkeypatch.setenv("AIRFLOW__NINEBITS__WEBHOOK_PASSWORD", ", ".join(PASSWORDS))
    (mount,) = [app for app in NineBitsPlugin().fastapi_apps if app["url_prefix"] == "/ninebits"]
    server = FastAPI(lifespan=lambda _: mount["app"].router.lifespan_context(mount["app"]))
    server.mount(mount["url_prefix"], mount["app"])
    config = uvicorn.Config(server, lifespan="on", ws="none", log_config=None, access_log=False, date_header=False)
    with served_app(uvicorn.Server(config)) as base_url:
        yield base_url


@pytest.fixture
def door(url: str) -> Iterator[Door]:
    with contextlib.closing(Door(url)) as opened:
        yield opened


@pytest.mark.parametrize("route", ROUTES)
def test_who_is_let_in(door: Door, route: str, ledger: Database) -> None:
    assert door.knock_with_all(route) == EXPECTED
    assert len(rows(ledger, schema.callback)) == sum(tried.taken for tried in ATTEMPTS.values())


def test_401_is_the_same_to_the_byte_on_all_routes(door: Door) -> None:
    seen = {
        door.knock(route, tried, body)
        for route in ROUTES
        for tried in ATTEMPTS.values()
        for body in (b"{}", b"\xff" * 5000)
        if not tried.taken
    }
    [answer] = seen
    assert (answer.status, answer.body) == (401, b"{}")
    assert ("www-authenticate", 'Basic realm="ninebits"') in answer.headers


class TestOnTheWire:
    """A raw socket, whose sender says that a body follows and does not send it."""

    HEAD = b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n"

    def test_401_comes_before_the_body(self, url: str) -> None:
        with connected(url) as connection:
            connection.sendall(self.HEAD + b"\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")

    def test_nobody_is_told_to_go_on_who_is_turned_away(self, url: str) -> None:
        with connected(url) as connection:
            connection.sendall(self.HEAD + b"Expect: 100-continue\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")

    def test_whoever_sends_the_body_all_the_same_can_use_the_connection_again(self, url: str, ledger: Database) -> None:
        """As senders do that read the answer late; the body that came after the 401 is let fall, and no request."""
        smuggled = b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\n" + GOOD + b"Content-Length: 0\r\n\r\n"
        with connected(url) as connection:
            connection.sendall(self.HEAD + b"\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")
            connection.sendall(smuggled.ljust(500_000))
            connection.sendall(
                b"POST /ninebits/callback HTTP/1.1\r\nHost: x\r\n" + GOOD + b"Content-Length: 2\r\n\r\n{}"
            )
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert [callback["raw"] for callback in rows(ledger, schema.callback)] == [b"{}"]

    def test_after_413_the_connection_is_closed(self, url: str) -> None:
        with connected(url) as connection:
            connection.sendall(self.HEAD.replace(b"500000", b"2000000") + GOOD + b"\r\n" + b"x" * 2_000_000)
            answer = b""
            while some := connection.recv(65536):
                answer += some
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert answer.count(b"HTTP/1.1 ") == 1


GOOD = b"Authorization: Basic bmluZWJpdHM6bmV3LXNlY3JldA==\r\n"


def connected(url: str) -> socket.socket:
    at = urlsplit(url)
    return socket.create_connection((at.hostname, at.port), timeout=30)


def test_all_passwords_are_compared_in_constant_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    genuine = authentication.compare_digest

    def noting(given: Any, expected: Any) -> bool:
        compared.append((given, expected))
        return genuine(given, expected)

    monkeypatch.setattr(authentication, "compare_digest", noting)
    for name in ("the new password", "a wrong password", "one that is not ASCII"):
        compared.clear()
        door.knock("/ninebits/callback", ATTEMPTS[name])
        # All three, whichever was right, and none of them by its length.
        assert len(compared) == len(PASSWORDS), name
        assert {len(each) for both in compared for each in both} == {32}, name


def test_no_password_and_no_attempt_is_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door.knock_with_all("/ninebits/callback")
    assert len([line for line in caplog.messages if "was answered 401" in line]) == 1
    assert not [line for line in caplog.messages if "secret" in line or "pässw" in line or "Basic" in line]


@pytest.mark.parametrize("route", ROUTES)
def test_who_is_turned_away_is_counted(door: Door, route: str, ledger: Database) -> None:
    door.knock_with_all(route)
    turned_away = sum(not tried.taken for tried in ATTEMPTS.values())
    until = time.monotonic() + 30
    while [each["unauthorized"] for each in rows(ledger, schema.receiver)] != [turned_away]:
        assert time.monotonic() < until, rows(ledger, schema.receiver)
        time.sleep(0.05)


@pytest.mark.parametrize("passwords", [(), PASSWORDS])
def test_where_callbacks_without_a_password_are_allowed_wrong_ones_are_still_wrong(
    ledger_url: str, passwords: tuple[str, ...]
) -> None:
    settings = ReceiverSettings(ledger_url, username=USERNAME, passwords=passwords, allow_unauthenticated=True)
    shows_nothing = ("nothing", "a token", "the password as a token")
    with served(settings) as base_url, contextlib.closing(Door(base_url)) as door:
        statuses = door.knock_with_all(ROUTES[0])
    if not passwords:
        assert set(statuses.values()) == {200}
        return
    assert statuses == {name: 200 if tried.taken or name in shows_nothing else 401 for name, tried in ATTEMPTS.items()}


@pytest.mark.parametrize("route", ROUTES)
def test_with_no_password_configured_nobody_is_let_in(
    ledger_url: str, ledger: Database, caplog: pytest.LogCaptureFixture, route: str
) -> None:
    with served(ReceiverSettings(ledger_url)) as base_url, contextlib.closing(Door(base_url)) as door:
        [answer] = {door.knock(route, tried) for tried in ATTEMPTS.values()}
    assert (answer.status, answer.body) == (503, b"{}")
    assert ("retry-after", "30") in answer.headers
    assert "[ninebits] webhook_password" in caplog.text
    assert rows(ledger, schema.callback) == []
