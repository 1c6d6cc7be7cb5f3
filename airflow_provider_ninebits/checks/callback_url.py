"""A test callback, sent through the public URL and looked for in the ledger."""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from airflow_provider_ninebits.api.defaults import THIS_MACHINE
from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level

if TYPE_CHECKING:
    from airflow_provider_ninebits.configuration import Settings
    from airflow_provider_ninebits.ledger.database import Database

ARRIVES_WITHIN_SECONDS = 10.0
_LOOK_EVERY_SECONDS = 0.5
_TIME_OUT_SECONDS = 15.0
_SHOWN_BYTES = 200
_LOST = "What became of calls is told to this URL only, so no wait ends."

NOT_TRIED = FindingKind(
    "callback_url_not_tried",
    "callback URL",
    "No test callback was sent: there is no --callback-url.",
    "Whether 9bits' callbacks get through proxy, password and firewall to this ledger shows in no other way.",
    "`ninebits check --callback-url 'https://ninebits:PASSWORD@HOST/ninebits/callback'`, the URL of the 9bits "
    "dashboard; without the credentials those of the options are sent.",
    Level.NOTE,
)
UNREACHABLE = FindingKind(
    "callback_url_unreachable",
    "callback URL",
    "The test callback did not get to {host}: {reason}.",
    _LOST,
    "Mend DNS, TLS certificate, firewall or proxy in front of the receiver. If only this machine cannot get there from "
    "inside of its own network, run the check from outside.",
)
UNAUTHORIZED = FindingKind(
    "callback_url_unauthorized",
    "callback URL",
    "The receiver refuses the password of the test callback (HTTP status 401).",
    "9bits never resends a callback that was answered with 401.",
    "Make [ninebits] webhook_username and webhook_password of the receiver the user and password in the callback URL, "
    "restart the receiver, and correct the URL in the 9bits dashboard.",
)
NO_RECEIVER = FindingKind(
    "callback_url_no_receiver",
    "callback URL",
    "There is no receiver at {host}{path}: {answer}.",
    "Callbacks that are answered so are lost. " + _LOST,
    "Run `python -m airflow_provider_ninebits.webhook`, or install the package where the API server runs and restart "
    "it; let the proxy pass on /ninebits/callback, and look that the URL ends like that.",
)
TOO_LARGE = FindingKind(
    "callback_url_too_large",
    "callback URL",
    "A test callback of {size} bytes was too large for {host} (HTTP status 413).",
    "Callbacks that are answered so are lost.",
    "Let the proxy take bodies of 2 MiB (nginx: `client_max_body_size 2m`).",
)
UNAVAILABLE = FindingKind(
    "callback_url_unavailable",
    "callback URL",
    "{host} answers the test callback with HTTP status {status}: it takes no callbacks now.",
    "9bits sends them again for about an hour, as its pages on SMS say; then they are lost.",
    "Look into the receiver's log: it has no [ninebits] webhook_password, cannot write its ledger, or is not up behind "
    "the proxy.",
)
ANOTHER_LEDGER = FindingKind(
    "callback_url_another_ledger",
    "callback URL",
    "{host} took the test callback, and it did not come into this ledger within {seconds} s.",
    "The receiver writes into another ledger than the one that tasks look into from here: no wait ends.",
    "Give the receiver and this machine the same [ninebits] sql_alchemy_conn, and restart the receiver.",
)
NOT_LOOKED_FOR = FindingKind(
    "callback_url_not_looked_for",
    "callback URL",
    "{host} took the test callback. Whether it came into the ledger cannot be looked at: the ledger cannot be used.",
    "Its receiver may have another ledger.",
    "Mend what is said about the ledger, and check again. The callback shows as unmatched until then.",
    Level.NOTE,
)
PLAIN = FindingKind(
    "callback_url_plain",
    "callback URL",
    "The callback URL of {host} is http, not https.",
    "The password and whole phone numbers travel readable with every callback.",
    "Put a proxy with TLS before the receiver, and change the URL in the 9bits dashboard to https.",
)
WITHHELD = FindingKind(
    "callback_url_not_shown_the_password",
    "callback URL",
    "No test callback was sent to {host}: the URL is http, has no credentials, and leads to another machine.",
    "The password of [ninebits] webhook_password would have travelled readable, to whatever host was typed.",
    "Check an https URL. Or write the credentials into the http one, if it is what the dashboard has.",
    Level.NOTE,
)
KINDS = (
    *(NOT_TRIED, WITHHELD, UNREACHABLE, UNAUTHORIZED, NO_RECEIVER, TOO_LARGE),
    *(UNAVAILABLE, ANOTHER_LEDGER, NOT_LOOKED_FOR, PLAIN),
)


