from __future__ import annotations

import pytest

from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.pacing import pace_delay_seconds, read_rate


@pytest.mark.parametrize(
    ("last_began", "now", "rate", "delay_seconds"),
    [
        (None, 100.0, 2.0, 0.0),
        (100.0, 100.0, None, 0.0),
        (100.0, 100.0, 2.0, 0.5),
        (100.0, 100.2, 2.0, 0.3),
        (100.0, 100.5, 2.0, 0.0),
        (100.0, 107.0, 2.0, 0.0),
        (100.0, 100.0, 0.1, 10.0),
    ],
)
def test_a_request_waits_until_the_rate_allows_it(
    last_began: float | None, now: float, rate: float | None, delay_seconds: float
) -> None:
    assert pace_delay_seconds(last_began, now, rate) == pytest.approx(delay_seconds)


@pytest.mark.parametrize("rate", [0, -1, True, "2", float("nan"), float("inf")])
def test_a_rate_is_a_number_above_zero(rate: object) -> None:
    with pytest.raises(InvalidArgument, match="max_requests_per_second"):
        read_rate(rate)


def test_a_rate_is_none_or_what_was_given() -> None:
    assert (read_rate(None), read_rate(2), read_rate(0.5)) == (None, 2.0, 0.5)
