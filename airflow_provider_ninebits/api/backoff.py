"""How long to wait when 9bits limits the rate. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TRIES = 5
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0


def parse_retry_after(header: str | None, now: datetime) -> float | None:
    """
    Return the seconds that a ``Retry-After`` asks for (9bits does not document it; it is honoured where it comes).

    :param header: seconds, or an HTTP date.
    :param now: what a date is compared with, aware.
    :return: 0 or more; None where the header is missing or says nothing that can be read.
    """
    text = (header or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def rate_limit_delay_seconds(
    tries_used: int, retry_after_seconds: float | None, jitter: Callable[[], float], max_tries: int = MAX_TRIES
) -> float | None:
    """
    Return how long to wait after a 429 before the next try.

    :param tries_used: requests made so far, at least 1.
    :param retry_after_seconds: what 9bits asked for; 60 s are waited at most.
    :param jitter: gives 0 to 1; half of each delay of ours is left to it, so that senders do not come back in step.
    :return: None: the tries are used up.
    """
    if tries_used >= max_tries:
        return None
    if retry_after_seconds is not None:
        return min(retry_after_seconds, LONGEST_DELAY_SECONDS)
    delay_seconds = min(FIRST_DELAY_SECONDS * 2.0 ** min(tries_used - 1, 10), LONGEST_DELAY_SECONDS)
    return delay_seconds * (0.5 + 0.5 * min(max(jitter(), 0.0), 1.0))
