"""One request by the clock, over real sockets: what came of it is told by what was written, never by guessing."""

from __future__ import annotations

import json
import logging
import re
import signal
import socket
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.api import transport
from airflow_provider_ninebits.api.client import NineBitsClient
from airflow_provider_ninebits.api.errors import (
    AuthenticationFailed,
    InvalidClient,
    NotConnected,
    RateLimited,
    SendError,
    SendRefused,
    SendUncertain,
)
from airflow_provider_ninebits.api.messages import VoiceMessage
from tests.unit.api.loopback import RECEIPT, Loopback, Visitor, answers, http
from tests.unit.api.tls import self_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "k3y-that-nobody-may-see"
MESSAGE = VoiceMessage(("2348020000000", "2348030000000"), "https://example.com/reminder.mp3")
# Long enough for a loaded machine to write a request, where a test needs that it was written.
SOON_SECONDS = 1.5
# Where nothing can have been written, however fast the machine is.
AT_ONCE_SECONDS = 0.2


@pytest.fixture(autouse=True)
def _no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert KEY not in caplog.text
    assert "2348020000000" not in caplog.text


def send(url: str, timeout_seconds: float = 30.0, may_write: Callable[[], bool] | None = None) -> str:
    with NineBitsClient(KEY, url, timeout_seconds) as client:
        return client.send_voice(MESSAGE, may_write).ref_id


def failure(url: str, timeout_seconds: float = 30.0, may_write: Callable[[], bool] | None = None) -> SendError:
    """The error that a send ends in, which tells no secret, its causes neither."""
    with pytest.raises(SendError) as caught:
        send(url, timeout_seconds, may_write)
    told = "".join(traceback.format_exception(caught.value))
    assert KEY not in told
    assert "2348020000000" not in told
    return caught.value


def port_that_nobody_listens_on() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for_request_threads() -> None:
    for thread in threading.enumerate():
        if thread.name == "ninebits-request":
            thread.join(10)
            assert not thread.is_alive()


def test_a_send_is_one_post_as_documented() -> None:
    with Loopback(answers(http())) as server:
        assert send(server.url) == "9azmf1ntcl358gczduzz4rs0u"
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "POST /v1/sendvoice HTTP/1.1"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Content-Type"] == "application/json"
    assert re.fullmatch(r"airflow-provider-ninebits/\d+\.\d+\.\d+\S*", headers["User-Agent"])
    assert json.loads(body) == MESSAGE.payload()


def test_a_base_url_may_have_a_path_and_a_slash_at_its_end() -> None:
    with Loopback(answers(http())) as server:
        send(f"{server.url}/proxied/")
    assert server.requests[0].startswith(b"POST /proxied/v1/sendvoice HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        ("401 Unauthorized", b'{"status_code": 401, "message": "no"}', AuthenticationFailed),
        ("200 OK", b'{"status_code": 401, "message": "no"}', AuthenticationFailed),
        ("405 Method Not Allowed", b"", SendRefused),
        ("400 Bad Request", b"k3y-that-nobody-may-see 2348020000000", SendRefused),
        ("500 Internal Server Error", b'{"status_code": 500}', SendUncertain),
        ("200 OK", b"", SendUncertain),
        ("204 No Content", b"", SendUncertain),
    ],
)
def test_an_answer_that_is_no_receipt_is_its_error(status: str, body: bytes, error: type[SendError]) -> None:
    with Loopback(answers(http(status, body))) as server:
        assert type(failure(server.url)) is error
    assert len(server.requests) == 1


def test_a_rate_limit_is_told_and_not_waited_out_here() -> None:
    with Loopback(answers(http("429 Too Many Requests", b"", "retry-after: 17"))) as server:
        error = failure(server.url)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 17.0
    assert len(server.requests) == 1


def test_a_redirect_is_not_followed() -> None:
    with (
        Loopback(answers(http())) as elsewhere,
        Loopback(answers(http("307 Temporary Redirect", b"", f"Location: {elsewhere.url}/"))) as server,
    ):
        error = failure(server.url)
    assert type(error) is SendUncertain
    assert error.status == 307
    assert elsewhere.visits == 0


