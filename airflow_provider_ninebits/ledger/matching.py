"""
Which recipient a callback belongs to. Pure: the rows are given, the verdict is a value.

9bits' example callback names a number but no ``ref_id`` (9bits: The Call Object), so a callback may have to be told
apart by its number and its time. The rules, in the order in which they are asked:

0. an API answer belongs to the request with its ``ref_id``;
1. a call with a ``ref_id`` that a request has: the recipient of that request's message with this number;
2. a ``ref_id`` that no request has: the one candidate whose message has a request with an unknown ``ref_id`` adopts it;
3. no ``ref_id``: the best of the candidates that have not answered yet;
4. else nobody's, for now: it is tried again when more is known.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CLOCK_SKEW = timedelta(seconds=60)
"""How far 9bits' clock, which writes ``start_at`` in whole seconds, may be off the ledger's."""


class RequestFacts(NamedTuple):
    """A POST, as far as matching cares."""

    id: int
    message_id: str
    conn_id: str
    state: RequestState
    ref_id: str | None
    started_at: datetime

    @property
    def nameless(self) -> bool:
        """Whether it may have placed calls under a ``ref_id`` that nobody here knows."""
        return self.ref_id is None and self.state is not RequestState.REFUSED

    def may_have_answered(self, received_at: datetime, window: timedelta) -> bool:
        """Whether an API answer with an unknown ``ref_id`` that came at that time can be about this request."""
        return self.nameless and self.may_have_made(received_at, window, timedelta())

    def may_have_made(self, called_at: datetime, window: timedelta, skew: timedelta) -> bool:
        """Whether a call at that time can come from this request."""
        if self.state is RequestState.REFUSED:
            return False
        return self.started_at - skew <= called_at <= self.started_at + window + skew


class Candidate(NamedTuple):
    """A recipient with the callback's number, and the requests of its message over the callback's connection."""

    recipient_id: int
    recipient_state: RecipientState
    message_id: str
    message_state: MessageState
    lease_live: bool
    requests: tuple[RequestFacts, ...]

    def as_of(self, moment: datetime) -> Candidate:
        """Return it with the requests that had begun by then."""
        requests = tuple(r for r in self.requests if r.started_at <= moment)
        return self if len(requests) == len(self.requests) else self._replace(requests=requests)

    def possible_requests(self, called_at: datetime, window: timedelta, skew: timedelta) -> list[RequestFacts]:
        """Return the requests that a call at that time can come from, oldest first."""
        possible = (r for r in self.requests if r.may_have_made(called_at, window, skew))
        return sorted(possible, key=lambda r: (r.started_at, r.id))


class CallFacts(NamedTuple):
    """A call object, as far as matching cares."""

    ref_id: str | None
    started_at: datetime | None
    received_at: datetime


class Verdict(NamedTuple):
    """
    Whose a callback is.

    ``request_id`` is the request that it shows to have been placed, ``adopted`` says that its ``ref_id`` is that
    request's from now on. An ambiguous match shows nothing about requests.
    """

    recipient_id: int | None = None
    request_id: int | None = None
    adopted: bool = False
    ambiguous: bool = False


NOBODY = Verdict()


def match_call(
    call: CallFacts,
    candidates: Sequence[Candidate],
    bearers: Sequence[RequestFacts],
    *,
    window: timedelta,
    bearers_elsewhere: bool = False,
) -> Verdict:
    """
    Return whose a call is.

    :param call: the call object.
    :param candidates: every recipient with its number whose message has a request over the callback's connection.
    :param bearers: the requests over that connection that have the call's ``ref_id``.
    :param window: ``[ninebits] match_window``.
    :param bearers_elsewhere: whether a request of another connection has the call's ``ref_id``: then it is not unknown,
        and must not be adopted here.
    """
    if call.ref_id is not None and bearers:
        return _by_ref_id(candidates, bearers)
    if call.ref_id is not None and bearers_elsewhere:
        return NOBODY
    possible = _possible(call, candidates, window)
    return _by_number(possible) if call.ref_id is None else _by_adoption(possible)


def possible_messages(
    call: CallFacts,
    candidates: Sequence[Candidate],
    bearers: Sequence[RequestFacts],
    *,
    window: timedelta,
    bearers_elsewhere: bool = False,
) -> set[str]:
    """Return the messages that a call could be of, whichever of them :func:`match_call` prefers."""
    if call.ref_id is not None and bearers:
        return {bearer.message_id for bearer in bearers}
    if call.ref_id is not None and bearers_elsewhere:
        return set()
    return {candidate.message_id for candidate, _ in _possible(call, candidates, window)}


def match_answer(
    bearers: Sequence[RequestFacts],
    nameless: Sequence[RequestFacts],
    *,
    received_at: datetime,
    window: timedelta,
    bearers_elsewhere: bool = False,
) -> Verdict:
    """
    Return which request an API answer that came to the callback URL is about (rule 0).

    :param bearers: the requests over its connection that have its ``ref_id``.
    :param nameless: the connection's requests whose ``ref_id`` is unknown.
    """
    if bearers:
        return Verdict(request_id=max(bearers, key=lambda r: (r.started_at, r.id)).id)
    possible = [r for r in nameless if r.may_have_answered(received_at, window)]
    if bearers_elsewhere or len(possible) != 1:
        return NOBODY
    return Verdict(request_id=possible[0].id, adopted=True)


def earliest_request(times: Iterable[datetime], window: timedelta) -> datetime:
    """
    Return when the oldest request may have begun that calls can come from.

    :param times: all their starts and arrivals.
    """
    return min(times) - window - CLOCK_SKEW


def _possible(
    call: CallFacts, candidates: Sequence[Candidate], window: timedelta
) -> list[tuple[Candidate, list[RequestFacts]]]:
    """Return the candidates that a call can come from, with those of their requests that can have made it."""
    # Both on the ledger's clock: whatever start the call has, a request that began after its arrival did not make it.
    candidates = [c.as_of(call.received_at) for c in candidates]
    called_at, skew = _call_time(call, candidates, window)
    possible = [(c, c.possible_requests(called_at, window, skew)) for c in candidates]
    return [(candidate, requests) for candidate, requests in possible if requests]


def _call_time(call: CallFacts, candidates: Sequence[Candidate], window: timedelta) -> tuple[datetime, timedelta]:
    """Return the call's time, and how far the clock that it was read from may be off."""
    begun = call.started_at
    believable = begun is not None and begun <= call.received_at + CLOCK_SKEW
    if begun and believable and any(c.possible_requests(begun, window, CLOCK_SKEW) for c in candidates):
        return begun, CLOCK_SKEW
    return call.received_at, timedelta()


