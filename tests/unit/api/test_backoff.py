"""How long a rate limit is waited out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.api.backoff import parse_retry_after, rate_limit_delay_seconds

NOW = datetime(2023, 10, 24, 22, 54, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("9" * 400, 999999999999.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("\u0667", None),
        ("Tue, 24 Oct 2023 22:54:36 GMT", 30.0),
        ("Tue, 24 Oct 2023 22:54:36 -0000", 30.0),
        ("Wed, 25 Oct 2023 00:54:36 +0200", 30.0),
        ("Tue, 24 Oct 2023 22:00:00 GMT", 0.0),
        ("Tue, 99 Oct 2023 22:00:00 GMT", None),
        ("Tue, 24 Oct 99999 22:00:00 GMT", None),
    ],
)
def test_retry_after_is_read(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOW) == seconds


@given(st.text())
def test_any_header_is_seconds_or_nothing(header: str) -> None:
    seconds = parse_retry_after(header, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("tries_used", "retry_after_seconds", "jitter", "delay_seconds"),
    [
        (1, None, 1.0, 1.0),
        (2, None, 1.0, 2.0),
        (3, None, 1.0, 4.0),
        (4, None, 1.0, 8.0),
        (1, None, 0.0, 0.5),
        (4, None, 0.5, 6.0),
        (5, None, 1.0, None),
        (6, None, 1.0, None),
        (1, 7.0, 0.0, 7.0),
        (4, 0.0, 1.0, 0.0),
        (1, 3600.0, 1.0, 60.0),
        (5, 7.0, 1.0, None),
    ],
)
def test_the_delay_is_what_was_asked_for_or_doubles(
    tries_used: int, retry_after_seconds: float | None, jitter: float, delay_seconds: float | None
) -> None:
    assert rate_limit_delay_seconds(tries_used, retry_after_seconds, lambda: jitter) == delay_seconds


@given(st.integers(1, 2000), st.none() | st.floats(0, allow_infinity=True), st.floats(0, 1))
def test_no_delay_is_longer_than_a_minute(tries_used: int, retry_after_seconds: float | None, jitter: float) -> None:
    delay_seconds = rate_limit_delay_seconds(tries_used, retry_after_seconds, lambda: jitter, max_tries=10_000)
    assert delay_seconds is not None
    assert 0 <= delay_seconds <= 60
