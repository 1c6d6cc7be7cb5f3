"""What is played, and when a callback is sent again. Pure: a function of settings, number and count."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_provider_ninebits.api.numbers import canonical_number
from airflow_provider_ninebits.simulator.settings import bounds_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow_provider_ninebits.simulator.settings import SecondsRange, SimulatorSettings, ValueTypes

REDELIVERY_AFTER_SECONDS = (30, 60, 120, 240, 480, 960, 1920, 3600)
"""Counted from the first failure; the last one is 9bits' last (SMS pages)."""

LONGEST_HOLD_SECONDS = 30.0
"""How long shuffling holds a callback back, at most."""

_SECONDS_PER_UNIT_OF_MONEY = 3
"""The documented example: 90 seconds billed cost 30."""

_STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One ringing of one number."""

    answered: bool
    ring_seconds: float
    talk_seconds: float

    @property
    def billed_seconds(self) -> float:
        """What is paid for: nothing unless somebody answered."""
        return self.talk_seconds if self.answered else 0.0


@dataclass(frozen=True, slots=True)
class ScriptedNumber:
    """
    What a test wants of one number.

    :param attempts: played in order for each send; None: by the settings.
    :param lose_callback: its callbacks are never sent.
    :param with_ref_id: overrides the setting; None: by the setting.
    """

    attempts: tuple[Attempt, ...] | None = None
    lose_callback: bool = False
    with_ref_id: bool | None = None


@dataclass(frozen=True, slots=True)
class CallTimes:
    """When a call really started, was answered and ended, on this machine's clock."""

    start: datetime
    answer: datetime | None
    end: datetime


def chance(settings: SimulatorSettings, number: str, times_rung: int, of: str) -> float:
    """Return a fraction in [0, 1) that is the same whenever the same seed meets the same call."""
    digest = hashlib.sha256(f"{settings.seed}|{number}|{times_rung}|{of}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def attempt_played(
    settings: SimulatorSettings,
    scripted: ScriptedNumber,
    number: str,
    place: int,
    times_rung: int,
    previous: Attempt | None,
) -> Attempt | None:
    """
    Return the next attempt of a send, or None when it had its last.

    :param place: of the attempt in its send, from 0.
    :param times_rung: how often the number was rung before, by any send.
    :param previous: the attempt before it in its send.
    """
    if scripted.attempts is not None:
        return scripted.attempts[place] if place < len(scripted.attempts) else None
    if place >= settings.attempts or (previous is not None and previous.answered):
        return None
    answered = chance(settings, number, times_rung, "answered") < settings.answer_rate
    ring_seconds = _picked(settings.ring_seconds, chance(settings, number, times_rung, "ring"))
    talk_seconds = _picked(settings.talk_seconds, chance(settings, number, times_rung, "talk"))
    return Attempt(answered, ring_seconds, talk_seconds)


def _picked(seconds: SecondsRange, fraction: float) -> float:
    least, most = bounds_of(seconds)
    # Whole seconds, as callbacks report them; not of a time that is fixed, nor beyond a bound.
    return least if least == most else min(max(round(least + fraction * (most - least)), least), most)


def carries_ref_id(settings: SimulatorSettings, scripted: ScriptedNumber, number: str, times_rung: int) -> bool:
    """Say whether the callback of a call names its send."""
    if scripted.with_ref_id is not None:
        return scripted.with_ref_id
    if settings.ref_id == "mixed":
        return chance(settings, number, times_rung, "ref_id") < 0.5
    return settings.ref_id == "always"


def callback_body(
    settings: SimulatorSettings,
    attempt: Attempt,
    times: CallTimes,
    number: str,
    caller_id: str | None,
    ref_id: str | None,
) -> dict[str, object]:
    """
    Return a callback as 9bits' Call Object shows it.

    Stamps are the real times in the zone of the stamps, without it. Durations are those played, so at another speed
    than 1 they are longer than the stamps are apart.
    """
    body: dict[str, object] = {"start_at": times.start.strftime(_STAMP)}
    if times.answer is not None:
        body["answer_at"] = times.answer.strftime(_STAMP)
    elif settings.unanswered_shape != "absent":
        body["answer_at"] = {"null": None, "empty": "", "zero": "0000-00-00 00:00:00"}[settings.unanswered_shape]
    body |= {
        "end_at": times.end.strftime(_STAMP),
        "total_duration": round(attempt.ring_seconds + attempt.billed_seconds),
        "call_duration": round(attempt.billed_seconds),
        "call_direction": "outbound",
        "from_number": national_number(caller_id or settings.caller_id),
        "to_number": number,
        "total_amount": f"{attempt.billed_seconds / _SECONDS_PER_UNIT_OF_MONEY:.2f}".removesuffix(".00"),
    }
    if ref_id is not None:
        body["ref_id"] = ref_id
    return body | _retyped(body, settings.value_types)


def _retyped(body: Mapping[str, object], value_types: ValueTypes) -> dict[str, object]:
    """Return the fields that have another JSON type; ``from_number`` stays text, as no JSON number starts with 0."""
    if value_types == "text":
        return {name: str(body[name]) for name in ("total_duration", "call_duration")}
    if value_types == "number":
        amount = float(str(body["total_amount"]))
        whole = int(amount) if amount.is_integer() else amount
        return {"to_number": int(str(body["to_number"])), "total_amount": whole}
    return {}


def national_number(caller_id: str) -> str:
    """Return a caller ID as callbacks show it: ``07080670000`` for ``2347080670000``; others as they came."""
    number = canonical_number(caller_id)
    if number is not None and number.startswith("234") and len(number) == 13:
        return "0" + number.removeprefix("234")
    return caller_id


def verdict_on(status: int | None) -> Literal["delivered", "again", "refused"]:
    """
    Say what follows from a receiver's answer (9bits, SMS pages).

    :param status: None when no answer came. 3xx is not documented; it is taken for a refusal, as nothing follows it.
    """
    if status is None or status == 429 or status >= 500:
        return "again"
    return "delivered" if 200 <= status < 300 else "refused"
