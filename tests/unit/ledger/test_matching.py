"""The rules of matching, each clause by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_ninebits.ledger.matching import (
    NOBODY,
    CallFacts,
    Candidate,
    RequestFacts,
    Verdict,
    match_answer,
    match_call,
)
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = timedelta(hours=24)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def a_request(
    number: int, *, state: str = "accepted", ref_id: str | None = None, minute: float = 0, message: str | None = None
) -> RequestFacts:
    return RequestFacts(number, message or f"m{number}", "ninebits", RequestState(state), ref_id, at(minute))


def a_candidate(
    *requests: RequestFacts, state: str = "pending", message: str | None = None, lease_live: bool = False
) -> Candidate:
    """A recipient with the id of its message's first request, times ten."""
    return Candidate(
        recipient_id=requests[0].id * 10,
        recipient_state=RecipientState(state),
        message_id=requests[0].message_id,
        message_state=MessageState(message or requests[0].state.value),
        lease_live=lease_live,
        requests=requests,
    )


def a_call(ref_id: str | None = None, *, start: float | None = None, received: float = 5) -> CallFacts:
    return CallFacts(ref_id, None if start is None else at(start), at(received))


def match(call: CallFacts, *candidates: Candidate, elsewhere: bool = False) -> Verdict:
    requests = [request for candidate in candidates for request in candidate.requests]
    bearers = [r for r in requests if call.ref_id is not None and r.ref_id == call.ref_id]
    return match_call(call, candidates, bearers, window=WINDOW, bearers_elsewhere=elsewhere)


class TestRule0AnApiAnswer:
    def match(
        self, bearers: list[RequestFacts], nameless: list[RequestFacts], *, minute: float = 5, elsewhere: bool = False
    ) -> Verdict:
        return match_answer(bearers, nameless, received_at=at(minute), window=WINDOW, bearers_elsewhere=elsewhere)

    def test_belongs_to_the_request_with_its_ref_id(self) -> None:
        assert self.match([a_request(1, ref_id="x")], []) == Verdict(request_id=1)

    def test_belongs_to_the_newest_of_several_with_its_ref_id(self) -> None:
        both = [a_request(2, ref_id="x", minute=3), a_request(1, ref_id="x")]

        assert self.match(both, []) == Verdict(request_id=2)

    def test_of_an_unknown_ref_id_is_adopted_by_the_one_request_without(self) -> None:
        assert self.match([], [a_request(1, state="uncertain")]) == Verdict(request_id=1, adopted=True)

    def test_is_nobodys_where_two_requests_could_adopt_it(self) -> None:
        assert self.match([], [a_request(1, state="uncertain"), a_request(2, state="sending")]) == NOBODY

    def test_is_not_adopted_by_a_refused_request(self) -> None:
        assert self.match([], [a_request(1, state="refused")]) == NOBODY

    def test_is_not_adopted_by_a_request_that_began_after_it(self) -> None:
        assert self.match([], [a_request(1, state="sending", minute=6)]) == NOBODY

    def test_is_not_adopted_after_the_window(self) -> None:
        assert self.match([], [a_request(1, state="uncertain")], minute=24 * 60 + 1) == NOBODY

    def test_is_not_adopted_where_another_connection_has_its_ref_id(self) -> None:
        assert self.match([], [a_request(1, state="uncertain")], elsewhere=True) == NOBODY


