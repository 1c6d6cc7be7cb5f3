from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored, store
from airflow_provider_ninebits.ledger.rematching import rematch
from airflow_provider_ninebits.ledger.states import CallbackKind
from airflow_provider_ninebits.webhook.storing import StoreHere
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    CAI,
    WINDOW,
    a_call,
    accepted,
    an_answer,
    arrive,
    at_once,
    begun,
    claimed,
    counts,
    lapse,
    match_states,
    message_state,
    row,
    rows,
    sending,
    states,
    uncertain,
)
from tests.integration.statements import seen_by

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database


# Of calls that all settle somebody. On SQLite its BEGIN is among them; a COMMIT, and what goes along with it, is not.
STATEMENTS_OF_A_GROUP = {"sqlite": 7, "postgresql": 4}


@pytest.mark.parametrize("size", [1, 2, 9, 100])
def test_a_group_is_stored_with_as_many_statements_as_one_callback(database: Database, backend: str, size: int) -> None:
    numbers = [str(2348020000000 + place) for place in range(2 * size)]
    for message in range(2):
        accepted(database, f"r{message}", *numbers[message::2])
    calls = [a_call(number, ref_id=f"r{place % 2}", identity=number) for place, number in enumerate(numbers)]
    receiver = StoreHere(database, window=WINDOW)
    # The first group also connects.
    assert receiver.store(calls[:size], "here").matched == size
    asked: list[str] = []
    with seen_by(lambda _, statement, __: asked.append(statement)):
        assert receiver.store(calls[size:], "here").matched == size
    receiver.close()
    assert len(asked) == STATEMENTS_OF_A_GROUP[backend], "\n".join(asked)
    assert {each["state"] for each in rows(database, schema.recipient)} == {"answered"}


