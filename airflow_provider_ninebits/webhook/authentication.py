"""Who may deliver: basic authentication, by credentials in the callback URL (9bits: SMS REST pages)."""

from __future__ import annotations

import base64
import binascii
from hmac import compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.webhook.settings import ReceiverSettings

_LONGEST_HEADER = 4096


def is_authorized(headers: Sequence[str], settings: ReceiverSettings) -> bool:
    """
    Return whether a request may deliver. Any doubt is "no".

    :param headers: the values of all its ``Authorization`` headers.
    """
    if settings.allow_unauthenticated and not settings.passwords:
        return True
    given = _credentials(headers)
    if given is None:
        return settings.allow_unauthenticated and not _basic(headers)
    found = False
    for password in settings.passwords:
        # All are compared, and in constant time: how long it takes says nothing about which one was close.
        expected = f"{settings.username}:{password}".encode()
        found |= compare_digest(given, expected)
    return found


def _credentials(headers: Sequence[str]) -> bytes | None:
    basic = _basic(headers)
    if len(basic) != 1 or len(basic[0]) > _LONGEST_HEADER:
        return None
    try:
        return base64.b64decode(basic[0][6:].strip().encode("latin-1"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _basic(headers: Sequence[str]) -> list[str]:
    # Airflow's simple auth manager, where everybody is admin, adds a Bearer header of its own to every request.
    return [header for header in headers if header[:6].lower() == "basic "]