def test_a_port_that_nobody_listens_on_means_that_nothing_was_sent() -> None:
    error = failure(f"http://127.0.0.1:{port_that_nobody_listens_on()}")
    assert type(error) is NotConnected
    assert "refused the connection" in error.detail


def test_a_name_that_is_not_found_means_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    error = failure("https://api.9bits.invalid")
    assert type(error) is NotConnected
    assert "api.9bits.invalid was not found" in error.detail


def test_a_name_that_is_found_too_late_means_that_nothing_is_sent_even_then(monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()
    look_up = socket.getaddrinfo

    def slow(*args: object, **kwargs: object) -> object:
        assert found.wait(10)
        return look_up(*args, **kwargs)  # type: ignore[arg-type]

    with Loopback(answers(http())) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        assert type(failure(server.url, AT_ONCE_SECONDS)) is NotConnected
        found.set()
        wait_for_request_threads()
    assert server.requests == []


def test_an_interruption_does_not_wait_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    looking, found, look_up = threading.Event(), threading.Event(), socket.getaddrinfo

    def slow(*args: object, **kwargs: object) -> object:
        looking.set()
        assert found.wait(10)
        return look_up(*args, **kwargs)  # type: ignore[arg-type]

    with Loopback(answers(http())) as server, NineBitsClient(KEY, server.url) as client, ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        ended = pool.submit(client.send_voice, MESSAGE)
        assert looking.wait(10)
        client.interrupt("the task was interrupted")
        try:
            # The name is found when this has come back.
            error = ended.exception(8)
        finally:
            found.set()
        assert type(error) is NotConnected
        assert error.detail == "the task was interrupted"
        wait_for_request_threads()
    assert server.requests == []


def test_a_connection_closed_at_once_leaves_open_what_happened() -> None:
    with Loopback(lambda visitor: None) as server:
        assert type(failure(server.url)) is SendUncertain
    assert server.visits == 1


def test_a_connection_closed_after_the_request_leaves_open_what_happened() -> None:
    with Loopback(lambda visitor: visitor.read_request() and None) as server:
        error = failure(server.url)
    assert type(error) is SendUncertain
    assert "the request was written" in error.detail
    assert len(server.requests) == server.visits == 1


def test_no_answer_leaves_open_what_happened_and_ends_the_connection() -> None:
    ended = threading.Event()

    def play(visitor: Visitor) -> None:
        visitor.read_request()
        visitor.wait_until_gone()
        ended.set()

    with Loopback(play) as server:
        error = failure(server.url, SOON_SECONDS)
        assert ended.wait(10)
    assert type(error) is SendUncertain
    assert "in time" in error.detail
    wait_for_request_threads()


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
def test_an_answer_that_trickles_in_does_not_outlast_the_deadline(begin: bytes) -> None:
    def play(visitor: Visitor) -> None:
        visitor.read_request()
        visitor.send(begin or b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not visitor.server.stopping.wait(0.02):
            visitor.send(b"x")

    with Loopback(play) as server:
        assert type(failure(server.url, SOON_SECONDS)) is SendUncertain


def test_a_refusal_counts_although_its_body_never_ends() -> None:
    def play(visitor: Visitor) -> None:
        visitor.read_request()
        visitor.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000\r\n\r\n{")
        visitor.wait_until_gone()

    with Loopback(play) as server:
        assert type(failure(server.url, SOON_SECONDS)) is AuthenticationFailed


@pytest.mark.parametrize(("status", "error"), [("200 OK", SendUncertain), ("401 Unauthorized", AuthenticationFailed)])
def test_an_answer_that_breaks_off_counts_by_its_status(status: str, error: type[SendError]) -> None:
    def play(visitor: Visitor) -> None:
        visitor.read_request()
        visitor.send(http(status)[:-1])

    with Loopback(play) as server:
        assert type(failure(server.url)) is error


def test_an_answer_beyond_all_measure_is_not_read_to_its_end() -> None:
    def play(visitor: Visitor) -> None:
        visitor.read_request()
        visitor.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        visitor.send(RECEIPT)
        while True:
            visitor.send(b" " * 65536)

    with Loopback(play) as server:
        assert type(failure(server.url)) is SendUncertain


def test_what_is_no_http_leaves_open_what_happened() -> None:
    with Loopback(answers(b"220 mail.example.com ESMTP\r\n")) as server:
        assert type(failure(server.url)) is SendUncertain


def test_without_a_lease_nothing_is_written() -> None:
    with Loopback(answers(http())) as server:
        error = failure(server.url, may_write=lambda: False)
        assert type(error) is NotConnected
        assert "lease" in error.detail
    assert server.requests == []


def test_without_a_lease_nothing_is_written_on_a_kept_connection_either() -> None:
    with Loopback(answers(http())) as server, NineBitsClient(KEY, server.url) as client:
        client.send_voice(MESSAGE)
        with pytest.raises(NotConnected, match="lease"):
            client.send_voice(MESSAGE, lambda: False)
        client.send_voice(MESSAGE)
    assert len(server.requests) == 2


def test_an_interrupted_task_closes_the_connection_before_it_goes() -> None:
    class TimeIsUpError(BaseException):
        """As Airflow's AirflowTaskTimeout: raised by a signal's handler."""

    def interrupt(*args: object) -> None:
        raise TimeIsUpError

    ended = threading.Event()
    main = threading.get_ident()

    def play(visitor: Visitor) -> None:
        visitor.read_request()
        signal.pthread_kill(main, signal.SIGUSR1)
        visitor.wait_until_gone()
        ended.set()

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with Loopback(play) as server:
            with pytest.raises(TimeIsUpError):
                send(server.url)
            assert ended.wait(10)
    finally:
        signal.signal(signal.SIGUSR1, before)
    wait_for_request_threads()


def test_a_connection_is_used_again() -> None:
    with Loopback(answers(http())) as server, NineBitsClient(KEY, server.url) as client:
        for _ in range(3):
            client.send_voice(MESSAGE)
    assert (server.visits, len(server.requests)) == (1, 3)


def test_a_connection_that_idled_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now_seconds = [0.0]
    monkeypatch.setattr(transport, "boot_seconds", lambda: now_seconds[0])
    with Loopback(answers(http())) as server, NineBitsClient(KEY, server.url) as client:
        client.send_voice(MESSAGE)
        now_seconds[0] += transport.IDLE_LIMIT_SECONDS
        client.send_voice(MESSAGE)
        assert server.visits == 1
        now_seconds[0] += transport.IDLE_LIMIT_SECONDS * 1.01
        client.send_voice(MESSAGE)
    assert (server.visits, len(server.requests)) == (2, 3)


def test_a_connection_that_was_closed_meanwhile_is_not_used_again() -> None:
    def play(visitor: Visitor) -> None:
        visitor.read_request()
        visitor.send(http())

    with Loopback(play) as server, NineBitsClient(KEY, server.url) as client:
        client.send_voice(MESSAGE)
        server.wait_for_visitors()
        client.send_voice(MESSAGE)
    assert (server.visits, len(server.requests)) == (2, 2)


def test_several_threads_share_a_client() -> None:
    def play(visitor: Visitor) -> None:
        while request := visitor.read_request():
            ref_id = json.loads(request.partition(b"\r\n\r\n")[2])["to"][0]
            visitor.send(http("200 OK", json.dumps({"ref_id": f"of-{ref_id}"}).encode()))

    numbers = [f"234802{number:07}" for number in range(1, 41)]
    with Loopback(play) as server, NineBitsClient(KEY, server.url) as client, ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda number: client.send_voice(VoiceMessage((number,), "https://a/b")), numbers))
    assert [receipt.ref_id for receipt in receipts] == [f"of-{number}" for number in numbers]


def test_a_certificate_that_nobody_vouches_for_means_that_nothing_was_sent(tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    with Loopback(answers(http()), context) as server:
        error = failure(server.url)
    assert type(error) is NotConnected
    assert "TLS" in error.detail
    assert "self" in error.detail
    assert server.requests == []


def test_a_ca_of_the_environment_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(answers(http()), context) as server:
        assert send(server.url) == "9azmf1ntcl358gczduzz4rs0u"
        assert type(failure(server.url, may_write=lambda: False)) is NotConnected
    assert len(server.requests) == 1


def test_a_ca_file_that_is_not_there_means_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    error = failure("https://127.0.0.1:1")
    assert type(error) is NotConnected
    assert error.detail == (
        "the file of CA certificates '/nowhere/ca.pem' is not there; correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE on "
        "this machine, or unset it"
    )


@pytest.mark.parametrize(
    "text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_ca_file_without_a_certificate_means_that_nothing_was_sent(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(text)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    with Loopback(Visitor.wait_until_gone) as server:
        error = failure(server.url.replace("http", "https"))
    assert type(error) is NotConnected
    assert error.detail.endswith(
        "no certificate can be read from the file of CA certificates; correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE on "
        "this machine, or unset it"
    )


def test_a_tls_handshake_that_never_ends_means_that_nothing_was_sent() -> None:
    with Loopback(Visitor.wait_until_gone) as server:
        assert type(failure(server.url.replace("http", "https"), AT_ONCE_SECONDS)) is NotConnected
        wait_for_request_threads()


def test_a_server_that_speaks_no_tls_means_that_nothing_was_sent() -> None:
    with Loopback(lambda visitor: visitor.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        error = failure(server.url.replace("http", "https"))
    assert type(error) is NotConnected


def tunnel(visitor: Visitor) -> None:
    """What a proxy does."""
    target = visitor.read_request().split()[1].decode()
    host, _, port = target.partition(":")

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    with socket.create_connection((host, int(port))) as onward:
        visitor.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=pump, args=(onward, visitor.connection))
        back.start()
        pump(visitor.connection, onward)
        back.join()


def test_a_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Loopback(answers(http()), context) as server, Loopback(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:hunter2@"))
        assert send(server.url) == "9azmf1ntcl358gczduzz4rs0u"
        assert type(failure(server.url, may_write=lambda: False)) is NotConnected
    assert len(server.requests) == 1
    assert [request.split()[0] for request in proxy.requests] == [b"CONNECT", b"CONNECT"]
    assert KEY.encode() not in b"".join(proxy.requests)


@pytest.mark.parametrize(
    "play",
    [
        answers(http("407 Proxy Authentication Required", b"")),
        answers(http("502 Bad Gateway", b"")),
        lambda visitor: visitor.read_request() and None,
        lambda visitor: None,
    ],
)
def test_a_proxy_that_does_not_let_through_means_that_nothing_was_sent(
    play: Callable[[Visitor], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(play) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:hunter2@"))
        error = failure("https://api.9bits.invalid")
    assert type(error) is NotConnected
    assert "proxy" in error.detail
    assert "hunter2" not in error.detail


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:{port}", "socks5://127.0.0.1:{port}", "http://"])
def test_a_proxy_that_cannot_be_reached_means_that_nothing_was_sent(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(port=port_that_nobody_listens_on()))
    error = failure("https://api.9bits.invalid")
    assert type(error) is NotConnected
    assert "proxy" in error.detail


def test_a_request_that_a_proxy_took_may_have_gone_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(lambda visitor: visitor.read_request() and None) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert type(failure("http://api.9bits.invalid")) is SendUncertain
    assert proxy.requests[0].startswith(b"POST http://api.9bits.invalid/v1/sendvoice HTTP/1.1\r\n")


def test_a_netrc_file_does_not_replace_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Loopback(answers(http())) as server:
        send(server.url)
    assert f"Authorization: Bearer {KEY}".encode() in server.requests[0]


def test_a_client_opens_nothing_until_it_is_used_and_can_be_used_after_it_was_closed() -> None:
    with Loopback(answers(http())) as server:
        client = NineBitsClient(KEY, server.url)
        client.close()
        assert server.visits == 0
        assert client.send_voice(MESSAGE).ref_id
        client.close()


def test_no_client_shows_its_key() -> None:
    client = NineBitsClient(KEY)
    assert KEY not in repr(client)
    assert "https://api.9bits.net" in repr(client)
    assert client.timeout_seconds == 30.0


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://api.9bits.net", "https://api.9bits.net"),
        ("https://api.9bits.net/", "https://api.9bits.net"),
        (" api.9bits.net ", "https://api.9bits.net"),
        ("api.9bits.net:8443/base/", "https://api.9bits.net:8443/base"),
        ("http://localhost:9009", "http://localhost:9009"),
        ("http://[::1]:9009", "http://[::1]:9009"),
    ],
)
def test_a_base_url_without_a_scheme_means_https(given: str, meant: str) -> None:
    assert NineBitsClient(KEY, given).base_url == meant


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("localhost:9009", "http://localhost:9009"),
        ("127.0.0.1:9009", "http://127.0.0.1:9009"),
        ("[::1]:9009", r"http://\[::1\]:9009"),
        ("", "give https://api.9bits.net"),
        ("ftp://api.9bits.net", "give https://api.9bits.net"),
        ("https://", "give https://api.9bits.net"),
        ("https://[broken", "give https://api.9bits.net"),
        ("https://api.9bits.net:port", "give https://api.9bits.net"),
        ("https://api 9bits.net", "give https://api.9bits.net"),
        ("https://api.9bits.net/\r\nX: y", "give https://api.9bits.net"),
        ("https://user:hunter2@api.9bits.net", "credentials"),
        ("https://api.9bits.net?key=hunter2", "query"),
        ("https://api.9bits.net#hunter2", "fragment"),
    ],
)
def test_a_base_url_that_cannot_be_used_is_an_error_that_names_the_fix(base_url: str, said: str) -> None:
    with pytest.raises(InvalidClient, match=said) as caught:
        NineBitsClient(KEY, base_url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["", None, f"{KEY}\n", f"{KEY}\r\nX-Other: 1", f" {KEY}", f"{KEY}\u20ac", f"{KEY}\x00"])
def test_a_key_that_cannot_be_sent_is_an_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(InvalidClient, match="API key") as caught:
        NineBitsClient(key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("timeout_seconds", [0, -1, 1e10, float("nan"), float("inf")])
def test_a_time_out_is_a_number_of_seconds(timeout_seconds: float) -> None:
    with pytest.raises(InvalidClient, match="time-out"):
        NineBitsClient(KEY, timeout_seconds=timeout_seconds)


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (http("405 Method Not Allowed", b'{"status_code": 405}'), 405, "first real call"),
        (http("401 Unauthorized", b""), 401, "it refuses the API key, if it is 9bits"),
        (http("200 OK", b'{"status_code": 401}'), 401, "it refuses the API key, if it is 9bits"),
        (http("404 Not Found", b"<html>k3y-that-nobody-may-see"), 404, "check the base URL"),
        (http("302 Found", b"", "Location: http://127.0.0.1:1/"), 302, "check the base URL"),
        (http("503 Service Unavailable", b""), 503, "check the base URL"),
    ],
)
def test_a_probe_tells_what_answered(answer: bytes, status: int, said: str) -> None:
    with Loopback(answers(answer)) as server, NineBitsClient(KEY, server.url) as client:
        probe = client.probe()
    assert (probe.reached, probe.status) == (True, status)
    assert said in probe.detail
    assert KEY not in probe.detail
    (request,) = server.requests
    assert request.startswith(b"GET /v1/sendvoice HTTP/1.1\r\n")


def test_a_probe_tells_that_nobody_listens() -> None:
    with NineBitsClient(KEY, f"http://127.0.0.1:{port_that_nobody_listens_on()}") as client:
        probe = client.probe()
    assert (probe.reached, probe.status) == (False, None)
    assert "refused the connection" in probe.detail


def test_a_probe_tells_that_no_answer_came() -> None:
    with (
        Loopback(Visitor.wait_until_gone) as server,
        NineBitsClient(KEY, server.url, SOON_SECONDS) as client,
    ):
        probe = client.probe()
    assert (probe.reached, probe.status) == (False, None)
    assert "in time" in probe.detail


def test_a_probe_tells_that_the_certificate_is_not_trusted(tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    with Loopback(answers(http()), context) as server, NineBitsClient(KEY, server.url) as client:
        probe = client.probe()
    assert not probe.reached
    assert "TLS" in probe.detail


def test_a_probe_tells_that_the_proxy_wants_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(answers(http("407 Proxy Authentication Required", b""))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with NineBitsClient(KEY, "http://api.9bits.invalid") as client:
            probe = client.probe()
    assert (probe.reached, probe.status) == (False, 407)
    assert "proxy" in probe.detail