class TestStoring:
    def test_a_callback_is_kept_as_it_came_with_whom_it_is_about(self, database: Database) -> None:
        request = accepted(database, "x")

        stored = store(database, [a_call(ref_id="x", amount="30")], window=WINDOW, receiver_id="r1")

        kept = row(database, schema.callback)
        recipient = row(database, schema.recipient)
        assert stored == Stored(new=1, repeats=0, matched=1)
        assert (kept["raw"], kept["match_state"], kept["receiver_id"]) == (b"{}", "matched", "r1")
        assert (kept["recipient_id"], kept["request_id"]) == (recipient["id"], request.id)
        assert (recipient["state"], recipient["attempts"]) == ("answered", 1)
        assert (recipient["total_amount"], recipient["last_callback_at"]) == (Decimal(30), kept["received_at"])

    def test_a_repeat_is_kept_once_and_counted(self, database: Database) -> None:
        accepted(database, "x")
        one = a_call(ref_id="x", identity="same")
        arrive(database, one)

        assert arrive(database, one, one) == Stored(new=0, repeats=2, matched=0)
        assert row(database, schema.callback)["repeats"] == 2
        assert row(database, schema.recipient)["attempts"] == 1

    def test_a_repeat_in_the_same_group_is_kept_once(self, database: Database) -> None:
        accepted(database, "x")
        one = a_call(ref_id="x", identity="same")

        assert arrive(database, one, one) == Stored(new=1, repeats=1, matched=1)
        assert row(database, schema.recipient)["attempts"] == 1

    def test_calls_that_nothing_identifies_are_never_repeats(self, database: Database) -> None:
        accepted(database, "x")

        assert arrive(database, a_call(ref_id="x"), a_call(ref_id="x")).new == 2
        assert row(database, schema.recipient)["attempts"] == 2

    def test_two_receivers_that_get_the_same_callback_keep_it_once(self, database: Database) -> None:
        accepted(database, "x")
        one = a_call(ref_id="x", identity="same")

        stored = at_once(4, lambda _: arrive(database, one))

        assert sum(each.new for each in stored) == 1
        assert row(database, schema.recipient)["attempts"] == 1

    def test_two_receivers_give_two_calls_of_a_number_to_two_messages(self, database: Database) -> None:
        first, second = accepted(database, "x"), accepted(database, "y")

        at_once(2, lambda _: arrive(database, a_call()))

        assert states(database, first, second) == ["answered", "answered"]

    def test_a_number_that_stands_in_a_group_twice_is_matched_one_after_the_other(self, database: Database) -> None:
        first, second = accepted(database, "x"), accepted(database, "y")

        arrive(database, a_call(), a_call())

        assert states(database, first, second) == ["answered", "answered"]
        assert [each["ambiguous"] for each in rows(database, schema.callback)] == [True, False]

    def test_a_group_settles_many_recipients(self, database: Database) -> None:
        request = accepted(database, "x", ADA, BEN, CAI)

        arrive(database, a_call(ADA, ref_id="x"), a_call(BEN, ref_id="x", answered=False))

        assert states(database, request) == ["answered", "unanswered", "pending"]
        assert counts(database, request) == (1, 1, 0)

    def test_an_inbound_call_is_kept_and_never_matched(self, database: Database) -> None:
        request = accepted(database, "x")

        assert arrive(database, a_call(ref_id="x", inbound=True)) == Stored(new=1)
        rematch(database, window=WINDOW, ref_ids=["x"], message_ids=[request.message_id])
        assert match_states(database) == ["inbound"]
        assert states(database, request) == ["pending"]

    def test_what_cannot_be_read_is_kept(self, database: Database) -> None:
        arrive(database, Arrival(CallbackKind.UNREADABLE, b"\x00\xff", detail="no JSON"))

        kept = row(database, schema.callback)
        assert (kept["match_state"], kept["raw"], kept["detail"]) == ("unreadable", b"\x00\xff", "no JSON")

    def test_a_number_that_nobody_sent_to_is_kept(self, database: Database) -> None:
        assert arrive(database, a_call("2349999999999"), a_call(None, ref_id="x")) == Stored(new=2)
        assert match_states(database) == ["unmatched", "unmatched"]

    def test_nothing_at_all_is_nothing(self, database: Database) -> None:
        assert arrive(database) == Stored()

    def test_an_unanswered_recipient_who_is_rung_again_answers(self, database: Database) -> None:
        request = accepted(database, "x")
        arrive(database, a_call(answered=False, amount="0.1"))
        arrive(database, a_call(amount="0.2"))

        recipient = row(database, schema.recipient)
        assert (recipient["state"], recipient["attempts"], recipient["total_amount"]) == ("answered", 2, Decimal("0.3"))
        assert counts(database, request) == (1, 0, 0)


