"""Who asks to be let in: one table for every route and every place that a receiver is mounted in."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlsplit

ROUTES: Final = (
    "/ninebits/callback",
    "/ninebits/callback/",
    "/ninebits/callback/alerts",
    "/ninebits/callback/alerts/",
    "/ninebits/callback/a%2Fb",
)
"""Every one that asks for the password."""


@dataclass(frozen=True)
class Attempt:
    """
    One try to deliver.

    :param headers: the values of its ``Authorization`` headers, as bytes on the wire.
    :param taken: whether it is let in where the passwords are those of :data:`PASSWORDS`.
    """

    headers: tuple[bytes, ...] = ()
    taken: bool = False


@dataclass(frozen=True)
class Answer:
    """All of an answer that the other side can see."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Door:
    """
    Knocks at a receiver, over one connection.

    By hand: httpx refuses to send what strangers do send.
    """

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=60)

    def knock(self, route: str, attempt: Attempt, body: bytes = b"{}") -> Answer:
        """Try to deliver."""
        self._connection.putrequest("POST", route, skip_accept_encoding=True)
        self._connection.putheader("Content-Length", str(len(body)))
        for value in attempt.headers:
            self._connection.putheader("Authorization", value)
        self._connection.endheaders(body)
        answer = self._connection.getresponse()
        return Answer(answer.status, tuple(answer.getheaders()), answer.read())

    def knock_with_all(self, route: str) -> dict[str, int]:
        """Try all of the table, and return the status of each."""
        return {name: self.knock(route, attempt).status for name, attempt in ATTEMPTS.items()}

    def close(self) -> None:
        """Go away."""
        self._connection.close()


def basic(credentials: str | bytes, scheme: bytes = b"Basic") -> bytes:
    """Return the value of a header."""
    raw = credentials.encode() if isinstance(credentials, str) else credentials
    return scheme + b" " + base64.b64encode(raw)


USERNAME: Final = "ninebits"
PASSWORDS: Final = ("new-secret", "old-secret", "pässwörd-☎")
"""A new one, the one that it replaces, and one of other characters."""

_GOOD = basic("ninebits:new-secret")
_TOKEN = b"Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc_-"

ATTEMPTS: Final[dict[str, Attempt]] = {
    "the new password": Attempt((_GOOD,), taken=True),
    "the old one while it is rotated": Attempt((basic("ninebits:old-secret"),), taken=True),
    "one that is not ASCII": Attempt((basic("ninebits:pässwörd-☎"),), taken=True),
    "the scheme in small letters": Attempt((basic("ninebits:new-secret", b"basic"),), taken=True),
    "beside a token": Attempt((_GOOD, _TOKEN), taken=True),
    "nothing": Attempt(),
    "an empty header": Attempt((b"",)),
    "an empty password": Attempt((basic("ninebits:"),)),
    "nothing encoded": Attempt((b"Basic ",)),
    "the scheme alone": Attempt((b"Basic",)),
    "a wrong password": Attempt((basic("ninebits:other"),)),
    "one that was rotated out": Attempt((basic("ninebits:older-secret"),)),
    "all passwords as they are configured": Attempt((basic("ninebits:new-secret,old-secret"),)),
    "the start of the password": Attempt((basic("ninebits:new-secre"),)),
    "the password and more": Attempt((basic("ninebits:new-secret\x00"),)),
    "the password with a line's end": Attempt((basic("ninebits:new-secret\n"),)),
    "another user": Attempt((basic("admin:new-secret"),)),
    "the user in capitals": Attempt((basic("NINEBITS:new-secret"),)),
    "no user": Attempt((basic(":new-secret"),)),
    "the password without a user": Attempt((basic("new-secret"),)),
    "twice, both right": Attempt((_GOOD, _GOOD)),
    "twice, the second right": Attempt((basic("ninebits:other"), _GOOD)),
    "two in one header": Attempt((_GOOD + b", " + _GOOD,)),
    "a token and the password in one header": Attempt((_TOKEN + b", " + _GOOD,)),
    "the password and a token in one header": Attempt((_GOOD + b", " + _TOKEN,)),
    "a token": Attempt((_TOKEN,)),
    "the password as a token": Attempt((b"Bearer new-secret",)),
    "another scheme": Attempt((b'Digest username="ninebits", response="00"',)),
    "a scheme that begins like it": Attempt((_GOOD.replace(b"Basic", b"Basics"),)),
    "no blank after the scheme": Attempt((_GOOD.replace(b" ", b""),)),
    "a tab after the scheme": Attempt((_GOOD.replace(b" ", b"\t"),)),
    "not encoded": Attempt((b"Basic ninebits:new-secret",)),
    "encoded with a stray character": Attempt((_GOOD + b"!",)),
    "encoded and cut short": Attempt((_GOOD.rstrip(b"=")[:-1],)),
    "encoded for URLs": Attempt((b"Basic " + base64.urlsafe_b64encode(b"ninebits:\xff\xfe\xfb"),)),
    "bytes that are no text": Attempt((basic(b"ninebits:\xff\xfe\x00"),)),
    "the other one in latin-1": Attempt((basic("ninebits:pässwörd".encode("latin-1")),)),
    "bytes beyond ASCII in the header": Attempt((_GOOD + b"\xe9\x85\xa0",)),
    "very long": Attempt((basic("ninebits:" + "x" * 7_000),)),
}
"""By what they try."""

EXPECTED: Final = {name: 200 if attempt.taken else 401 for name, attempt in ATTEMPTS.items()}
