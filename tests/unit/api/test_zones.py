from __future__ import annotations

import pytest

from airflow_provider_ninebits.api.zones import zones_of_number


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("2348020000000", ("Africa/Lagos",)),
        ("254712345678", ("Africa/Nairobi",)),
        ("12125550123", ("America/New_York",)),
        ("13105550123", ("America/Los_Angeles",)),
    ],
)
def test_where_the_phone_is(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of_number(number) == zones


def test_a_number_that_is_bound_to_no_place_has_all_zones_of_its_country() -> None:
    toll_free = zones_of_number("18002530000")
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} <= set(toll_free)
    assert list(toll_free) == sorted(toll_free)


def test_a_number_of_a_range_that_the_tables_do_not_know_has_those_of_its_country() -> None:
    import phonenumbers

    unknown = "2340000000000"
    assert not phonenumbers.is_valid_number(phonenumbers.parse(f"+{unknown}", None))
    assert zones_of_number(unknown) == ("Africa/Lagos",)


def test_a_satellite_phone_is_nowhere() -> None:
    assert zones_of_number("881612345678") == ()
