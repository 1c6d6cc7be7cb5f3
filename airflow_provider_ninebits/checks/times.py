"""The zone of 9bits' times, as the callbacks show it: a call that ended says so within a minute or two."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import tzinfo

FEWEST = 5
"""Fewer calls say nothing: one may have been delivered late, or by hand."""
FURTHEST_SECONDS = 15 * 3600
"""No two zones are further apart than that (but by some hours of the date line), so that is no zone."""
_STEP_SECONDS = 900
_EARLY_SECONDS = 60
_LATE_SECONDS = 150
_SHARE = 0.6
_LAST_RETRY_SECONDS = 3600
"""9bits' last, after the first failure; so late, calls of one outage look like those of a zone an hour away."""
_DAYS_OF_PROOF = 3
"""On so many days the same retry is no accident any more. One outage may be on two, over midnight."""

CONTRADICTED = FindingKind(
    "timezone_contradicted",
    "callback_timezone",
    "9bits' times are in UTC{offset}, by {agreeing} of the {calls} newest calls that tell; [ninebits] "
    "callback_timezone is {configured}.",
    "The times in every outcome, in XCom and in events are wrong by {wrong}.",
    "Set [ninebits] callback_timezone to {zone} where receivers run, and restart them. What is in the ledger already "
    "keeps its times.",
)
UNSHOWN = FindingKind(
    "timezone_unshown",
    "callback_timezone",
    "Too few callbacks tell in which zone 9bits writes its times: {calls} of {needed}.",
    "9bits does not document it; a wrong zone puts the times in every outcome off by hours.",
    "Ring your own number a few times, and check again. Until then [ninebits] callback_timezone is a guess: "
    "{configured}.",
    Level.NOTE,
)
RETRIED = FindingKind(
    "timezone_or_retries",
    "callback_timezone",
    "{agreeing} of the {calls} newest calls that tell came {late} h after their end.",
    "Most likely the receiver was down, and 9bits sent them again, the last time an hour after the first failure. Or "
    "9bits' times are in UTC{offset}, and not in {configured}.",
    "Ring your own number a few times while the receiver is up, and check again: it tells which. Leave [ninebits] "
    "callback_timezone as it is until then.",
    Level.NOTE,
)
KINDS = (CONTRADICTED, UNSHOWN, RETRIED)


@dataclass(frozen=True)
class Sample:
    """
    One call.

    :param offset_seconds: of the configured zone from UTC, when it ended.
    :param delay_seconds: from its end, as the configured zone has it, to its callback's arrival.
    :param received_on: the day of that arrival; None: not known.
    """

    offset_seconds: int
    delay_seconds: float
    received_on: date | None = None


def samples(calls: Iterable[tuple[datetime, bytes]], timezone: str) -> list[Sample]:
    """Return what calls tell of the zone; their bodies are read anew, since the option may have changed since."""
    from airflow_provider_ninebits.api.callbacks import Call, read_callbacks

    zone: tzinfo = UTC if timezone == "UTC" else ZoneInfo(timezone)
    found = []
    for received_at, raw in calls:
        for event, _ in read_callbacks(raw, timezone):
            if isinstance(event, Call) and event.ended_at is not None:
                offset = event.ended_at.astimezone(zone).utcoffset() or timedelta()
                delay = received_at - event.ended_at
                found.append(Sample(int(offset.total_seconds()), delay.total_seconds(), received_at.date()))
    return found


def shown_offset(found: Sequence[Sample], offsets: Container[int]) -> tuple[int, int, int] | None:
    """
    Return the offset from UTC that the calls show: how far, how many show it, and of how many that tell anything.

    Late deliveries lie anywhere, those of one outage perhaps at the same quarter of an hour; but an outage seldom makes
    an offset that a zone on earth has.

    :param offsets: those, in seconds.
    :return: None where too few tell anything, or no offset has most of them.
    """
    shown = [offset for sample in found if (offset := _offset_of(sample, offsets)) is not None]
    telling = sum(abs(sample.delay_seconds) <= FURTHEST_SECONDS for sample in found)
    if len(shown) < FEWEST:
        return None
    offset, agreeing = Counter(shown).most_common(1)[0]
    return (offset, agreeing, telling) if agreeing >= FEWEST and agreeing >= _SHARE * telling else None