class InvalidCallbackURL(ValueError):
    """A ``--callback-url`` that no callback can be sent to; its text has nothing of the URL that may be a password."""


@dataclass(frozen=True)
class Target:
    """
    Where to send a test callback.

    :param url: without credentials.
    :param withheld: whether nothing is sent, since it would show the password of the options to whoever listens.
    """

    url: str
    username: str = ""
    password: str | None = field(default=None, repr=False)
    withheld: bool = False

    @property
    def host(self) -> str:
        """The host, with its port where one is given."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class TrialSeen:
    """
    What became of a test callback.

    :param unreachable: why there was no answer; None: there was one.
    :param from_receiver: whether a receiver of ours answered, by what it said.
    :param arrived: whether it is in the ledger; None: that could not be looked at.
    """

    url: str
    size: int
    unreachable: str | None = None
    status: int | None = None
    from_receiver: bool = False
    arrived: bool | None = None


def read_target(url: str, settings: Settings | None) -> Target:
    """
    Return where a test callback goes, with the credentials of the URL, or else the first of the options.

    :raises InvalidCallbackURL: for what is no http(s) URL.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https"):
        raise InvalidCallbackURL(
            "--callback-url is no URL; give it as the 9bits dashboard has it: https://HOST/ninebits/callback. Mind "
            "that @, :, /, % and # in the password are percent-encoded"
        )
    shown_host = f"[{host}]" if ":" in host else host
    plain = parts._replace(netloc=shown_host if port is None else f"{shown_host}:{port}", fragment="").geturl()
    if parts.username is not None or parts.password is not None:
        return Target(plain, unquote(parts.username or ""), unquote(parts.password or ""))
    if settings is not None and settings.webhook_passwords:
        if parts.scheme == "http" and host not in THIS_MACHINE:
            return Target(plain, withheld=True)
        return Target(plain, settings.webhook_username, settings.webhook_passwords[0])
    return Target(plain)


def look(target: Target, database: Database | None) -> TrialSeen:
    """
    Send a test callback that is about nobody, wait for it in the ledger, and take it out again.

    :param database: None: the ledger cannot be used.
    """
    from airflow_provider_ninebits.ledger.trials import TRIAL_NUMBER, take_out

    ref_id = f"ninebits-check-{secrets.token_hex(8)}"
    # Without times: nothing is told by them of 9bits' zone.
    call = {"call_direction": "outbound", "to_number": TRIAL_NUMBER, "total_amount": "0", "ref_id": ref_id}
    body = json.dumps(call).encode()
    seen = _sent(target, body)
    if database is None:
        return seen
    try:
        return TrialSeen(**{**vars(seen), "arrived": _has_arrived(database, ref_id, seen)})
    finally:
        take_out(database, ref_id)


def judge_withheld(target: Target) -> list[Finding]:
    """Return what is to be said of a URL that no test callback is sent to."""
    return [PLAIN.found(host=target.host), WITHHELD.found(host=target.host)]


