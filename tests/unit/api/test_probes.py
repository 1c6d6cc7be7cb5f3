"""The form's Test: each thing that stands in the way has its own sentence, over real sockets."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.client import NineBitsClient
from airflow_provider_ninebits.api.failures import shown_proxy
from airflow_provider_ninebits.api.probes import Probe, Route, answered_probe
from tests.unit.api.loopback import Loopback, Visitor, answers, http
from tests.unit.api.test_client import port_that_nobody_listens_on, tunnel
from tests.unit.api.tls import self_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "k3y-that-nobody-may-see"
AWAY = "http://api.9bits.invalid"


@pytest.fixture(autouse=True)
def _no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert KEY not in caplog.text
    assert "hunter2" not in caplog.text


def probed(url: str, timeout_seconds: float = 30.0) -> Probe:
    with NineBitsClient(KEY, url, timeout_seconds) as client:
        probe = client.probe()
    assert KEY not in probe.detail
    assert "hunter2" not in probe.detail
    return probe


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("200 OK", "9bits itself would answer 405"),
        ("400 Bad Request", "9bits itself would answer 405"),
        ("401 Unauthorized", "it refuses the API key, if it is 9bits; check the base URL, or copy the key"),
        ("403 Forbidden", "9bits whether the account"),
        ("404 Not Found", "its path above all"),
        ("405 Method Not Allowed", "no request that proves it without ringing"),
        ("407 Proxy Authentication Required", "a proxy wants a user and a password"),
        ("429 Too Many Requests", "test again in some minutes"),
        ("500 Internal Server Error", "a failure over there, and says nothing about the API key"),
        ("503 Service Unavailable", "a failure over there"),
    ],
)
def test_each_answer_has_its_next_step(status: str, said: str) -> None:
    with Loopback(answers(http(status, f"{KEY} is bad".encode()))) as server:
        probe = probed(server.url)
    assert said in probe.detail
    assert probe.status == int(status.split()[0])
    assert probe.reached is (probe.status != 407)


def test_a_redirect_is_told_with_where_it_leads_and_not_followed() -> None:
    with Loopback(answers(http("302 Found", b"", "Location: https://me:hunter2@login.test/in?t=hunter2"))) as server:
        probe = probed(server.url)
    assert "to 'https://login.test/in'. A redirect is not followed" in probe.detail
    assert server.visits == 1


def test_a_name_that_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    assert "the name api.9bits.invalid was not found; check the base URL" in probed("api.9bits.invalid").detail


def test_a_server_that_lets_nobody_in_within_the_time() -> None:
    with Loopback(Visitor.wait_until_gone) as server:
        said = probed(server.url.replace("http", "https"), 0.3).detail
    assert "could not be connected to within 0.3 s; check the base URL and its port" in said


def test_a_server_that_hangs_up() -> None:
    with Loopback(lambda visitor: visitor.read_request() and None) as server:
        said = probed(server.url).detail
    assert "was connected to, but gave no whole answer" in said
    assert "whether it begins with http or https" in said


@pytest.mark.parametrize(
    ("address", "days_left", "trusted", "said"),
    [
        ("127.0.0.1", 1, False, "name the CA that signed its certificate with REQUESTS_CA_BUNDLE"),
        ("127.0.0.2", 1, True, "its certificate is for another name"),
        ("127.0.0.1", -1, True, "not valid today; check this machine's clock"),
    ],
)
def test_each_certificate_that_is_not_taken_is_told_apart(
    address: str, days_left: int, trusted: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = self_signed(tmp_path, address, days_left)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(answers(http()), context) as server:
        port, probe = server.port, probed(server.url)
    assert not probe.reached
    assert f"no TLS connection with 127.0.0.1:{port}" in probe.detail
    assert said in probe.detail
    assert server.requests == []


def test_a_port_that_speaks_no_tls() -> None:
    with Loopback(lambda visitor: visitor.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        said = probed(server.url.replace("http", "https")).detail
    assert "what listens there speaks no TLS; check the port" in said


def test_a_port_that_speaks_tls_alone(tmp_path: Path) -> None:
    with Loopback(answers(http()), self_signed(tmp_path)[0]) as server:
        probe = probed(server.url.replace("https", "http"))
    assert not probe.reached
    assert "whether it begins with http or https" in probe.detail


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("play", "said"),
    [
        (answers(http("407 Proxy Authentication Required", b"")), "407"),
        (answers(http("403 Forbidden", b"")), "403"),
        (answers(http("502 Bad Gateway", b"")), "502"),
    ],
)
def test_a_proxy_that_refuses_is_named_as_what_it_is(
    scheme: str, play: Callable[[Visitor], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(play) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy".upper(), proxy.url.replace("//", "//user:hunter2@"))
        port, probe = proxy.port, probed(AWAY.replace("http", scheme))
    assert not probe.reached
    assert f"the proxy 127.0.0.1:{port} " in probe.detail
    assert said in probe.detail
    assert "_PROXY" in probe.detail


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_nobody_listens_at_is_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = port_that_nobody_listens_on()
    monkeypatch.setenv(f"{scheme}_proxy".upper(), f"http://user:hunter2@127.0.0.1:{port}")
    probe = probed(AWAY.replace("http", scheme))
    assert not probe.reached
    assert f"the proxy 127.0.0.1:{port} did not let us through to api.9bits.invalid (Connection refused)" in (
        probe.detail
    )


def test_what_answers_behind_a_tunnel_is_no_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(answers(http("503 Service Unavailable", b"")), context) as server, Loopback(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:hunter2@"))
        port, probe = proxy.port, probed(server.url)
    assert (probe.reached, probe.status) == (True, 503)
    assert f"through the proxy 127.0.0.1:{port}" in probe.detail
    assert "a failure over there" in probe.detail


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (None, None),
        ("", None),
        ("http://user:hunter2@192.168.100.200:3128/", "192.168.100.200:3128"),
        ("user:hunter2@proxy.test:3128", "proxy.test:3128"),
        ("socks5://user:hunter2@[::1]:1080", "[::1]:1080"),
        ("http://proxy.test", "proxy.test"),
        ("http://user:hunter2@[broken", "of the environment"),
        ("http://user:hunter2@proxy.test:port", "of the environment"),
        ("http://", "of the environment"),
    ],
)
def test_a_proxy_is_shown_without_its_credentials(url: str | None, shown: str | None) -> None:
    assert shown_proxy(url) == shown


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=60),
    location=st.none() | st.text(max_size=40),
    proxied=st.booleans(),
    proxy_reads=st.booleans(),
    documented=st.booleans(),
)
def test_whatever_answers_it_is_told_as_9bits_at_its_own_address_alone_and_nothing_as_a_good_key(
    status: int, body: bytes, location: str | None, proxied: bool, proxy_reads: bool, documented: bool
) -> None:
    route = Route("api.test", "proxy.test:3128" if proxied else None, proxied and proxy_reads, documented)
    headers = {} if location is None else {"Location": f"{location} {KEY}"}
    probe = answered_probe(route, status, headers, body + KEY.encode(), KEY)
    assert KEY not in probe.detail
    assert probe.detail.endswith(".")
    assert probe.detail.isascii()
    assert ("9bits was reached" in probe.detail) is (documented and probe.status in (401, 405))


@pytest.mark.parametrize(
    ("documented", "begins"),
    [
        (True, "9bits was reached. Whe"),
        (
            False,
            "api.test was reached, and answers as 9bits does to a request that rings nobody (HTTP status 405). Whe",
        ),
    ],
)
def test_elsewhere_than_at_9bits_address_no_more_is_claimed_than_was_shown(documented: bool, begins: str) -> None:
    detail = answered_probe(Route("api.test", documented=documented), 405, {}, b"", KEY).detail
    assert detail.startswith(begins)
    assert detail.endswith("9bits has no request that proves it without ringing.")


def test_a_key_is_refused_by_9bits_itself_where_9bits_was_asked() -> None:
    said = answered_probe(Route("api.9bits.net", documented=True), 401, {}, b"", KEY).detail
    assert said.startswith("9bits was reached, and refused the API key (HTTP status 401); copy it")
    said = answered_probe(Route("intranet.example.com"), 401, {}, b"log in", KEY).detail
    assert said.startswith('intranet.example.com answered with HTTP status 401, saying "log in": it refuses the API')


def test_a_file_of_certificates_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    probe = probed("https://127.0.0.1:1")
    assert not probe.reached
    assert probe.detail == (
        "9bits was not reached: the file of CA certificates '/nowhere/ca.pem' is not there; correct REQUESTS_CA_BUNDLE "
        "or CURL_CA_BUNDLE on this machine, or unset it."
    )