def judge(found: Sequence[Sample], timezone: str, zones: Mapping[int, str]) -> list[Finding]:
    """
    Return what is to be said of ``callback_timezone``.

    :param found: the newest first.
    :param zones: those on earth, by their offset from UTC in seconds.
    """
    telling = sum(abs(sample.delay_seconds) <= FURTHEST_SECONDS for sample in found)
    shown = shown_offset(found, zones)
    if shown is None:
        # Many that agree in nothing tell of late deliveries, and not of a zone.
        return [UNSHOWN.found(calls=telling, needed=FEWEST, configured=timezone)] if telling < FEWEST else []
    offset, agreeing, calls = shown
    alike = [sample for sample in found if _offset_of(sample, zones) == offset]
    wrong = alike[0].offset_seconds - offset
    if wrong == 0:
        return []
    days = {sample.received_on for sample in alike}
    if 0 < wrong <= _LAST_RETRY_SECONDS and len(days) < _DAYS_OF_PROOF:
        late = _clock(wrong).lstrip("+")
        return [
            RETRIED.found(agreeing=agreeing, calls=calls, late=late, offset=_clock(offset), configured=timezone),
        ]
    return [
        CONTRADICTED.found(
            offset=_clock(offset),
            agreeing=agreeing,
            calls=calls,
            configured=timezone,
            wrong=_clock(wrong),
            zone=zones[offset],
        )
    ]


def zones_on_earth(moment: datetime) -> dict[int, str]:
    """Return the offsets from UTC that some zone has at a moment, in seconds, each with a zone that has it."""
    half_a_year_on = moment + timedelta(days=182)

    def rank(name: str) -> tuple[bool, bool, str]:
        # One that stays at it before one with summer time; of India's names that of most people.
        changes = _offset_at(name, moment) != _offset_at(name, half_a_year_on)
        return changes, name != "Asia/Kolkata", name

    names = [name for name in available_timezones() if not name.startswith(("posix/", "right/"))]
    # The best comes last, and stays.
    zones = {_offset_at(name, moment): name for name in sorted(names, key=rank, reverse=True)}
    return {offset: name if offset % 3600 else _of_whole_hours(offset) for offset, name in zones.items()}


def _of_whole_hours(offset_seconds: int) -> str:
    if offset_seconds == 3600:
        return "Africa/Lagos"  # 9bits is a Nigerian company
    if offset_seconds == 0:
        return "UTC"
    # POSIX counts the other way round: Etc/GMT-5 is five hours ahead of UTC.
    return f"Etc/GMT{-offset_seconds // 3600:+d}"


def _offset_at(name: str, moment: datetime) -> int:
    return int((moment.astimezone(ZoneInfo(name)).utcoffset() or timedelta()).total_seconds())


def _offset_of(sample: Sample, offsets: Container[int]) -> int | None:
    """Return the offset that 9bits' times have by one call; None: it does not tell."""
    if abs(sample.delay_seconds) > FURTHEST_SECONDS:
        return None
    steps = round((sample.delay_seconds - (_LATE_SECONDS - _EARLY_SECONDS) / 2) / _STEP_SECONDS)
    rest = sample.delay_seconds - steps * _STEP_SECONDS
    offset = sample.offset_seconds - steps * _STEP_SECONDS
    return offset if -_EARLY_SECONDS <= rest <= _LATE_SECONDS and offset in offsets else None


def _clock(seconds: int) -> str:
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{abs(seconds) // 3600}:{abs(seconds) % 3600 // 60:02d}"
