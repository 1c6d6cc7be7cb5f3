"""The time zones that a number may be in, by phonenumbers' tables."""

from __future__ import annotations


def zones_of_number(number: str) -> tuple[str, ...]:
    """
    Return the names of the time zones where the phone may ring, sorted.

    A number that is bound to no place (a mobile one in most large countries) has all zones of its country. So has one
    of a range that the tables do not know yet.

    :param number: canonical, a possible international number.
    :return: none at all where even the country says nothing: a satellite phone, say.
    """
    import phonenumbers
    from phonenumbers import timezone

    parsed = phonenumbers.parse(f"+{number}", None)
    zones = timezone.time_zones_for_number(parsed)
    if timezone.UNKNOWN_TIMEZONE in zones:
        nowhere_in_it = phonenumbers.PhoneNumber(country_code=parsed.country_code, national_number=0)
        zones = timezone.time_zones_for_geographical_number(nowhere_in_it)
    return tuple(sorted(zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE))