class TestRule1AKnownRefId:
    def test_leads_to_its_messages_recipient(self) -> None:
        named, other = a_candidate(a_request(1, ref_id="x")), a_candidate(a_request(2, ref_id="y", minute=1))

        assert match(a_call("x"), other, named) == Verdict(recipient_id=10, request_id=1)

    def test_leads_to_a_recipient_who_answered_before(self) -> None:
        assert match(a_call("x"), a_candidate(a_request(1, ref_id="x"), state="answered")).recipient_id == 10

    def test_of_one_request_leads_to_the_recipient_of_its_resend(self) -> None:
        first, resend = a_request(1, ref_id="x", message="m"), a_request(2, ref_id="y", message="m", minute=2)
        candidate = a_candidate(first, resend)

        assert match(a_call("x"), candidate) == Verdict(recipient_id=10, request_id=1)
        assert match(a_call("y"), candidate) == Verdict(recipient_id=10, request_id=2)

    def test_needs_no_time(self) -> None:
        late = a_call("x", start=-600, received=3 * 24 * 60)

        assert match(late, a_candidate(a_request(1, ref_id="x"))).recipient_id == 10

    def test_whose_message_has_not_this_number_is_nobodys(self) -> None:
        bearer, other = a_request(1, ref_id="x"), a_candidate(a_request(2, state="uncertain"))

        assert match_call(a_call("x"), [other], [bearer], window=WINDOW) == NOBODY


class TestRule2AnUnknownRefId:
    @pytest.mark.parametrize("state", ["sending", "uncertain"])
    def test_is_adopted_by_the_one_request_without(self, state: str) -> None:
        open_one, named = a_candidate(a_request(1, state=state)), a_candidate(a_request(2, ref_id="y"))

        assert match(a_call("x"), named, open_one) == Verdict(recipient_id=10, request_id=1, adopted=True)

    def test_is_adopted_by_a_message_that_a_person_said_was_placed(self) -> None:
        assert match(a_call("x"), a_candidate(a_request(1, state="accepted"))).adopted

    def test_is_adopted_by_a_recipient_who_answered_before(self) -> None:
        # Another attempt, or a repeat with more fields: the message is the only one that it can be about.
        assert match(a_call("x"), a_candidate(a_request(1, state="uncertain"), state="answered")).adopted

    def test_is_adopted_by_the_newest_request_of_a_message_that_can_have_made_it(self) -> None:
        requests = [a_request(n, state="uncertain", message="m", minute=n) for n in (1, 2, 30)]

        assert match(a_call("x"), a_candidate(*requests)).request_id == 2

    def test_is_nobodys_where_two_messages_could_adopt_it(self) -> None:
        both = a_candidate(a_request(1, state="uncertain")), a_candidate(a_request(2, state="sending"))

        assert match(a_call("x"), *both) == NOBODY

    def test_is_nobodys_where_every_ref_id_is_known(self) -> None:
        assert match(a_call("x"), a_candidate(a_request(1, ref_id="y"))) == NOBODY

    def test_is_not_adopted_by_a_refused_request(self) -> None:
        assert match(a_call("x"), a_candidate(a_request(1, state="refused"))) == NOBODY

    def test_is_not_adopted_by_a_request_that_began_after_the_call(self) -> None:
        assert match(a_call("x"), a_candidate(a_request(1, state="sending", minute=6))) == NOBODY

    def test_is_not_adopted_where_another_connection_has_it(self) -> None:
        assert match(a_call("x"), a_candidate(a_request(1, state="uncertain")), elsewhere=True) == NOBODY