class TestBeforeTheAnswer:
    def test_a_call_shows_that_its_message_was_placed(self, database: Database) -> None:
        request = sending(database)

        arrive(database, a_call())

        assert message_state(database, request) == "accepted"
        assert states(database, request) == ["answered"]

    def test_a_ref_id_that_the_message_adopted_is_the_one_of_its_answer(self, database: Database) -> None:
        request = sending(database)
        arrive(database, a_call(ref_id="x"))

        assert row(database, schema.request)["ref_id"] == "x"
        request.answered("accepted", "x")
        rematch(database, window=WINDOW, message_ids=[request.message_id])
        assert states(database, request) == ["answered"]

    def test_evidence_outlasts_an_uncertain_answer(self, database: Database) -> None:
        request = sending(database)
        arrive(database, a_call(ref_id="x"))

        assert request.answered("uncertain") == "accepted"
        assert row(database, schema.request)["ref_id"] == "x"

    def test_a_callback_waits_for_the_answer_that_decides_whose_it_is(self, database: Database) -> None:
        older, newer = accepted(database, "x"), sending(database)
        arrive(database, a_call())
        assert match_states(database) == ["unmatched"]

        newer.answered("accepted", "y")

        assert rematch(database, window=WINDOW, message_ids=[newer.message_id]) == 1
        assert states(database, older, newer) == ["pending", "answered"]

    def test_a_callback_that_waited_is_the_others_where_the_answer_was_a_refusal(self, database: Database) -> None:
        older, newer = accepted(database, "x"), sending(database)
        arrive(database, a_call())

        newer.answered("refused")
        rematch(database, window=WINDOW, message_ids=[newer.message_id])

        assert states(database, older, newer) == ["answered", "pending"]

    def test_all_that_waited_are_matched_whatever_fits_into_a_transaction(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_ninebits.ledger.rematching.REMATCHED_TOGETHER", 2)
        first, second = sending(database), sending(database)
        arrive(database, *(a_call(ref_id="x", answered=False, identity=f"{place}") for place in range(5)))
        assert match_states(database) == ["unmatched"] * 5

        second.answered("accepted", "x")

        assert rematch(database, window=WINDOW, ref_ids=["x"]) == 5
        assert states(database, first, second) == ["pending", "unanswered"]

    def test_a_ref_id_that_two_could_adopt_waits_for_the_answer(self, database: Database) -> None:
        first, second = sending(database), sending(database)
        arrive(database, a_call(ref_id="x"))
        assert match_states(database) == ["unmatched"]

        second.answered("accepted", "x")

        assert rematch(database, window=WINDOW, ref_ids=["x"]) == 1
        assert states(database, first, second) == ["pending", "answered"]

    def test_an_adopted_ref_id_brings_the_other_callbacks_that_have_it(self, database: Database) -> None:
        both, other = sending(database, ADA, BEN), sending(database, BEN)
        arrive(database, a_call(BEN, ref_id="x"))
        assert states(database, both, other) == ["pending", "pending", "pending"]

        arrive(database, a_call(ADA, ref_id="x"))

        assert states(database, both, other) == ["answered", "answered", "pending"]

    def test_no_answer_is_overwritten_by_the_callback_that_comes_at_the_same_moment(self, database: Database) -> None:
        request = sending(database)

        at_once(2, lambda index: arrive(database, a_call()) if index else request.answered("accepted", "x"))

        assert row(database, schema.request)["ref_id"] == "x"
        assert states(database, request) == ["answered"]


class TestAnAnswerThatSaysOtherwise:
    def test_a_refusal_takes_back_what_a_callback_had_shown(self, database: Database) -> None:
        older = accepted(database, "x")
        arrive(database, a_call(ref_id="x", answered=False))
        newer = sending(database)
        arrive(database, a_call(answered=False, start=datetime.now(UTC)))
        lapse(database, newer.message_id)
        rematch(database, window=WINDOW, message_ids=[newer.message_id])
        assert states(database, older, newer) == ["unanswered", "unanswered"]

        newer.answered("refused")

        rematch(database, window=WINDOW, message_ids=[newer.message_id])
        assert states(database, older, newer) == ["unanswered", "pending"]
        assert counts(database, newer) == (0, 0, 0)
        assert row(database, schema.recipient, message_id=older.message_id)["attempts"] == 2

    def test_a_refusal_leaves_nobodys_callback_unmatched(self, database: Database) -> None:
        request = sending(database)
        arrive(database, a_call(ref_id="y", amount="3"))

        assert request.answered("refused") == "refused"
        rematch(database, window=WINDOW, message_ids=[request.message_id])

        recipient, kept = row(database, schema.recipient), row(database, schema.callback)
        assert (recipient["state"], recipient["attempts"], recipient["total_amount"]) == ("pending", 0, None)
        assert (kept["match_state"], kept["recipient_id"], kept["request_id"]) == ("unmatched", None, None)
        assert row(database, schema.request)["ref_id"] is None

    def test_a_refusal_changes_nothing_where_another_request_may_have_placed_calls(self, database: Database) -> None:
        first = uncertain(database)
        arrive(database, a_call())
        second = uncertain(database, BEN)
        again = claimed(database, second.message_id, resend=True)
        arrive(database, a_call(BEN))
        again.answered("refused")

        rematch(database, window=WINDOW, message_ids=[second.message_id])
        assert states(database, first, second) == ["answered", "answered"]

    def test_an_answer_with_another_ref_id_lets_the_adopted_one_go(self, database: Database) -> None:
        request = sending(database, ADA, BEN)
        arrive(database, a_call(ADA, ref_id="x"), a_call(BEN))

        request.answered("accepted", "y")

        rematch(database, window=WINDOW, message_ids=[request.message_id])
        assert states(database, request) == ["pending", "answered"]
        assert counts(database, request) == (1, 0, 0)
        assert match_states(database) == ["unmatched", "matched"]

    def test_a_ref_id_that_was_let_go_is_the_next_ones(self, database: Database) -> None:
        first = sending(database)
        arrive(database, a_call(ref_id="x"))
        second = sending(database)
        begun(database, second, timedelta(seconds=5))

        first.answered("accepted", "y")
        rematch(database, window=WINDOW, message_ids=[first.message_id])

        assert states(database, first, second) == ["pending", "answered"]
        assert row(database, schema.request, id=second.id)["ref_id"] == "x"

    def test_a_refusal_lets_go_of_an_error_that_the_message_had_adopted(self, database: Database) -> None:
        # Else its recipients would count as failed when it is sent again, and a wait would be over at once.
        request = sending(database)
        arrive(database, an_answer("x", 400))
        assert states(database, request) == ["failed"]

        request.answered("refused")
        rematch(database, window=WINDOW, message_ids=[request.message_id])

        assert states(database, request) == ["pending"]
        assert counts(database, request) == (0, 0, 0)

    def test_an_error_that_stays_the_messages_outlasts_what_is_let_go(self, database: Database) -> None:
        request = sending(database, ADA, BEN)
        arrive(database, a_call(ADA, ref_id="x"))
        request.answered("accepted", "y")
        arrive(database, an_answer("y", 500))

        rematch(database, window=WINDOW, message_ids=[request.message_id])

        assert states(database, request) == ["failed", "failed"]
        assert counts(database, request) == (0, 0, 2)


class TestApiAnswers:
    @pytest.mark.parametrize("status", [400, 404, 500, 503])
    def test_an_error_fails_those_who_are_pending(self, database: Database, status: int) -> None:
        request = accepted(database, "x", ADA, BEN, CAI)
        arrive(database, a_call(BEN, ref_id="x"), a_call(CAI, ref_id="x", answered=False))

        arrive(database, an_answer("x", status))

        assert states(database, request) == ["failed", "answered", "unanswered"]
        assert counts(database, request) == (1, 1, 1)
        assert row(database, schema.callback, kind="answer")["request_id"] == request.id

    @pytest.mark.parametrize("status", [200, 202])
    def test_a_success_changes_nobody(self, database: Database, status: int) -> None:
        request = accepted(database, "x")

        assert arrive(database, an_answer("x", status)).matched == 1
        assert states(database, request) == ["pending"]

    def test_a_call_raises_a_recipient_who_had_failed(self, database: Database) -> None:
        request = accepted(database, "x")
        arrive(database, an_answer("x"))
        arrive(database, a_call(ref_id="x"))

        assert states(database, request) == ["answered"]
        assert counts(database, request) == (1, 0, 0)

    def test_an_error_of_one_request_fails_nobody_where_another_may_have_placed_calls(self, database: Database) -> None:
        first = uncertain(database)
        second = claimed(database, first.message_id, resend=True)
        second.answered("accepted", "y")

        assert arrive(database, an_answer("y")).matched == 1
        assert states(database, first) == ["pending"]

    def test_an_unknown_ref_id_is_adopted_by_the_one_request_without(self, database: Database) -> None:
        accepted(database, "x", BEN)
        request = uncertain(database)

        arrive(database, an_answer("y", 200))

        assert message_state(database, request) == "accepted"
        assert row(database, schema.request, id=request.id)["ref_id"] == "y"

    def test_an_unknown_ref_id_is_nobodys_where_two_could_adopt_it(self, database: Database) -> None:
        first, second = uncertain(database), uncertain(database, BEN)

        assert arrive(database, an_answer("y")).matched == 0
        assert states(database, first, second) == ["pending", "pending"]

    def test_an_answer_without_ref_id_is_nobodys(self, database: Database) -> None:
        request = uncertain(database)

        assert arrive(database, an_answer(None)).matched == 0
        assert states(database, request) == ["pending"]

    def test_an_error_that_came_before_its_messages_answer_is_applied_then(self, database: Database) -> None:
        first, second = sending(database), sending(database, BEN)
        arrive(database, an_answer("x"))

        first.answered("accepted", "x")

        assert rematch(database, window=WINDOW, ref_ids=["x"]) == 1
        assert states(database, first, second) == ["failed", "pending"]

    def test_a_call_beside_the_answer_that_adopts_its_ref_id_is_matched_too(self, database: Database) -> None:
        mine, other = uncertain(database), sending(database, conn_id="other")

        arrive(database, a_call(ref_id="x"), an_answer("x", 200, conn_path="ninebits"))

        assert states(database, mine, other) == ["answered", "pending"]


class TestTwoConnections:
    def test_a_path_matches_its_connections_messages_only(self, database: Database) -> None:
        one, two = accepted(database, "x", conn_id="one"), accepted(database, "y", conn_id="two")

        arrive(database, a_call(conn_path="one"))

        assert states(database, one, two) == ["answered", "pending"]
        assert not row(database, schema.callback)["ambiguous"]

    def test_the_accounts_one_path_matches_every_connections(self, database: Database) -> None:
        one, two = accepted(database, "x", conn_id="one"), accepted(database, "y", conn_id="two")

        arrive(database, a_call(ref_id="x"), a_call(ref_id="y"))

        assert states(database, one, two) == ["answered", "answered"]

    def test_a_ref_id_of_another_connection_is_not_adopted(self, database: Database) -> None:
        one, two = accepted(database, "x", conn_id="one"), uncertain(database, conn_id="two")

        arrive(database, a_call(ref_id="x", conn_path="two"), an_answer("x", conn_path="two"))

        assert match_states(database) == ["unmatched", "unmatched"]
        assert states(database, one, two) == ["pending", "pending"]

    def test_each_adopts_on_its_own_path(self, database: Database) -> None:
        one, two = uncertain(database, conn_id="one"), uncertain(database, conn_id="two")

        arrive(database, an_answer("x", 200, conn_path="one"), an_answer("y", 200, conn_path="two"))

        assert [each["ref_id"] for each in rows(database, schema.request)] == ["x", "y"]
        assert [message_state(database, one), message_state(database, two)] == ["accepted", "accepted"]

    def test_a_path_that_nobody_knows_is_kept(self, database: Database) -> None:
        request = accepted(database, "x")

        assert arrive(database, a_call(ref_id="x", conn_path="nobody")) == Stored(new=1)
        assert states(database, request) == ["pending"]

    def test_a_message_that_was_sent_again_over_another_connection_is_matched_on_both(self, database: Database) -> None:
        first = uncertain(database, ADA, BEN, conn_id="one")
        second = claimed(database, first.message_id, resend=True, conn_id="two")
        second.answered("accepted", "y")

        arrive(database, a_call(ADA, conn_path="one"), a_call(BEN, conn_path="two"))

        assert states(database, first) == ["answered", "answered"]


class TestANumberThatIsRungEveryHour:
    HOURS = 4

    @pytest.mark.parametrize("lost", range(HOURS))
    @pytest.mark.parametrize("answered", [True, False], ids=["answered", "unanswered"])
    def test_one_lost_callback_leaves_only_its_own_message_pending(
        self, database: Database, lost: int, answered: bool
    ) -> None:
        requests = []
        for hour in range(self.HOURS):
            request = accepted(database, f"x{hour}")
            moment = begun(database, request, timedelta(hours=self.HOURS - hour))
            requests.append(request)
            if hour != lost:
                arrive(database, a_call(start=moment + timedelta(seconds=20), answered=answered))

        settled = "answered" if answered else "unanswered"
        assert states(database, *requests) == ["pending" if hour == lost else settled for hour in range(self.HOURS)]

    def test_late_callbacks_find_their_own_hours(self, database: Database) -> None:
        requests = [accepted(database, f"x{hour}") for hour in range(4)]
        moments = [begun(database, request, timedelta(hours=4 - hour)) for hour, request in enumerate(requests)]

        for moment in moments:
            arrive(database, a_call(start=moment + timedelta(seconds=20)))

        found = [row(database, schema.recipient, message_id=each.message_id)["started_at"] for each in requests]
        assert found == [moment + timedelta(seconds=20) for moment in moments]
