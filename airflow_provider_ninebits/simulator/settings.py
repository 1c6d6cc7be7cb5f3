"""How the simulator behaves; each field is an option of the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, get_args
from urllib.parse import unquote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

RefIdMode = Literal["always", "never", "mixed"]
UnansweredShape = Literal["absent", "null", "empty", "zero"]

ValueTypes = Literal["documented", "text", "number"]
SecondsRange = float | tuple[float, float]
"""A fixed time, or the least and the most, of which the seed picks."""

REF_ID_MODES: tuple[RefIdMode, ...] = get_args(RefIdMode)
UNANSWERED_SHAPES: tuple[UnansweredShape, ...] = get_args(UnansweredShape)
VALUE_TYPES: tuple[ValueTypes, ...] = get_args(ValueTypes)


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """
    What the simulator does when no script says otherwise.

    :param callback_url: where callbacks go; ``user:password@`` in it becomes basic authentication. None: nowhere.
    :param api_key: the only Bearer token that is taken. None: any but ``bad``.
    :param seed: with the number and how often it was rung, decides each call. The same seed plays the same calls.
    :param answer_rate: share of calls that are answered, 0 to 1.
    :param attempts: how often an unanswered number is rung for one send. Not documented by 9bits.
    :param attempt_gap_seconds: between two of these attempts.
    :param ring_seconds: from the start of a call to the answer, or to giving up; a pair is a range.
    :param talk_seconds: from the answer to the end; a pair is a range.
    :param ref_id: whether callbacks carry the ``ref_id`` of their send. The documented example has none.
    :param unanswered_shape: how ``answer_at`` looks in the callback of an unanswered call. Not documented.
    :param value_types: ``documented``: as in the documented example. ``text``: durations are text too. ``number``:
        the destination and the amount are numbers too.
    :param repeat_rate: share of delivered callbacks that come a second time.
    :param shuffle: hold callbacks back for different whiles, so that they arrive out of order.
    :param early_rate: share of calls whose callback comes before the answer to the send.
    :param api_answer: send the answer to each send to the callback URL too (9bits: Overview).
    :param timezone: of the stamps in callbacks. Not documented.
    :param speed: divides every wait: of calls, between attempts and before redeliveries.
    :param caller_id: ``from_number`` of calls whose request names none.
    :param callback_timeout_seconds: how long a receiver may take; not divided by ``speed``.
    :param script: orders from the start on, as ``POST /simulator/script`` takes them; checked when the app is made.
    :raises ValueError: names the field that cannot be.
    """

    callback_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    seed: int = 0
    answer_rate: float = 0.7
    attempts: int = 1
    attempt_gap_seconds: float = 60.0
    ring_seconds: SecondsRange = 5.0
    talk_seconds: SecondsRange = 20.0
    ref_id: RefIdMode = "never"
    unanswered_shape: UnansweredShape = "absent"
    value_types: ValueTypes = "documented"
    repeat_rate: float = 0.0
    shuffle: bool = False
    early_rate: float = 0.0
    api_answer: bool = False
    timezone: str = "UTC"
    speed: float = 1.0
    caller_id: str = "07080670000"
    callback_timeout_seconds: float = 10.0
    # Not shown: it has whole numbers.
    script: Mapping[str, object] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be played."""
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name.endswith("_rate") and not 0 <= value <= 1:
                raise ValueError(f"{each.name} is {value}; give a share from 0 to 1")
            if each.name.endswith("_seconds") and not _is_range(value, may_differ=each.name in _RANGES):
                raise ValueError(f"{each.name} is {value}; give seconds, 0 or more")
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}; give 1 or more")
        if not (math.isfinite(self.speed) and self.speed > 0):
            raise ValueError(f"speed is {self.speed}; give a number above 0")
        if self.ref_id not in REF_ID_MODES:
            raise ValueError(f"ref_id is {self.ref_id!r}; give one of {', '.join(REF_ID_MODES)}")
        if self.unanswered_shape not in UNANSWERED_SHAPES:
            raise ValueError(f"unanswered_shape is {self.unanswered_shape!r}; one of {', '.join(UNANSWERED_SHAPES)}")
        if self.value_types not in VALUE_TYPES:
            raise ValueError(f"value_types is {self.value_types!r}; give one of {', '.join(VALUE_TYPES)}")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"timezone is {self.timezone!r}; give a name such as Africa/Lagos") from error
        if self.callback_url is not None:
            CallbackAddress.read(self.callback_url)


_RANGES = frozenset({"ring_seconds", "talk_seconds"})


def bounds_of(seconds: SecondsRange) -> tuple[float, float]:
    """Return the least and the most of a time; of a fixed one both are it."""
    return seconds if isinstance(seconds, tuple) else (seconds, seconds)


def _is_range(seconds: SecondsRange, *, may_differ: bool) -> bool:
    if isinstance(seconds, tuple) and not (may_differ and len(seconds) == 2):
        return False
    least, most = bounds_of(seconds)
    return math.isfinite(most) and 0 <= least <= most


@dataclass(frozen=True, slots=True)
class CallbackAddress:
    """
    A callback URL with its credentials taken out, so that the URL may be shown.

    :param url: without credentials.
    :param credentials: user and password for basic authentication, or None.
    """

    url: str
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def read(cls, url: str) -> CallbackAddress:
        """
        Split a URL.

        :raises ValueError: it is not http(s). The message does not repeat the URL: it may hold a password.
        """
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(
                "the callback URL is no http(s) URL; give one such as http://localhost:8080/ninebits/callback"
            )
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        if parts.username is None:
            return cls(bare)
        return cls(bare, (unquote(parts.username), unquote(parts.password or "")))
