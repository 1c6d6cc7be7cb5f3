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

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_REF_ID = 128
_LONGEST_DETAIL = 200


@dataclass(frozen=True)
class Receipt:
    """9bits took the message: calls are placed, and known by ``ref_id``."""

    ref_id: str
    status: int
    message: str = ""


def read_answer(status: int, body: bytes, headers: Mapping[str, str]) -> Receipt:
    """
    Return the receipt that an answer is.

    :raises SendRefused: when the answer says that no call was placed.
    :raises SendUncertain: when it leaves open whether one was.
    """
    fields = _fields(body)
    message = _detail(fields.get("message") if fields else body)
    said = _status_code(fields)
    if 200 <= status < 300 and said is not None and not 200 <= said < 300:
        status = said
    if not 200 <= status < 300:
        raise _refusal(status, message, headers)
    ref_id = usable_ref_id(fields.get("ref_id"))
    if ref_id is None:
        raise SendUncertain(f"9bits answered without a ref_id: {message}", status)
    return Receipt(ref_id, status, message)


def usable_ref_id(value: object) -> str | None:
    """Return a ``ref_id`` as text; None for what cannot be one."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    if isinstance(value, int) and not 0 <= value < 10**_LONGEST_REF_ID:
        return None
    text = str(value).strip()
    usable = 0 < len(text) <= _LONGEST_REF_ID and text.isascii() and text.isprintable() and " " not in text
    return text if usable else None


def _refusal(status: int, message: str, headers: Mapping[str, str]) -> SendError:
    if status == 401:
        return AuthenticationFailed(
            f"9bits refused the API key: {message}; check the connection's password (dashboard: settings > security)",
            status,
        )
    if status == 429:
        seconds = parse_retry_after(headers.get("Retry-After"), datetime.now(UTC))
        return RateLimited(f"9bits is rate limiting: {message}", status, seconds)
    if 400 <= status < 500 and status != 408:
        return SendRefused(f"9bits refused the request: {message}", status)
    return SendUncertain(f"9bits gave no clear answer: {message}", status)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _status_code(fields: dict[str, Any]) -> int | None:
    value = fields.get("status_code")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599 else None


def _detail(value: object) -> str:
    """Return a stranger's text as it may stand in a log line: bounded, without control characters."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return ascii(text[:_LONGEST_DETAIL]) if text else "no reason given"
