"""What 9bits answers to a send: the check of a request, and the bodies. Pure."""

from __future__ import annotations

import hmac
import json
import secrets
import string
from dataclasses import dataclass
from urllib.parse import urlsplit

from airflow_provider_ninebits.api.numbers import MAX_RECIPIENTS_PER_REQUEST, canonical_number, mask_number

REFUSED_TOKEN = "bad"  # noqa: S105 - a token that stands for a wrong one
REF_ID_LENGTH = 25

_MESSAGES = {
    200: "Request is being processed",
    201: "Resource created",
    401: "Authentication failed: Signature verification failed",
    405: "HTTP method not allowed",
    429: "Too many requests",
    500: "Server error",
}


class BadRequest(ValueError):
    """A send that 9bits would refuse with 400; its text goes into the answer."""


@dataclass(frozen=True, slots=True)
class SendRequest:
    """A send that was taken: canonical numbers, each once, in order."""

    to: tuple[str, ...]
    media_url: str
    caller_id: str | None = None


def answer_body(status: int, ref_id: str | None = None, message: str | None = None) -> dict[str, object]:
    """Return the body of an answer. 9bits documents those of 200 and 401; the others follow them."""
    body: dict[str, object] = {"status_code": status, "message": message or _MESSAGES.get(status, "Refused")}
    if ref_id is not None:
        body["ref_id"] = ref_id
    return body


def new_ref_id() -> str:
    """Return 25 characters of a-z and 0-9; not seeded: a ledger outlives the simulator, and may meet none twice."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(REF_ID_LENGTH))


def token_is_good(authorization: str | None, api_key: str | None) -> bool:
    """Say whether an Authorization header carries a Bearer token that is taken."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return False
    if api_key is None:
        return token != REFUSED_TOKEN
    return hmac.compare_digest(token.encode(), api_key.encode())


def read_send(raw: bytes) -> SendRequest:
    """
    Read the body of a send.

    :raises BadRequest: with what is wrong; nobody is rung.
    """
    try:
        body = read_json(raw)
    except ValueError as error:
        raise BadRequest("The body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("The body is no JSON object")
    caller_id = body.get("from")
    if caller_id is not None and not isinstance(caller_id, str):
        raise BadRequest("from is no text")
    return SendRequest(_read_to(body.get("to")), _read_media_url(body.get("media_url")), caller_id or None)


def read_json(raw: bytes) -> object:
    """
    Read JSON that can be written again.

    :raises ValueError: it is none, or has what Python alone takes: NaN, halves of characters, any depth.
    """
    try:
        body: object = json.loads(raw)
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return body


def _read_to(to: object) -> tuple[str, ...]:
    items = [to] if isinstance(to, str) else to
    if not isinstance(items, list) or not items:
        raise BadRequest("to is missing: give a number, or a list of them")
    numbers: dict[str, None] = {}
    for item in items:
        number = canonical_number(item) if isinstance(item, str) else None
        if number is None:
            raise BadRequest(f"to holds {mask_number(item)}, which is no number")
        numbers[number] = None
    if len(numbers) > MAX_RECIPIENTS_PER_REQUEST:
        raise BadRequest(f"to holds {len(numbers)} numbers; at most {MAX_RECIPIENTS_PER_REQUEST} unique ones are taken")
    return tuple(numbers)


def _read_media_url(media_url: object) -> str:
    try:
        parts = urlsplit(media_url) if isinstance(media_url, str) else None
        usable = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise BadRequest("media_url is missing or no http(s) URL")
    return str(media_url)
