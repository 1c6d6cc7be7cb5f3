"""What came of a look at 9bits that rings nobody, as a sentence for people. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.answers import said_status
from airflow_provider_ninebits.api.errors import NotConnected, SendError
from airflow_provider_ninebits.api.masking import shown_text
from airflow_provider_ninebits.api.messages import shown_url

if TYPE_CHECKING:
    from collections.abc import Mapping

METHOD_NOT_ALLOWED = 405
"""What 9bits documents for a method that it does not take: the answer that a probe hopes for."""

# Of one who stands between, or in front of what is down.
_OF_A_GATEWAY = (403, 502, 503, 504)


@dataclass(frozen=True)
class Probe:
    """
    What came of a look at 9bits that places no call.

    :param reached: whether what stands at the base URL answered, and no proxy in its place.
    :param status: the status that counts; None: no answer.
    :param detail: a sentence for people, with what to do next.
    """

    reached: bool
    status: int | None
    detail: str


@dataclass(frozen=True)
class Route:
    """
    The way that a probe took.

    :param host: what was asked, with its port where one is given.
    :param proxy: the proxy's host and port, without credentials; None: there is none.
    :param proxy_reads: whether the proxy reads the request, and may answer in its own name: without TLS.
    :param documented: whether it leads to 9bits' own address: whatever answers elsewhere may be another.
    """

    host: str
    proxy: str | None = None
    proxy_reads: bool = False
    documented: bool = False

    @property
    def through(self) -> str:
        """Words for the proxy, in a sentence."""
        return f" through the proxy {self.proxy}" if self.proxy else ""


def unanswered_probe(route: Route, error: SendError) -> Probe:
    """Return the probe that had no answer; ``error``: what it ended in, which says why."""
    if isinstance(error, NotConnected):
        return Probe(False, None, f"9bits was not reached: {error.detail}.")
    return Probe(
        False,
        None,
        f"9bits was not reached: {route.host} was connected to{route.through}, but gave no whole answer: "
        f"{error.detail}. Test again; if it stays so, check the base URL, and whether it begins with http or https.",
    )


def answered_probe(route: Route, http_status: int, headers: Mapping[str, str], body: bytes, secret: str) -> Probe:
    """
    Return the probe that was answered.

    It claims no more than the answer shows: 9bits has no request that proves a key without ringing.

    :param secret: the API key, so that no text repeats it.
    """
    status = said_status(http_status, body)
    if status == 407 or (route.proxy_reads and http_status in _OF_A_GATEWAY):
        return Probe(False, status, _by_the_proxy(route, status))
    return Probe(True, status, _by_the_host(route, status, headers, body, secret))


def _by_the_proxy(route: Route, status: int) -> str:
    proxy = f"the proxy {route.proxy}" if route.proxy else "a proxy"
    match status:
        case 407:
            why = "wants a user and a password (HTTP status 407); put them into HTTPS_PROXY or HTTP_PROXY"
        case 403:
            why = f"does not let us through to {route.host} (HTTP status 403); have it allowed there, or set NO_PROXY"
        case _:
            why = (
                f"answered with HTTP status {status}, and seems not to reach {route.host}; check the base URL, the "
                "proxy and NO_PROXY"
            )
    return f"9bits was not reached: {proxy} {why}."


def _by_the_host(route: Route, status: int, headers: Mapping[str, str], body: bytes, secret: str) -> str:
    host, saying = route.host, _saying(body, secret)
    answered = f"{host} answered{route.through} with HTTP status {status}{saying}"
    reached = f"{'9bits' if route.documented else host} was reached{route.through}"
    match status:
        case 401 if route.documented:
            return (
                f"{reached}, and refused the API key (HTTP status 401{saying}); copy it from the dashboard once more: "
                "settings > security."
            )
        case 401:
            return (
                f"{answered}: it refuses the API key, if it is 9bits; check the base URL, or copy the key from the "
                "dashboard once more: settings > security."
            )
        case 405:
            # Whatever answers at another address may be something else.
            alike = f", and answers as 9bits does to a request that rings nobody (HTTP status {status})"
            return (
                f"{reached}{'' if route.documented else alike}. Whether the API key is good shows at the first real "
                "call only: 9bits has no request that proves it without ringing."
            )
        case 403:
            return (
                f"{answered}. The request was forbidden, which 9bits does not document: check the base URL, then ask "
                "9bits whether the account, and this machine's address, may call."
            )
        case 404:
            return f"{answered}. Nothing is at this address: check the base URL, its path above all."
        case 429:
            return f"{answered}. Requests come too fast, so it shows no more: test again in some minutes."
        case _ if 300 <= status < 400:
            return (
                f"{answered}{_location(headers, secret)}. A redirect is not followed, since it would take the API key "
                "along: check the base URL, and give the address that answers itself."
            )
        case _ if status >= 500:
            return (
                f"{answered}. That is a failure over there, and says nothing about the API key: test again later; if "
                "it stays so, check the base URL."
            )
    return f"{answered}. 9bits itself would answer {METHOD_NOT_ALLOWED} here: check the base URL."


def _location(headers: Mapping[str, str], secret: str) -> str:
    location = headers.get("Location", "").replace(secret or "\n", "***")
    return f", to {shown_url(location)}" if location else ""


def _saying(body: bytes, secret: str) -> str:
    return f', saying "{shown_text(body, secret)}"' if body else ""
