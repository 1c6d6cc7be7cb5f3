"""The zone of 9bits' times, told by when callbacks arrive."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.checks.times import (
    FEWEST,
    FURTHEST_SECONDS,
    Sample,
    judge,
    samples,
    shown_offset,
    zones_on_earth,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONES = zones_on_earth(NOW)

prompt = st.floats(0, 120)
prompt_deliveries = st.lists(prompt, min_size=FEWEST, max_size=50)
# No two of them are further apart than what tells anything.
offsets = st.sampled_from(sorted(ZONES)).filter(lambda offset: abs(offset) <= 7 * 3600)


def as_seen(true_offset: int, configured_offset: int, delay: float, received_on: date | None = None) -> Sample:
    return Sample(configured_offset, configured_offset - true_offset + delay, received_on)


@given(offsets, offsets, prompt_deliveries)
def test_prompt_callbacks_show_the_offset_whatever_is_configured(
    true_offset: int, configured_offset: int, delays: list[float]
) -> None:
    found = [
        as_seen(true_offset, configured_offset, delay, NOW.date() - timedelta(days=day))
        for day, delay in enumerate(delays)
    ]
    assert shown_offset(found, ZONES) == (true_offset, len(delays), len(delays))
    codes = [finding.code for finding in judge(found, "Some/Zone", ZONES)]
    assert codes == ([] if true_offset == configured_offset else ["timezone_contradicted"])


@given(st.lists(st.floats(0, 120), max_size=FEWEST - 1))
def test_a_few_callbacks_say_nothing(delays: list[float]) -> None:
    found = [as_seen(3600, 0, delay) for delay in delays]
    assert [finding.code for finding in judge(found, "UTC", ZONES)] == ["timezone_unshown"]


@given(st.lists(st.floats(FURTHEST_SECONDS + 1, 10**7) | st.floats(-(10**7), -FURTHEST_SECONDS - 1), max_size=50))
def test_what_lies_further_from_its_arrival_says_nothing_of_the_zone(delays: list[float]) -> None:
    found = [Sample(0, delay) for delay in delays]
    assert [finding.code for finding in judge(found, "UTC", ZONES)] == ["timezone_unshown"]


@given(prompt_deliveries, st.lists(st.floats(-FURTHEST_SECONDS, FURTHEST_SECONDS), max_size=3))
def test_a_few_that_came_late_change_nothing(delays: list[float], late: list[float]) -> None:
    found = [as_seen(0, 0, delay) for delay in delays] + [Sample(0, delay) for delay in late]
    assert "timezone_contradicted" not in [finding.code for finding in judge(found, "UTC", ZONES)]


@pytest.mark.parametrize("retried_after", [30, 90, 210, 450, 930, 1890, 3600, 3600 + 210])
@pytest.mark.parametrize("zone", ["UTC", "Africa/Lagos", "Asia/Kolkata"])
def test_callbacks_that_were_all_sent_again_are_no_zone(retried_after: int, zone: str) -> None:
    configured = int((NOW.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()).total_seconds())
    # Over midnight, in one outage.
    found = [Sample(configured, retried_after + lag, date(2026, 3, 1 + lag % 2)) for lag in range(10)]
    assert [finding.code for finding in judge(found, zone, ZONES) if finding.level == "problem"] == []


def test_what_may_be_the_last_retry_is_a_note_that_names_it() -> None:
    [finding] = judge([Sample(0, 3600 + lag, NOW.date()) for lag in range(6)], "UTC", ZONES)
    assert (finding.code, finding.level) == ("timezone_or_retries", "note")
    assert "6 of the 6 newest calls that tell came 1:00 h after their end" in finding.what
    assert "sent them again" in finding.why
    # No retry comes before the call has ended.
    [finding] = judge([Sample(0, lag - 3600, NOW.date()) for lag in range(6)], "UTC", ZONES)
    assert finding.code == "timezone_contradicted"


def test_it_says_which_zone() -> None:
    [finding] = judge([as_seen(3600, 0, 2)] * 9, "UTC", ZONES)
    assert "UTC+1:00, by 9 of the 9 newest calls" in finding.what
    assert "wrong by -1:00" in finding.why
    assert "callback_timezone to Africa/Lagos" in finding.fix


@pytest.mark.parametrize("moment", [NOW, NOW + timedelta(days=120)], ids=["March", "June"])
def test_the_zone_that_is_named_can_be_pasted_and_has_the_offset(moment: datetime) -> None:
    for offset, name in zones_on_earth(moment).items():
        assert moment.astimezone(ZoneInfo(name)).utcoffset() == timedelta(seconds=offset)


def test_of_quarters_of_an_hour_a_zone_without_summer_time_is_named() -> None:
    [finding] = judge([as_seen(19800, 0, 2)] * 9, "UTC", ZONES)
    assert "callback_timezone to Asia/Kolkata" in finding.fix
    assert ZONES[34200] == "Australia/Darwin"


def test_bodies_are_read_with_the_zone_that_is_set_now() -> None:
    body = json.dumps({"to_number": "2348020000000", "end_at": "2026-03-01 12:59:58"}).encode()
    calls = [(NOW, body), (NOW, b"{}"), (NOW, b"no JSON")]
    assert samples(calls, "UTC") == [Sample(0, -3598, NOW.date())]
    assert samples(calls, "Africa/Lagos") == [Sample(3600, 2, NOW.date())]
