"""How fast the requests of a send follow each other."""

from __future__ import annotations

import math

from airflow_provider_ninebits.exceptions import InvalidArgument


def read_rate(max_requests_per_second: object) -> float | None:
    """
    Return the most requests that an account may make in a second; None: as fast as they are answered.

    :raises InvalidArgument: for what is no number above 0.
    """
    if max_requests_per_second is None:
        return None
    if (
        isinstance(max_requests_per_second, bool)
        or not isinstance(max_requests_per_second, (int, float))
        or not (math.isfinite(max_requests_per_second) and max_requests_per_second > 0)
    ):
        raise InvalidArgument(f"max_requests_per_second is {max_requests_per_second!r}; give a number above 0, or None")
    return float(max_requests_per_second)


def pace_delay_seconds(last_began: float | None, now: float, max_requests_per_second: float | None) -> float:
    """
    Return how long to wait before the next request begins. Pure.

    :param last_began: when the last one began, on the same clock as ``now``; None: there was none.
    """
    if last_began is None or max_requests_per_second is None:
        return 0.0
    return max(last_began + 1.0 / max_requests_per_second - now, 0.0)