def _by_ref_id(candidates: Sequence[Candidate], bearers: Sequence[RequestFacts]) -> Verdict:
    for bearer in sorted(bearers, key=lambda r: (r.started_at, r.id), reverse=True):
        for candidate in candidates:
            if candidate.message_id == bearer.message_id:
                return Verdict(recipient_id=candidate.recipient_id, request_id=bearer.id)
    return NOBODY


def _by_adoption(possible: Sequence[tuple[Candidate, list[RequestFacts]]]) -> Verdict:
    open_ones = [
        (candidate, nameless) for candidate, requests in possible if (nameless := [r for r in requests if r.nameless])
    ]
    if len(open_ones) != 1:
        return NOBODY
    candidate, nameless = open_ones[0]
    return Verdict(recipient_id=candidate.recipient_id, request_id=nameless[-1].id, adopted=True)


def _by_number(possible: Sequence[tuple[Candidate, list[RequestFacts]]]) -> Verdict:
    waiting = [(c, requests) for c, requests in possible if c.recipient_state is not RecipientState.ANSWERED]
    if not waiting:
        return NOBODY
    if len(waiting) == 1:
        candidate, requests = waiting[0]
        return Verdict(recipient_id=candidate.recipient_id, request_id=requests[-1].id)
    if any(c.message_state is MessageState.SENDING and c.lease_live for c, _ in waiting):
        return Verdict(ambiguous=True)
    best, _ = max(waiting, key=lambda pair: _preference(*pair))
    return Verdict(recipient_id=best.recipient_id, ambiguous=True)


def _preference(candidate: Candidate, requests: list[RequestFacts]) -> tuple[bool, bool, datetime, int]:
    return (
        candidate.recipient_state is RecipientState.PENDING,
        candidate.message_state is MessageState.ACCEPTED,
        requests[-1].started_at,
        candidate.recipient_id,
    )
