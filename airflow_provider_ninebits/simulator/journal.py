"""What happened since the start or the last reset: requests, calls, deliveries."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from airflow_provider_ninebits.simulator.outcomes import Attempt

DeliveryState = Literal["waiting", "delivered", "refused", "given_up", "lost", "no_url"]

_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)


KEPT_CALLS = 50_000
KEPT_REQUESTS = 5_000
"""Older ones are forgotten, so that a simulator that runs for weeks does not fill the memory."""


@dataclass(slots=True)
class Delivery:
    """
    One callback on its way.

    :param body: None until the call has ended.
    :param tries: each POST of it: when, and the status that came back, None for none.
    """

    body: Mapping[str, object] | None = None
    state: DeliveryState = "waiting"
    tries: list[dict[str, object]] = field(default_factory=list)

    def shown(self) -> dict[str, object]:
        """Return it as the control routes show it."""
        return {"state": self.state, "body": self.body, "tries": self.tries}


@dataclass(slots=True)
class Call:
    """One ringing of one number; ``times_rung`` counts the ringings of the number before it."""

    ref_id: str
    number: str
    caller_id: str | None
    place: int
    times_rung: int
    attempt: Attempt
    started_at: datetime
    ended_at: datetime | None = None
    early: bool = False
    delivery: Delivery = field(default_factory=Delivery)

    def shown(self) -> dict[str, object]:
        """Return it as ``GET /simulator/calls`` shows it."""
        return {
            "ref_id": self.ref_id,
            "number": self.number,
            "attempt": self.place + 1,
            "answered": self.attempt.answered,
            "ring_seconds": self.attempt.ring_seconds,
            "talk_seconds": self.attempt.billed_seconds,
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "early": self.early,
            "callback": self.delivery.shown(),
        }


@dataclass(slots=True)
class Journal:
    """
    Everything that a test may ask about.

    :param rung: of every call, forgotten ones too.
    :param forgotten: how many calls and requests were too old to be kept.
    """

    requests: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT_CALLS))
    notices: deque[Delivery] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    rung: Counter[str] = field(default_factory=Counter)
    forgotten: Counter[str] = field(default_factory=Counter)

    def add_request(self, record: dict[str, object]) -> None:
        """Keep a request; the oldest makes room."""
        self.forgotten["requests"] += len(self.requests) == self.requests.maxlen
        self.requests.append(record)

    def add_call(self, call: Call) -> None:
        """Keep a call and count its ringing; the oldest makes room, and is played on unseen."""
        self.forgotten["calls"] += len(self.calls) == self.calls.maxlen
        self.calls.append(call)
        self.rung[call.number] += 1

    def clear(self) -> None:
        """Forget all of it."""
        self.requests.clear()
        self.calls.clear()
        self.notices.clear()
        self.rung.clear()
        self.forgotten.clear()

    def calls_of(self, number: str | None = None, ref_id: str | None = None) -> list[Call]:
        """Return the calls in the order in which they started, of one number, one send, or all."""
        return [call for call in self.calls if number in (None, call.number) and ref_id in (None, call.ref_id)]

    def counts(self) -> dict[str, object]:
        """Return how many are kept of what; callbacks by their state, API answers among them."""
        deliveries: Iterable[Delivery] = [*(call.delivery for call in self.calls), *self.notices]
        states = Counter(delivery.state for delivery in deliveries)
        return {
            "requests": len(self.requests),
            "sends": len({call.ref_id for call in self.calls}),
            "calls": len(self.calls),
            "numbers": len(self.rung),
            "forgotten": {"calls": self.forgotten["calls"], "requests": self.forgotten["requests"]},
            "answered": sum(call.attempt.answered for call in self.calls),
            "unanswered": sum(not call.attempt.answered for call in self.calls),
            "callbacks_posted": sum(len(delivery.tries) for delivery in deliveries),
            "callbacks": {state: states[state] for state in _STATES},
        }
