"""
What is measured: each metric with its kind, unit and tags. Whoever counts is handed a callable, and imports this alone.

The table of the docs, and the queries of the dashboard, are checked against :data:`METRICS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """What a metric does with the values that it is given."""

    COUNTER = "counter"
    GAUGE = "gauge"
    TIMER = "timer"


@dataclass(frozen=True)
class Metric:
    """
    One metric.

    :param tags: each has few values; none is a number, a ``ref_id`` or anything else that comes from outside.
    :param in_name: those of the tags that are put into the name where it goes to a StatsD without tags, in this order.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    tags: tuple[str, ...] = ()
    in_name: tuple[str, ...] = ()


class Record(Protocol):
    """Takes one value of a metric; it never raises, and never waits for anybody."""

    def __call__(self, metric: Metric, value: float = 1, tags: Mapping[str, str] = ...) -> None:
        """
        Take a value: how many to add to a counter, what a gauge is at, or the seconds of a timer.

        :param tags: those of the metric that are known.
        """


REQUESTS = Metric(
    "ninebits.requests",
    Kind.COUNTER,
    "requests",
    "Requests to 9bits, by what came of them: `accepted`, `refused`, `rate_limited` (a 429: it is tried again) or "
    "`uncertain` (nobody knows whether phones rang).",
    ("state", "conn_id", "dag_id"),
    ("state",),
)
RECIPIENTS_RUNG = Metric(
    "ninebits.recipients_rung",
    Kind.COUNTER,
    "recipients",
    "Recipients of the requests that 9bits has accepted.",
    ("conn_id", "dag_id"),
)
HOURS_DEFERRALS = Metric(
    "ninebits.hours_deferrals",
    Kind.COUNTER,
    "deferrals",
    "Sends that left their worker until their calling hours open.",
)
ALERTS = Metric(
    "ninebits.alerts",
    Kind.COUNTER,
    "alerts",
    "Alerts of the notifier: `rung`, `held_back` (somebody was rung for the same a moment ago), `left` (to another one "
    "that was still ringing) or `failed` (nobody is known to be rung).",
    ("result",),
    ("result",),
)
ESCALATION_STEPS = Metric(
    "ninebits.escalation_steps",
    Kind.COUNTER,
    "steps",
    "Contacts that an escalation has come to: `rung`, `uncertain` or `refused`.",
    ("result",),
    ("result",),
)
WAITS = Metric(
    "ninebits.waits",
    Kind.GAUGE,
    "waits",
    "Deferred waits in a triggerer process, now.",
    ("hostname",),
    ("hostname",),
)
WAITS_ENDED = Metric(
    "ninebits.waits_ended",
    Kind.COUNTER,
    "waits",
    "Waits for an outcome, by how they ended, in all modes: `over`, `unanswered` (over, and failed by "
    "`fail_on_unanswered`), `timed_out`, `unknown` (a `ref_id` that the ledger does not know) or `error` (the "
    "triggerer could not read the ledger).",
    ("result",),
    ("result",),
)
CALLBACK_TO_RESUME = Metric(
    "ninebits.callback_to_resume",
    Kind.TIMER,
    "seconds",
    "From the last callback of what a deferred task waits for, on the ledger's clock, to the moment that its trigger "
    "fires. Only where the callback came during the wait, and settled it.",
)
CALLBACKS = Metric(
    "ninebits.callbacks",
    Kind.COUNTER,
    "callbacks",
    "Callbacks that are on disk, by what they say (`answered`, `unanswered`, `answer`: an API answer, `unreadable`) "
    "and whose they are, when they come: `matched`, `unmatched`, `inbound`, `unreadable` or `repeat`.",
    ("outcome", "match"),
    ("outcome", "match"),
)
TURNED_AWAY = Metric(
    "ninebits.turned_away",
    Kind.COUNTER,
    "callbacks",
    "Callbacks that were not taken, by the answer: `401`, `413` (both are lost: 9bits does not send them again) or "
    "`503`. Told each 5 s.",
    ("status",),
    ("status",),
)
SEND_TO_CALLBACK = Metric(
    "ninebits.send_to_callback",
    Kind.TIMER,
    "seconds",
    "From the start of a message's request to its first callback, once for each message, on the ledger's clock. Only "
    "where that callback was matched as it came.",
    ("conn_id",),
)
UNMATCHED = Metric(
    "ninebits.unmatched",
    Kind.GAUGE,
    "callbacks",
    "Callbacks of the last `match_window` that are nobody's, now; 10000 stands for more. Each receiver tells it each "
    "minute, from the one ledger.",
)

METRICS = (
    *(REQUESTS, RECIPIENTS_RUNG, HOURS_DEFERRALS, ALERTS, ESCALATION_STEPS),
    *(WAITS, WAITS_ENDED, CALLBACK_TO_RESUME),
    *(CALLBACKS, TURNED_AWAY, SEND_TO_CALLBACK, UNMATCHED),
)