def judge(seen: TrialSeen) -> list[Finding]:
    """Return what is to be said of the callback URL."""
    parts = urlsplit(seen.url)
    host = parts.netloc
    plain = [PLAIN.found(host=host)] if parts.scheme == "http" and parts.hostname not in THIS_MACHINE else []
    if seen.arrived:
        # Whatever was answered: 9bits sends it again, and it is in the ledger.
        return plain
    if seen.status is None:
        return [*plain, UNREACHABLE.found(host=host, reason=(seen.unreachable or "").rstrip("."))]
    if seen.status == 401:
        return [*plain, UNAUTHORIZED.found()]
    if seen.status == 413:
        return [*plain, TOO_LARGE.found(host=host, size=seen.size)]
    if seen.status >= 500 or seen.status == 429:
        return [*plain, UNAVAILABLE.found(host=host, status=seen.status)]
    if not 200 <= seen.status < 300 or not seen.from_receiver:
        answer = f"HTTP status {seen.status}"
        if 200 <= seen.status < 300:
            answer += ", but a page and not a receiver's answer"
        elif 300 <= seen.status < 400:
            answer += ", a redirect, which 9bits is not documented to follow"
        return [*plain, NO_RECEIVER.found(host=host, path=parts.path, answer=answer)]
    if seen.arrived is None:
        return [*plain, NOT_LOOKED_FOR.found(host=host)]
    return [*plain, ANOTHER_LEDGER.found(host=host, seconds=round(ARRIVES_WITHIN_SECONDS))]


def _sent(target: Target, body: bytes) -> TrialSeen:
    import requests

    headers = {"Content-Type": "application/json", "User-Agent": "ninebits-check"}
    if target.password is not None:
        # By ourselves: requests would write it in latin-1, and a receiver reads UTF-8.
        credentials = base64.b64encode(f"{target.username}:{target.password}".encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    try:
        with (
            requests.Session() as session,
            session.post(
                target.url,
                data=body,
                headers=headers,
                # Any, or a .netrc would bring other credentials.
                auth=lambda request: request,
                timeout=_TIME_OUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            said = next(answer.iter_content(_SHOWN_BYTES), b"").strip()
            return TrialSeen(target.url, len(body), status=answer.status_code, from_receiver=said == b"{}")
    except (requests.RequestException, OSError, ValueError) as error:
        return TrialSeen(target.url, len(body), unreachable=_why(error))


def _why(error: Exception) -> str:
    from airflow_provider_ninebits.api.failures import Cause, cause_of

    # So requests tells that it has no CA; that it asks the environment for it, it does not tell.
    if type(error) is OSError and (missing := _missing_ca_bundle()):
        return missing
    # Never the error's own text: it may repeat the URL.
    words = {
        Cause.DNS: "its name is not known to this machine's DNS",
        Cause.REFUSED: "it refuses the connection, so nothing listens there",
        Cause.TLS: "its TLS certificate is not one for this name that is trusted here",
        Cause.PROXY: "the proxy of HTTPS_PROXY or HTTP_PROXY does not let it through",
        Cause.TIMEOUT: f"no answer within {_TIME_OUT_SECONDS:.0f} s",
    }
    return words.get(cause_of(error), f"the connection failed ({type(error).__name__})")


def _missing_ca_bundle() -> str | None:
    # In the order in which requests reads them.
    variable = "REQUESTS_CA_BUNDLE" if os.environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE"
    path = os.environ.get(variable)
    if not path or os.path.exists(path):
        return None
    return f"{variable} names {path}, and nothing is there: name the file of your CA's certificates, or unset it"


def _has_arrived(database: Database, ref_id: str, seen: TrialSeen) -> bool:
    from airflow_provider_ninebits.ledger.trials import has_arrived

    # It may have been stored where the answer was lost on its way, but then it is there already.
    taken = seen.status is not None and 200 <= seen.status < 300
    deadline = time.monotonic() + (ARRIVES_WITHIN_SECONDS if taken and seen.from_receiver else 0)
    while not (arrived := has_arrived(database, ref_id)) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_SECONDS)
    return arrived
