"""What 9bits said to a request. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.api.backoff import parse_retry_after
from airflow_provider_ninebits.api.errors import (
    AuthenticationFailed,
    RateLimited,
    SendError,
    SendRefused,
    SendUncertain,
)
from airflow_provider_ninebits.api.masking import shown_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_REF_ID = 128


@dataclass(frozen=True)
class Receipt:
    """
    9bits took the message.

    :param ref_id: what the request is known by; 1 to 128 printable ASCII characters.
    :param status: the HTTP status, 2xx.
    :param message: what 9bits said, bounded and escaped.
    """

    ref_id: str
    status: int
    message: str = ""


def read_answer(
    status: int, body: bytes, headers: Mapping[str, str], *, secret: str = "", now: datetime | None = None
) -> Receipt:
    """
    Return the receipt that an answer is (9bits: Send a voice message).

    :param status: the HTTP status. Of a 2xx without a ``ref_id`` the body's ``status_code`` counts.
    :param headers: only ``Retry-After`` is read.
    :param secret: the API key, so that no error repeats it.
    :param now: aware; what a date in ``Retry-After`` is compared with.
    :raises AuthenticationFailed: for 401; no call was placed.
    :raises RateLimited: for 429; no call was placed.
    :raises SendRefused: for another 4xx but 408; no call was placed.
    :raises SendUncertain: when it stays open whether calls were placed: 5xx, 408, a redirect, a 2xx without a
        ``ref_id``.
    """
    fields = _fields(body)
    said = fields.get("message")
    message = shown_text(said if isinstance(said, str) else body, secret)
    if 200 <= status < 300:
        ref_id = usable_ref_id(fields.get("ref_id"))
        if ref_id is not None:
            return Receipt(ref_id, status, message)
    counting = said_status(status, body)
    if 200 <= counting < 300:
        raise SendUncertain(f"9bits answered without a ref_id{_saying(message)}", status)
    raise _failure(counting, message, headers, now or datetime.now(UTC))


def said_status(status: int, body: bytes) -> int:
    """Return the status that counts: that of HTTP, or, where it is 2xx, the one that the body names instead."""
    value = _fields(body).get("status_code")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 599:
        return status
    return value if 200 <= status < 300 else status


def usable_ref_id(value: object) -> str | None:
    """
    Return a ``ref_id`` as text.

    :param value: text or a whole number, of at most 128 printable ASCII characters without blanks.
    :return: None for what cannot be one.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    if isinstance(value, int) and not 0 <= value < 10**_LONGEST_REF_ID:
        return None
    text = str(value).strip()
    usable = 0 < len(text) <= _LONGEST_REF_ID and text.isascii() and text.isprintable() and " " not in text
    return text if usable else None


def _failure(status: int, message: str, headers: Mapping[str, str], now: datetime) -> SendError:
    if status == 401:
        return AuthenticationFailed(
            f"9bits refused the API key{_saying(message)}. Check the connection's password "
            "(9bits dashboard: settings > security)",
            status,
        )
    if status == 429:
        seconds = parse_retry_after(headers.get("Retry-After"), now)
        return RateLimited(f"9bits is limiting the rate{_saying(message)}", status, seconds)
    if 400 <= status < 500 and status != 408:
        return SendRefused(f"9bits refused the request{_saying(message)}", status)
    if 300 <= status < 400:
        return SendUncertain("9bits answered with a redirect, which is not followed; check the base URL", status)
    return SendUncertain(f"9bits gave no clear answer{_saying(message)}", status)


def _saying(message: str) -> str:
    return f', saying "{message}"' if message else ""


def _fields(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
