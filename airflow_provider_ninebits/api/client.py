"""One request to 9bits, by the clock."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import requests
from requests.utils import select_proxy

from airflow_provider_ninebits.api.answers import Receipt, read_answer
from airflow_provider_ninebits.api.defaults import BASE_URL, THIS_MACHINE, TIMEOUT_SECONDS
from airflow_provider_ninebits.api.errors import InvalidClient, NotConnected, SendError, SendUncertain
from airflow_provider_ninebits.api.failures import sentence, shown_proxy
from airflow_provider_ninebits.api.messages import shown_url
from airflow_provider_ninebits.api.probes import Probe, Route, answered_probe, unanswered_probe
from airflow_provider_ninebits.api.threads import KeptThreads, NoThread
from airflow_provider_ninebits.api.transport import GatedAdapter, WriteGate, read_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_ninebits.api.messages import VoiceMessage

LONGEST_ANSWER_BYTES = 64 * 1024

_DISTRIBUTION = "airflow-provider-ninebits"


@dataclass(eq=False)
class _Exchange:
    """
    One request and what has come back so far; written by the thread that makes it.

    ``over`` is set by others too where nothing was written, and nothing will be: connecting may take its time.
    """

    gate: WriteGate
    over: threading.Event = field(default_factory=threading.Event)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False
    failure: BaseException | None = None
    late: bool = False
    interrupted_because: str | None = None


class NineBitsClient:
    """
    9bits' API. Opens nothing until the first request; several threads may use one client, in turn or at once.

    :param api_key: 9bits dashboard: settings > security.
    :param base_url: without a scheme, https is meant.
    :param timeout_seconds: for one whole request by the clock: name look-up, connection, answer and all.
    :raises InvalidClient: for one of these that cannot be used.
    """

    def __init__(self, api_key: str, base_url: str = BASE_URL, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._api_key = _checked_key(api_key)
        self.base_url = _checked_base_url(base_url)
        if not (0 < timeout_seconds <= threading.TIMEOUT_MAX):
            raise InvalidClient(f"the time-out is {timeout_seconds!r}; give seconds, more than 0")
        self.timeout_seconds = timeout_seconds
        self._host = urlsplit(self.base_url).netloc
        self._url = f"{self.base_url}/v1/sendvoice"
        self._adapter = GatedAdapter()
        self._threads = KeptThreads("ninebits-request")
        self._under_way: set[_Exchange] = set()
        # For what the environment says of proxies and CAs; it sends nothing itself.
        self._session = requests.Session()

    def __repr__(self) -> str:
        return f"NineBitsClient(api_key='***', base_url={self.base_url!r}, timeout_seconds={self.timeout_seconds!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept alive; the client can be used again."""
        self._threads.close()
        self._adapter.close()
        self._session.close()

    def interrupt(self, because: str) -> None:
        """
        End the requests that are under way in other threads.

        What is not written by now never is: :exc:`NotConnected` there. Of what is written nobody knows:
        :exc:`SendUncertain`. Neither waits for a connection that is still being made.
        """
        for exchange in self._under_way.copy():
            if not exchange.gate.expire(because):
                exchange.interrupted_because = because
                exchange.over.set()

    def send_voice(self, message: VoiceMessage, may_write: Callable[[], bool] | None = None) -> Receipt:
        """
        Make exactly one request that places calls (9bits: Send a voice message).

        :param may_write: asked right before the first byte is written; False: nothing is.
        :raises NotConnected: nothing was written; 9bits never saw it.
        :raises SendRefused: 9bits said no; no call was placed. Its subclasses say why.
        :raises SendUncertain: it was written, and no clear answer came within ``timeout_seconds``.
        """
        exchange = self._exchange(WriteGate(may_write), "POST", json.dumps(message.payload()).encode())
        if exchange.status is None:
            raise self._without_answer(exchange) from None
        if not exchange.whole and 200 <= exchange.status < 300:
            raise SendUncertain("9bits' answer broke off, did not end in time, or was too long", exchange.status)
        return read_answer(exchange.status, exchange.body, exchange.headers, secret=self._api_key)

    def probe(self) -> Probe:
        """
        Look whether 9bits can be reached, by a GET that places no call (9bits: 405).

        It never raises for what it finds. A key is proved by a real call only: 9bits has no request for that.
        """
        exchange = self._exchange(WriteGate(), "GET", None)
        route = Route(
            self._host,
            self._proxy,
            proxy_reads=self._proxy is not None and self._url.startswith("http:"),
            documented=self.base_url == BASE_URL,
        )
        if exchange.status is None:
            return unanswered_probe(route, self._without_answer(exchange))
        return answered_probe(route, exchange.status, exchange.headers, exchange.body, self._api_key)

    def _exchange(self, gate: WriteGate, method: str, body: bytes | None) -> _Exchange:
        """Make a request in a thread of its own, since requests knows no time-out for all of it, and wait for it."""
        exchange = _Exchange(gate)
        self._under_way.add(exchange)
        try:
            self._threads.begin(lambda: self._run(exchange, method, body))
            exchange.over.wait(self.timeout_seconds)
        except BaseException as error:
            self._under_way.discard(exchange)
            # Airflow's time-outs and signals are exceptions in this thread: nothing may be written after them.
            gate.expire("the task was interrupted")
            if isinstance(error, NoThread):
                raise NotConnected("no thread could be started for the request; this machine is out of them") from error
            raise
        if not exchange.over.is_set():
            # First: what the thread meets when its connection ends is our doing and explains nothing.
            exchange.late = True
            gate.expire(f"{self._host} did not let us connect within {self.timeout_seconds:g} s")
        return exchange

    def _run(self, exchange: _Exchange, method: str, body: bytes | None) -> None:
        try:
            with self._open(exchange.gate, method, body) as response:
                exchange.headers = response.headers
                exchange.status = response.status_code
                for piece in read_body(response, LONGEST_ANSWER_BYTES):
                    exchange.body += piece
                exchange.whole = len(exchange.body) <= LONGEST_ANSWER_BYTES
        # Whatever it is, the thread that waits tells it.
        except BaseException as error:
            exchange.failure = error
        finally:
            self._under_way.discard(exchange)
            exchange.gate.release()
            exchange.over.set()

    def _open(self, gate: WriteGate, method: str, body: bytes | None) -> requests.Response:
        prepared = self._prepared[method].copy()
        if body is not None:
            prepared.body = body
            prepared.headers["Content-Length"] = str(len(body))
        return self._adapter.send_through(gate, prepared, timeout=self.timeout_seconds, **self._environment)

    # Once for all requests, as what follows: requests looks at each part of it anew.
    @cached_property
    def _prepared(self) -> dict[str, requests.PreparedRequest]:
        headers = {"GET": self._headers, "POST": {**self._headers, "Content-Type": "application/json"}}
        return {method: requests.Request(method, self._url, headers=headers[method]).prepare() for method in headers}

    # To ask for both takes longer than a request itself.
    @cached_property
    def _environment(self) -> dict[str, Any]:
        """What the environment says of proxies and CAs."""
        found = self._session.merge_environment_settings(self._url, {}, stream=True, verify=None, cert=None)
        return {name: value for name, value in found.items() if name != "stream"}

    @cached_property
    def _proxy(self) -> str | None:
        """The proxy's host and port, without its credentials; None: there is none on the way."""
        return shown_proxy(select_proxy(self._url, self._environment["proxies"]))

    @property
    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._api_key}",
            "Accept": "application/json",
            # Compressed, a small answer could be a large one.
            "Accept-Encoding": "identity",
            "User-Agent": f"{_DISTRIBUTION}/{_version()}",
        }

    def _without_answer(self, exchange: _Exchange) -> SendError:
        failure = None if exchange.late else exchange.failure
        if exchange.gate.written:
            why = "no answer came in time" if failure is None else self._sentence(failure)
            return SendUncertain(f"the request was written, but then {why}")
        if exchange.interrupted_because is not None:
            return NotConnected(exchange.interrupted_because)
        if failure is None:
            through = f" through the proxy {self._proxy}" if self._proxy else ""
            return NotConnected(
                f"{self._host} could not be connected to{through} within {self.timeout_seconds:g} s; check the base "
                "URL and its port, and whether a firewall stands between"
            )
        return NotConnected(self._sentence(failure))

    def _sentence(self, failure: BaseException) -> str:
        return sentence(failure, self._host, self._api_key, proxy=self._proxy)


