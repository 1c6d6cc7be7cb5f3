"""Who may deliver: basic authentication, by credentials in the callback URL (9bits: SMS REST pages)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from hmac import compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.webhook.settings import ReceiverSettings

_LONGEST_HEADER = 4096
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2})[ \t]*", re.IGNORECASE | re.ASCII)
_BEARER = re.compile(r"bearer +[A-Za-z0-9._~+/-]+=*", re.IGNORECASE | re.ASCII)


def is_authorized(headers: Sequence[str], settings: ReceiverSettings) -> bool:
    """
    Return whether a request may deliver. Any doubt is "no".

    Where passwords are set and ``webhook_allow_unauthenticated`` too, a request that shows no credentials may, and one
    that shows wrong ones, or something that is none, may not.

    :param headers: the values of all its ``Authorization`` headers.
    """
    if settings.allow_unauthenticated and not settings.passwords:
        return True
    shown = _without_tokens(headers)
    if not shown:
        return settings.allow_unauthenticated
    given = _credentials(shown)
    return given is not None and _is_one_of(given, settings)


def _without_tokens(headers: Sequence[str]) -> list[str]:
    # Airflow's simple auth manager, where everybody is admin, adds a Bearer header of its own to every request.
    return [header for header in headers if not _BEARER.fullmatch(header)]


def _credentials(shown: Sequence[str]) -> bytes | None:
    if len(shown) != 1 or len(shown[0]) > _LONGEST_HEADER:
        return None
    basic = _BASIC.fullmatch(shown[0])
    if basic is None:
        return None
    try:
        return base64.b64decode(basic.group(1), validate=True)
    except binascii.Error:
        return None


def _is_one_of(given: bytes, settings: ReceiverSettings) -> bool:
    shown = hashlib.sha256(given).digest()
    found = False
    for expected in settings.credential_digests:
        # All are compared, and in constant time: how long it takes says nothing about which one was close. As
        # digests, since a comparison of different lengths ends early and would tell the password's.
        found |= compare_digest(shown, expected)
    return found
