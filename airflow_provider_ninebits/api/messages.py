"""What is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from airflow_provider_ninebits.api.errors import InvalidMediaURL, InvalidMessage
from airflow_provider_ninebits.api.masking import masked_numbers

_CALLER_ID = re.compile(r"\+?[A-Za-z0-9][A-Za-z0-9 .\-]{0,31}")
_LONGEST_URL = 8000


@dataclass(frozen=True)
class VoiceMessage:
    """
    One request's worth of a message (9bits: Send a voice message).

    :param to: canonical destinations, at most 1000.
    :param media_url: where 9bits fetches the audio; it converts the file itself.
    :param from_number: the caller ID; None: 9bits picks one of the account's at random.
    """

    to: tuple[str, ...]
    media_url: str
    from_number: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return the request's JSON."""
        payload: dict[str, Any] = {"to": list(self.to), "media_url": self.media_url}
        if self.from_number is not None:
            payload["from"] = self.from_number
        return payload


def check_media_url(url: object) -> str:
    """
    Return a media URL that 9bits can fetch.

    :raises InvalidMediaURL: for one that is not http(s), has no host, or holds blanks; nothing was sent.
    """
    if not isinstance(url, str) or not url.strip() or url.strip().lower() in ("none", "null"):
        raise InvalidMediaURL(
            f"media_url is {_nothing(url)}; give the http(s) address of the recording, or see whether the upstream "
            "task that it comes from pushed nothing"
        )
    url = url.strip()
    if len(url) > _LONGEST_URL or any(character.isspace() or not character.isprintable() for character in url):
        raise InvalidMediaURL(f"media_url holds blanks or is too long: {shown_url(url)}; give it percent-encoded")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidMediaURL(
            f"media_url {shown_url(url)} is no http(s) address; 9bits fetches the recording itself, so give one that "
            "it can reach: https://example.com/reminder.mp3"
        )
    return url


def media_identity(url: str) -> str:
    """
    Return what makes two media URLs the same recording, and what may be stored of one.

    Without credentials, and without the query string, which may be signed anew at each try.
    """
    parts = urlsplit(url)
    return urlunsplit(SplitResult(parts.scheme, _without_credentials(parts), parts.path, "", ""))


def shown_url(url: str) -> str:
    """Return a URL as it may stand in an error: no credentials, no query string, no whole number, not too long."""
    try:
        shown = media_identity(url)
    except ValueError:
        shown = url.split("?")[0].rpartition("@")[2]
    # A list of numbers may stand here by mistake.
    return ascii(masked_numbers(shown)[:120])


def check_caller_id(value: object) -> str | None:
    """
    Return the caller ID, or None where none is set.

    :raises InvalidMessage: for what can be neither a number nor a name.
    """
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "none", "null")):
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not _CALLER_ID.fullmatch(text):
        raise InvalidMessage("from_number is no caller ID; give one that is registered with the account: 07080670000")
    return text


def _without_credentials(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2].lower()


def _nothing(value: object) -> str:
    return ascii(value) if isinstance(value, str) else "None" if value is None else f"a {type(value).__name__}"