class TestRule3NoRefId:
    def test_leads_to_the_only_candidate_whatever_its_ref_id(self) -> None:
        assert match(a_call(), a_candidate(a_request(1, ref_id="x"))) == Verdict(recipient_id=10, request_id=1)

    @pytest.mark.parametrize("state", ["sending", "uncertain"])
    def test_shows_that_the_only_candidate_was_placed(self, state: str) -> None:
        candidate = a_candidate(a_request(1, state=state), lease_live=True)

        assert match(a_call(), candidate) == Verdict(recipient_id=10, request_id=1)

    def test_skips_those_who_answered(self) -> None:
        answered = a_candidate(a_request(2, minute=2), state="answered")

        assert match(a_call(), answered, a_candidate(a_request(1))) == Verdict(recipient_id=10, request_id=1)

    def test_is_nobodys_where_all_have_answered(self) -> None:
        assert match(a_call(), a_candidate(a_request(1), state="answered")) == NOBODY

    def test_prefers_pending_to_unanswered(self) -> None:
        newer = a_candidate(a_request(2, minute=2), state="unanswered")
        older = a_candidate(a_request(1, state="uncertain"))

        assert match(a_call(), newer, older) == Verdict(recipient_id=10, ambiguous=True)

    @pytest.mark.parametrize("state", ["sending", "uncertain"])
    def test_then_prefers_accepted_messages(self, state: str) -> None:
        newer = a_candidate(a_request(2, state=state, minute=2))

        assert match(a_call(), newer, a_candidate(a_request(1))) == Verdict(recipient_id=10, ambiguous=True)

    def test_then_prefers_the_newest(self) -> None:
        several = [a_candidate(a_request(n, minute=n)) for n in (1, 3, 2)]

        assert match(a_call(), *several) == Verdict(recipient_id=30, ambiguous=True)

    def test_takes_an_unanswered_recipient_where_nobody_is_pending(self) -> None:
        assert match(a_call(), a_candidate(a_request(1), state="unanswered")).recipient_id == 10

    def test_waits_where_one_of_several_is_being_sent(self) -> None:
        being_sent = a_candidate(a_request(2, state="sending", minute=2), lease_live=True)

        assert match(a_call(), being_sent, a_candidate(a_request(1))) == Verdict(ambiguous=True)

    def test_does_not_wait_for_a_sender_whose_lease_is_over(self) -> None:
        lapsed = a_candidate(a_request(2, state="sending", minute=2))

        assert match(a_call(), lapsed, a_candidate(a_request(1))).recipient_id == 10

    def test_never_leads_to_a_refused_message(self) -> None:
        assert match(a_call(), a_candidate(a_request(1, state="refused"))) == NOBODY

    def test_leads_to_a_message_of_which_one_request_was_refused(self) -> None:
        candidate = a_candidate(
            a_request(1, state="refused", message="m"), a_request(2, message="m", minute=1), message="accepted"
        )

        assert match(a_call(), candidate) == Verdict(recipient_id=10, request_id=2)


class TestRule4Nobodys:
    @pytest.mark.parametrize("ref_id", [None, "x"])
    def test_a_number_that_nobody_sent_to(self, ref_id: str | None) -> None:
        assert match(a_call(ref_id)) == NOBODY


class TestTheTimeOfACall:
    def test_is_its_start_so_that_a_late_callback_is_not_the_newer_messages(self) -> None:
        older, newer = a_candidate(a_request(1)), a_candidate(a_request(2, minute=60))

        assert match(a_call(start=1, received=61), older, newer) == Verdict(recipient_id=10, request_id=1)

    def test_is_its_arrival_where_it_has_no_start(self) -> None:
        older, newer = a_candidate(a_request(1)), a_candidate(a_request(2, minute=60))

        assert match(a_call(received=61), older, newer).recipient_id == 20

    def test_is_its_arrival_where_the_start_is_later(self) -> None:
        late = a_candidate(a_request(1, minute=4))

        assert match(a_call(start=7, received=5), late).recipient_id == 10

    def test_is_its_arrival_where_the_start_leaves_no_candidate(self) -> None:
        # A wrong callback_timezone: an hour before anything was sent.
        assert match(a_call(start=-60), a_candidate(a_request(1))).recipient_id == 10

    @pytest.mark.parametrize(("seconds", "recipient_id"), [(59, 20), (60, 20), (61, 10)])
    def test_may_be_a_minute_off(self, seconds: int, recipient_id: int) -> None:
        before, mine = a_candidate(a_request(1, minute=-30)), a_candidate(a_request(2))
        call = CallFacts(None, NOON - timedelta(seconds=seconds), at(5))

        assert match(call, before, mine).recipient_id == recipient_id

    def test_by_arrival_is_exact(self) -> None:
        assert match(a_call(received=0), a_candidate(a_request(1))).recipient_id == 10
        assert match(a_call(received=-0.01), a_candidate(a_request(1))) == NOBODY

    @pytest.mark.parametrize(("minute", "found"), [(24 * 60, True), (24 * 60 + 0.01, False)])
    def test_ends_with_the_match_window(self, minute: float, found: bool) -> None:
        assert (match(a_call(received=minute), a_candidate(a_request(1))) != NOBODY) is found