def _checked_key(api_key: object) -> str:
    if not isinstance(api_key, str) or not api_key:
        raise InvalidClient("the API key is empty; copy it from the 9bits dashboard: settings > security")
    if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
        raise InvalidClient(
            "the API key holds a blank, a line break or a character that no key has; copy it from the 9bits dashboard "
            "(settings > security) once more, without the line's end"
        )
    return api_key


def _checked_base_url(base_url: str) -> str:
    text = base_url.strip()
    with_scheme = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(with_scheme)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise InvalidClient(f"the base URL {shown_url(with_scheme)} is not a URL; give {BASE_URL}") from None
    if not usable or not with_scheme.isascii() or not with_scheme.isprintable() or " " in with_scheme:
        raise InvalidClient(f"the base URL {shown_url(with_scheme)} is no http(s) address; give {BASE_URL}")
    if parts.query or parts.fragment or parts.username is not None:
        raise InvalidClient(
            f"the base URL {shown_url(with_scheme)} holds credentials, a query or a fragment; leave them out, the API "
            "key goes into the connection's password"
        )
    if with_scheme != text and parts.hostname in THIS_MACHINE:
        raise InvalidClient(
            f"the base URL {shown_url(text)} has no scheme; write http://{text} for a simulator on this machine, or "
            f"https://{text}"
        )
    return with_scheme.rstrip("/")


def _version() -> str:
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        from airflow_provider_ninebits import __version__

        return __version__
