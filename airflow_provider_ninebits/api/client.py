"""One request by the clock."""

from __future__ import annotations

import threading
import time
from contextvars import copy_context
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from airflow_provider_ninebits.api.answers import read_answer
from airflow_provider_ninebits.api.errors import InvalidMessage, NotConnected, SendUncertain
from airflow_provider_ninebits.api.transport import WriteGate, current_gate, gated_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ninebits.api.answers import Receipt
    from airflow_provider_ninebits.api.messages import VoiceMessage

SEND_PATH = "/v1/sendvoice"
_LONGEST_BODY = 64 * 1024


@dataclass(frozen=True)
class Probe:
    """What came of asking 9bits for something that places no call."""

    reached: bool
    status: int | None
    detail: str


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes
    headers: Any


class NineBitsClient:
    """
    Talks to 9bits' API; one session, for one thread at a time.

    :param api_key: the Bearer token (9bits dashboard: settings > security).
    :param base_url: with scheme, without path.
    :param timeout_seconds: for one whole request, by the clock; that of ``requests`` is one for each read.
    :raises InvalidMessage: for a key or an address that cannot be used.
    """

    def __init__(self, api_key: str, base_url: str = "https://api.9bits.net", timeout_seconds: float = 30.0) -> None:
        api_key = api_key.strip()
        if not api_key or not api_key.isascii() or not api_key.isprintable():
            raise InvalidMessage("the API key is empty or holds characters that no HTTP header can; copy it once more")
        self._api_key = api_key
        self.base_url = _checked_base_url(base_url)
        self.timeout_seconds = timeout_seconds
        self._session = gated_session()

    def __repr__(self) -> str:
        """Show everything but the key."""
        return f"NineBitsClient(base_url={self.base_url!r}, timeout_seconds={self.timeout_seconds})"

    def __enter__(self) -> NineBitsClient:
        """Use the client in a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the kept-alive connections."""
        self._session.close()

    def send_voice(self, message: VoiceMessage, may_write: Callable[[], bool] | None = None) -> Receipt:
        """
        Make one request for a message (9bits: Send a voice message). It is never repeated here.

        :param may_write: asked right before the request is written: False calls it off.
        :return: 9bits' receipt.
        :raises SendRefused: no call was placed.
        :raises SendUncertain: calls may have been placed.
        """
        gate = WriteGate(may_write or (lambda: True))
        answer = self._by_the_clock(gate, "POST", message.payload())
        return read_answer(answer.status, answer.body, answer.headers)

    def probe(self) -> Probe:
        """Ask for something that places no call: a GET where 9bits takes only POST."""
        try:
            answer = self._by_the_clock(WriteGate(lambda: True), "GET", None)
        except NotConnected as error:
            return Probe(False, None, str(error))
        except SendUncertain as error:
            return Probe(False, None, f"{self.base_url} was reached but gave no answer: {error}")
        if answer.status == 401:
            return Probe(True, 401, "9bits was reached and refused the API key (401); copy it from settings > security")
        return Probe(
            True,
            answer.status,
            f"{self.base_url} was reached (status {answer.status}). Whether it takes the API key only a call would prove.",
        )

    def _by_the_clock(self, gate: WriteGate, method: str, payload: dict[str, Any] | None) -> _Answer:
        """Run a request in a thread, since neither DNS nor a trickling answer ends by a time-out of its own."""
        outcome: list[_Answer | BaseException] = []
        done = threading.Event()

        def work() -> None:
            current_gate.set(gate)
            try:
                outcome.append(self._request(method, payload))
            except BaseException as error:  # handed to the thread that waits
                outcome.append(error)
            finally:
                done.set()

        thread = threading.Thread(target=copy_context().run, args=(work,), name="ninebits-request", daemon=True)
        thread.start()
        try:
            done.wait(self.timeout_seconds)
        except BaseException:
            # Airflow's task time-out, or Ctrl-C: what was not written yet never is.
            gate.expire()
            raise
        if not outcome:
            gate.expire()
        result = outcome[0] if outcome else TimeoutError(f"no answer within {self.timeout_seconds:g} s")
        if isinstance(result, _Answer):
            return result
        raise self._failure(result, gate) from result

    def _request(self, method: str, payload: dict[str, Any] | None) -> _Answer:
        deadline = time.monotonic() + self.timeout_seconds
        with self._session.request(
            method,
            self.base_url + SEND_PATH,
            json=payload,
            headers={"Authorization": f"Bearer {self._api_key}", "User-Agent": _user_agent()},
            timeout=self.timeout_seconds,
            allow_redirects=False,
            stream=True,
            # Else ~/.netrc would replace the Bearer token.
            auth=_keep_headers,
        ) as response:
            body = b""
            for chunk in response.iter_content(8192):
                body += chunk
                if len(body) > _LONGEST_BODY or time.monotonic() > deadline:
                    break
            return _Answer(response.status_code, body[:_LONGEST_BODY], response.headers)

    def _failure(self, cause: BaseException, gate: WriteGate) -> NotConnected | SendUncertain:
        words = _plain_cause(cause).replace(self._api_key, "***")
        if gate.written:
            return SendUncertain(f"the request was written, then: {words}")
        return NotConnected(
            f"{self.base_url} was not reached, nothing was sent: {words}; check the connection's host and this machine's network"
        )


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _plain_cause(error: BaseException) -> str:
    """Return the innermost reason: requests and urllib3 wrap it in texts that repeat the whole URL."""
    while True:
        reason = getattr(error, "reason", None)
        inner = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
        if inner is None or isinstance(error, TimeoutError):
            break
        error = inner
    return ascii(f"{type(error).__name__}: {error}"[:200])[1:-1]


def _checked_base_url(base_url: str) -> str:
    text = base_url.strip().rstrip("/")
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query:
        raise InvalidMessage("the connection's host is no base URL; leave it empty, or give https://host[:port]")
    return text


def _user_agent() -> str:
    try:
        return f"airflow-provider-ninebits/{version('airflow-provider-ninebits')}"
    except PackageNotFoundError:
        return "airflow-provider-ninebits"
