"""
The ledger's rules a second time: slow, plain, in memory, and written from the design and not from the code.

It imports nothing of the package, so that the two cannot be wrong together. After each event everything that is still
nobody's is tried again, in the order of arrival, until nothing moves: that is what the design promises, whatever the
code looks at to keep the promise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

SKEW = timedelta(seconds=60)
NEVER = datetime.min.replace(tzinfo=UTC)

State = Literal["planned", "sending", "accepted", "refused", "uncertain"]


@dataclass
class Request:
    id: int
    message: Message
    conn: str
    began: datetime
    state: State = "sending"
    ref: str | None = None
    # Whose word the state is: nobody's yet, "answer", "callback" or "person".
    word: str | None = None
    # Whether an answer that said nothing has come, or its sender was given up.
    ended: bool = False

    @property
    def nameless(self) -> bool:
        return self.ref is None and self.state != "refused"

    def can_have_made(self, call: datetime, skew: timedelta, window: timedelta) -> bool:
        return self.state != "refused" and self.began <= call + skew and call <= self.began + window + skew


@dataclass
class Message:
    id: str
    numbers: tuple[str, ...]
    requests: list[Request] = field(default_factory=list)
    lease_until: datetime | None = None
    planned_again: bool = False
    failed: set[str] = field(default_factory=set)

    @property
    def state(self) -> State:
        states = {request.state for request in self.requests}
        if not states or (self.planned_again and states == {"refused"}):
            return "planned"
        order: tuple[State, ...] = ("accepted", "sending", "uncertain", "refused")
        return next(state for state in order if state in states)

    def leased(self, now: datetime) -> bool:
        return self.state == "sending" and self.lease_until is not None and self.lease_until > now


@dataclass
class Callback:
    """What came; ``fields`` is all that was read of it, for telling repeats."""

    kind: Literal["call", "answer"]
    path: str | None
    ref: str | None
    number: str | None = None
    inbound: bool = False
    start: datetime | None = None
    answered: datetime | None = None
    amount: Decimal | None = None
    status: int | None = None
    fields: tuple[object, ...] = ()
    arrived: datetime = NEVER
    repeats: int = 0
    # Whom it was matched with: a recipient, or for an answer a request alone.
    message: Message | None = None
    request: Request | None = None
    ambiguous: bool = False

    @property
    def matched(self) -> bool:
        return self.message is not None

    @property
    def is_never_a_repeat(self) -> bool:
        return self.kind == "call" and self.start is None and self.answered is None

    def let_go(self) -> None:
        self.message, self.request, self.ambiguous = None, None, False


class Reference:
    """
    A ledger as the design has it.

    :param window: ``match_window``.
    """

    def __init__(self, window: timedelta) -> None:
        self.window = window
        self.messages: dict[str, Message] = {}
        self.requests: dict[int, Request] = {}
        self.callbacks: list[Callback] = []
        self.now = NEVER

    # -- what happens ------------------------------------------------------------------------------------------------

    def planned(self, message_id: str, numbers: tuple[str, ...]) -> None:
        self.messages[message_id] = Message(message_id, numbers)

    def may_claim(self, message_id: str, *, resend: bool) -> bool:
        message = self.messages[message_id]
        if message.state in ("planned", "refused"):
            return True
        doubtful = message.state == "uncertain" or (message.state == "sending" and not message.leased(self.now))
        return resend and doubtful

    def claimed(self, message_id: str, request_id: int, conn: str, lease: timedelta) -> None:
        message = self.messages[message_id]
        for before in message.requests:
            if before.state == "sending":
                before.state, before.ended = "uncertain", True
        request = Request(request_id, message, conn, self.now)
        message.requests.append(request)
        message.lease_until, message.planned_again = self.now + lease, False
        self.requests[request_id] = request
        self._settle()

    def answered(self, request_id: int, said: State, ref: str | None = None, *, plan_again: bool = False) -> None:
        request = self.requests[request_id]
        request.ended = True
        if said == "uncertain":
            # Evidence, or a person's word, is more definite than an answer that says nothing.
            if request.state == "sending":
                request.state = "uncertain"
        else:
            request.state, request.ref, request.word = said, ref, "answer"
            if ref is not None:
                self._take_name(request, ref)
        request.message.planned_again = plan_again
        if said == "refused":
            self._undo_refused(request)
        elif said == "accepted":
            for callback in self._shown_by(request):
                if callback.ref not in (None, ref):
                    self._take_back(callback)
        self._settle()

    def resolved(self, message_id: str, *, placed: bool, ref: str | None = None) -> None:
        message = self.messages[message_id]
        unclear = [request for request in message.requests if request.state in ("sending", "uncertain")]
        if placed and message.state == "accepted":
            # It is known to be placed; a name is for its newest request without one.
            nameless = [request for request in message.requests if request.nameless]
            if ref is not None and ref not in {request.ref for request in message.requests}:
                nameless[-1].ref, nameless[-1].state, nameless[-1].word = ref, "accepted", "person"
        elif placed and unclear:
            for request in unclear:
                request.state, request.ended = "uncertain", True
            unclear[-1].state, unclear[-1].ref, unclear[-1].word = "accepted", ref, "person"
        elif not placed and message.state != "accepted":
            message.planned_again = message.planned_again and not unclear
            for request in unclear:
                request.state, request.ended, request.word = "refused", True, "person"
                self._undo_refused(request)
        self._settle()

    def came(self, group: list[Callback]) -> None:
        """One commit of a receiver: calls first, then answers."""
        fresh: list[Callback] = []
        for callback in group:
            callback.arrived = self.now
            same = [
                other
                for other in self.callbacks + fresh
                if not callback.is_never_a_repeat and other.fields == callback.fields
            ]
            if same:
                same[0].repeats += 1
            else:
                fresh.append(callback)
        self.callbacks += fresh
        self._try(fresh)
        self._settle()

    def time_is(self, now: datetime) -> None:
        self.now = now
        self._settle()

    # -- what is asked -----------------------------------------------------------------------------------------------

    def recipient(self, message: Message, number: str) -> tuple[str, int, Decimal | None]:
        """State, attempts and amount."""
        calls = [c for c in self.callbacks if c.kind == "call" and c.message is message and c.number == number]
        amounts = [call.amount for call in calls if call.amount is not None]
        amount = sum(amounts, Decimal(0)) if amounts else None
        if any(call.answered for call in calls):
            return "answered", len(calls), amount
        if calls:
            return "unanswered", len(calls), amount
        return ("failed" if number in message.failed else "pending"), 0, amount

    # -- matching ----------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        while self._try([callback for callback in self.callbacks if not callback.matched]):
            pass
        self._fail()

    def _try(self, callbacks: list[Callback]) -> bool:
        moved = False
        for callback in sorted(callbacks, key=lambda c: c.kind == "answer"):
            self._match_answer(callback) if callback.kind == "answer" else self._match_call(callback)
            moved = moved or callback.matched
            self._fail()
        return moved

    def _over_path(self, callback: Callback) -> list[Request]:
        return [r for r in self.requests.values() if callback.path in (None, r.conn)]

    def _bearers(self, callback: Callback) -> list[Request]:
        return [r for r in self._over_path(callback) if callback.ref is not None and r.ref == callback.ref]

    def _ref_is_known(self, callback: Callback) -> bool:
        return any(callback.ref == request.ref for request in self.requests.values())

    def _match_answer(self, answer: Callback) -> None:
        """Rule 0."""
        if answer.ref is None:
            return
        bearers = self._bearers(answer)
        if bearers:
            newest = max(bearers, key=lambda r: (r.began, r.id))
            answer.message, answer.request = newest.message, newest
        elif not self._ref_is_known(answer):
            nameless = [
                r
                for r in self._over_path(answer)
                if r.nameless and r.can_have_made(answer.arrived, timedelta(), self.window)
            ]
            if len(nameless) == 1:
                answer.message, answer.request = nameless[0].message, nameless[0]
                self._show_placed(nameless[0], answer.ref)

    def _match_call(self, call: Callback) -> None:
        if call.inbound or call.number is None:
            return
        bearers = self._bearers(call)
        if bearers:
            self._by_known_ref(call, bearers)
        elif call.ref is not None:
            if not self._ref_is_known(call):
                self._by_unknown_ref(call)
        else:
            self._by_number(call)

    def _by_known_ref(self, call: Callback, bearers: list[Request]) -> None:
        """Rule 1."""
        for bearer in sorted(bearers, key=lambda r: (r.began, r.id), reverse=True):
            if call.number in bearer.message.numbers:
                call.message, call.request = bearer.message, bearer
                self._show_placed(bearer, None)
                return

    def _by_unknown_ref(self, call: Callback) -> None:
        """Rule 2."""
        open_ones = {
            message_id: nameless
            for message_id, possible in self._candidates(call).items()
            if (nameless := [request for request in possible if request.nameless])
        }
        if len(open_ones) == 1:
            [(message_id, nameless)] = open_ones.items()
            newest = max(nameless, key=lambda r: (r.began, r.id))
            call.message, call.request = self.messages[message_id], newest
            self._show_placed(newest, call.ref)

    def _by_number(self, call: Callback) -> None:
        """Rule 3."""
        assert call.number is not None
        possible = {
            message_id: requests
            for message_id, requests in self._candidates(call).items()
            if self.recipient(self.messages[message_id], call.number)[0] != "answered"
        }
        if not possible:
            return
        if len(possible) == 1:
            [(message_id, requests)] = possible.items()
            newest = max(requests, key=lambda r: (r.began, r.id))
            call.message, call.request = self.messages[message_id], newest
            self._show_placed(newest, None)
            return
        messages = [self.messages[message_id] for message_id in possible]
        if any(message.leased(self.now) for message in messages):
            return
        pending = [m for m in messages if self.recipient(m, call.number)[0] == "pending"]
        messages = pending or messages
        accepted = [m for m in messages if m.state == "accepted"]
        messages = accepted or messages
        places = {message_id: place for place, message_id in enumerate(self.messages)}
        call.message = max(messages, key=lambda m: (max(r.began for r in possible[m.id]), places[m.id]))
        call.ambiguous = True

    def _candidates(self, call: Callback) -> dict[str, list[Request]]:
        """The messages with its number, and those of their requests that can have made the call."""
        here = [r for r in self._over_path(call) if call.number in r.message.numbers]
        # Whatever a stranger's clock says: what had come before a request began is none of its calls.
        here = [r for r in here if r.began <= call.arrived]
        if call.start is not None and call.start <= call.arrived + SKEW:
            by_start = [r for r in here if r.can_have_made(call.start, SKEW, self.window)]
            if by_start:
                return _by_message(by_start)
        return _by_message([r for r in here if r.can_have_made(call.arrived, timedelta(), self.window)])

    def _show_placed(self, request: Request, ref: str | None) -> None:
        if ref is not None:
            request.ref = ref
        if request.state != "accepted":
            request.state = "accepted"
            request.word = request.word if request.word == "person" else "callback"
        elif ref is not None and request.word != "person":
            request.word = "callback"

    # -- failing, and taking back ------------------------------------------------------------------------------------

    def _fail(self) -> None:
        """What errors say: pending recipients failed, unless another request may have placed a call."""
        for answer in self.callbacks:
            if answer.kind != "answer" or not answer.message or (answer.status or 0) < 400:
                continue
            others = [r for r in answer.message.requests if r is not answer.request and r.state != "refused"]
            if not others:
                message = answer.message
                message.failed |= {n for n in message.numbers if self.recipient(message, n)[0] == "pending"}

    def _shown_by(self, request: Request) -> list[Callback]:
        return [callback for callback in self.callbacks if callback.request is request]

    def _take_back(self, callback: Callback) -> None:
        assert callback.message is not None
        callback.message.failed.clear()
        callback.let_go()

    def _undo_refused(self, request: Request) -> None:
        """A definite refusal: what its callbacks had shown is not so; of a message without another, nothing is."""
        whole = all(other.state == "refused" for other in request.message.requests)
        for callback in self.callbacks:
            if callback.request is request or (whole and callback.message is request.message):
                self._take_back(callback)
        if whole:
            request.message.failed.clear()

    def _take_name(self, owner: Request, ref: str) -> None:
        """9bits' own answer says whose a ref_id is: who had adopted it had not."""
        for other in self.requests.values():
            if other is not owner and other.ref == ref and other.word != "answer":
                other.ref = None
                if other.word != "person":
                    other.word, other.state = None, "uncertain" if other.ended else "sending"
                for callback in self._shown_by(other):
                    self._take_back(callback)


def _by_message(requests: list[Request]) -> dict[str, list[Request]]:
    found: dict[str, list[Request]] = {}
    for request in requests:
        found.setdefault(request.message.id, []).append(request)
    return found
