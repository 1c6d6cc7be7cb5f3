"""Why a request got no answer, as a sentence for people."""

from __future__ import annotations

import errno
import os
import ssl
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from urllib3 import exceptions as urllib3_errors

from airflow_provider_ninebits.api.masking import shown_text
from airflow_provider_ninebits.api.transport import GateClosed, NoCertificates

if TYPE_CHECKING:
    from collections.abc import Iterator


# InvalidSchema: a SOCKS proxy without the package that it takes; our own scheme is http(s) by then.
_BAD_PROXY = (requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema)


# X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH; X509_V_ERR_CERT_NOT_YET_VALID and _HAS_EXPIRED.
_OTHER_NAME = frozenset({62, 64})
_OTHER_TIME = frozenset({9, 10})
# How OpenSSL takes an answer in the clear, each version in its own way.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})


class Cause(StrEnum):
    """What stood in the way."""

    DNS = "dns"
    REFUSED = "refused"
    TLS = "tls"
    PROXY = "proxy"
    TIMEOUT = "timeout"
    GATE = "gate"
    NO_CERTIFICATES = "no_certificates"
    NETWORK = "network"
    OTHER = "other"


def cause_of(error: BaseException) -> Cause:
    """
    Return what an error of requests comes from, decided by its causes and never by its text.

    A failure on the way to a proxy counts as the proxy's.
    """
    chain = list(_chain(error))
    for kinds, cause in (
        (GateClosed, Cause.GATE),
        (NoCertificates, Cause.NO_CERTIFICATES),
        ((urllib3_errors.ProxyError, requests.exceptions.ProxyError, _BAD_PROXY), Cause.PROXY),
        ((ssl.SSLError, urllib3_errors.SSLError, requests.exceptions.SSLError), Cause.TLS),
        (urllib3_errors.NameResolutionError, Cause.DNS),
        (ConnectionRefusedError, Cause.REFUSED),
        ((TimeoutError, urllib3_errors.TimeoutError, requests.exceptions.Timeout), Cause.TIMEOUT),
        ((OSError, urllib3_errors.HTTPError, requests.exceptions.ConnectionError), Cause.NETWORK),
    ):
        # NewConnectionError is a time-out to urllib3, whatever the reason.
        if any(isinstance(link, kinds) and type(link) is not urllib3_errors.NewConnectionError for link in chain):
            return cause
    return Cause.OTHER


def sentence(error: BaseException, host: str, secret: str = "", proxy: str | None = None) -> str:
    """
    Return what happened and what to do, without a secret.

    :param host: what was to be reached.
    :param proxy: what :func:`shown_proxy` shows of the proxy on the way; None: there is none.
    """
    words = _words(error, secret)
    match cause_of(error):
        case Cause.GATE | Cause.NO_CERTIFICATES:
            return str(next(link for link in _chain(error) if isinstance(link, (GateClosed, NoCertificates))))
        case Cause.DNS:
            return f"the name {host} was not found; check the base URL and this machine's DNS"
        case Cause.REFUSED:
            return f"{host} refused the connection; check the base URL and its port"
        case Cause.TLS:
            through = f" through the proxy {proxy}" if proxy else ""
            return f"no TLS connection with {host}{through}{words}; {_mended_tls(error)}"
        case Cause.PROXY:
            named = f"the proxy {proxy}" if proxy else "the proxy"
            return f"{named} did not let us through to {host}{words}; check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
        case Cause.TIMEOUT:
            return f"{host} did not answer in time"
        case Cause.NETWORK:
            return f"the network failed between here and {host}{words}"
    return f"the request could not be made{words}"


def shown_proxy(url: str | None) -> str | None:
    """
    Return a proxy's host and port, without its credentials.

    :param url: as the environment gives it; None: there is no proxy.
    """
    if not url:
        return None
    try:
        # Without a scheme, as requests takes it: http.
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return "of the environment"
    if not host:
        return "of the environment"
    # Not as a stranger's text: an address looks like a phone number there.
    named = ascii(f"[{host}]" if ":" in host else host)[1:-1]
    return named if port is None else f"{named}:{port}"


def _mended_tls(error: BaseException) -> str:
    """Return what to do about a failed handshake, decided by OpenSSL's codes and never by its words."""
    links = [link for link in _chain(error) if isinstance(link, ssl.SSLError)]
    codes = {link.verify_code for link in links if isinstance(link, ssl.SSLCertVerificationError)}
    if codes & _OTHER_NAME:
        return "its certificate is for another name; check the base URL, or what stands between"
    if codes & _OTHER_TIME:
        return "its certificate is not valid today; check this machine's clock, else it has to be renewed there"
    if codes:
        return "check the base URL, or name the CA that signed its certificate with REQUESTS_CA_BUNDLE"
    if any(link.library == "X509" for link in links):
        mended = "correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE on this machine, or unset it"
        return f"no certificate can be read from the file of CA certificates; {mended}"
    if {link.reason for link in links} & _NO_TLS:
        return "what listens there speaks no TLS; check the port, or begin the base URL with http:// if that is meant"
    return "check the base URL and its port, and whether a proxy or firewall stands between"


def _words(error: BaseException, secret: str) -> str:
    """Return what the innermost error that says something says, in brackets."""
    for link in reversed(list(_chain(error))):
        if isinstance(link, ssl.SSLCertVerificationError):
            return f" ({shown_text(link.verify_message, secret)})"
        if isinstance(link, OSError) and isinstance(link.errno, int) and link.errno in errno.errorcode:
            return f" ({os.strerror(link.errno)})"
        # The proxy's answer to CONNECT is in the text only ("Tunnel connection failed: 407 ...").
        if type(link) is OSError and link.args and isinstance(link.args[0], str):
            return f" ({shown_text(link.args[0], secret)})"
    return f" ({type(list(_chain(error))[-1]).__name__})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and those that it came from: requests and urllib3 keep them in three places."""
    waiting, seen = [error], set()
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = (getattr(link, "reason", None), link.__cause__, link.__context__, *link.args)
        waiting += [part for part in inner if isinstance(part, BaseException)]
