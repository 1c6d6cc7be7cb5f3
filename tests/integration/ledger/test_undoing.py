"""What a callback had shown, and an answer, a person or another callback says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.rematching import rematch, sweep
from airflow_provider_ninebits.ledger.resolving import resolve
from airflow_provider_ninebits.ledger.states import RequestState
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    CAI,
    WINDOW,
    a_call,
    accepted,
    an_answer,
    arrive,
    begun,
    claimed,
    counts,
    match_states,
    message_state,
    row,
    rows,
    sending,
    states,
    uncertain,
)

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database


class TestARefusalOfOneOfSeveralRequests:
    def test_leaves_what_a_callback_has_shown_to_the_other_one(self, database: Database) -> None:
        # Else the message were uncertain again, and "resend" would ring a phone a third time.
        first = uncertain(database)
        again = claimed(database, first.message_id, resend=True)
        arrive(database, a_call(ref_id="x"))

        again.answered("refused")
        rematch(database, window=WINDOW, message_ids=[first.message_id])

        assert message_state(database, first) == "accepted"
        assert [each["ref_id"] for each in rows(database, schema.request)] == ["x", None]
        assert states(database, first) == ["answered"]

    def test_leaves_an_error_that_had_waited_for_it_to_count(self, database: Database) -> None:
        first = uncertain(database, ADA, BEN)
        again = claimed(database, first.message_id, resend=True)
        first.answered("accepted", "x")
        arrive(database, an_answer("x", 500))
        assert states(database, first) == ["pending", "pending"]

        again.answered("refused")

        assert states(database, first) == ["failed", "failed"]
        assert counts(database, first) == (0, 0, 2)


@pytest.mark.parametrize("said", ["refused", "accepted"])
def test_a_ref_id_that_is_nobodys_again_is_adopted_by_who_has_its_calls(database: Database, said: str) -> None:
    # Its call has another number than the message that loses it.
    loser, owner = sending(database, ADA), uncertain(database, BEN)
    arrive(database, a_call(ADA, ref_id="x"))
    arrive(database, a_call(BEN, ref_id="x"))
    assert states(database, loser, owner) == ["answered", "pending"]

    recorded = record_answer(database, loser.id, Answer(RequestState(said), "y" if said == "accepted" else None))
    rematch(database, window=WINDOW, ref_ids=recorded.ref_ids, message_ids=recorded.message_ids)

    assert states(database, loser, owner) == ["pending", "answered"]
    assert row(database, schema.request, id=owner.id)["ref_id"] == "x"


def test_what_is_let_go_is_let_go_with_the_answer_itself(database: Database) -> None:
    # A sender that is killed before it matches anew leaves no recipient answered by a call that was another's.
    older, newer = accepted(database, "x"), sending(database, BEN)
    arrive(database, a_call(BEN, ref_id="y"))

    newer.answered("refused")

    assert states(database, older, newer) == ["pending", "pending"]
    assert match_states(database) == ["unmatched"]


class TestARefIdThatAnotherMessageHadAdopted:
    def test_goes_to_the_one_whose_answer_brings_it_with_its_calls(self, database: Database) -> None:
        wrong, right = uncertain(database), sending(database)
        # 9bits' clock is behind: by its start the call can be the older message's only.
        begun(database, wrong, timedelta(hours=1))
        arrive(database, a_call(ref_id="x", start=datetime.now(UTC) - timedelta(minutes=10)))
        assert states(database, wrong, right) == ["answered", "pending"]

        right.answered("accepted", "x")
        rematch(database, window=WINDOW, ref_ids=["x"])

        assert states(database, wrong, right) == ["pending", "answered"]
        assert message_state(database, wrong) == "uncertain"
        assert row(database, schema.request, id=wrong.id)["ref_id"] is None

    def test_leaves_a_message_placed_that_a_person_said_was(self, database: Database) -> None:
        wrong, right = uncertain(database), sending(database)
        resolve(database, wrong.message_id, placed=True, window=WINDOW)
        begun(database, wrong, timedelta(hours=1))
        arrive(database, a_call(ref_id="x", start=datetime.now(UTC) - timedelta(minutes=10)))

        right.answered("accepted", "x")

        assert message_state(database, wrong) == "accepted"
        assert row(database, schema.request, id=wrong.id)["ref_id"] is None

    def test_leaves_its_sender_at_work(self, database: Database) -> None:
        wrong, right = sending(database), sending(database)
        begun(database, wrong, timedelta(minutes=15))
        arrive(database, a_call(ref_id="x", start=datetime.now(UTC) - timedelta(minutes=10)))
        assert message_state(database, wrong) == "accepted"

        right.answered("accepted", "x")

        assert message_state(database, wrong) == "sending"


class TestACallbackThatWaited:
    def test_is_no_call_of_a_request_that_began_after_it_had_come(self, database: Database) -> None:
        # Within the minute that 9bits' clock may be off: it would prove that a phone rang which nobody has rung yet.
        first = accepted(database, "x")
        moment = datetime.now(UTC)
        arrive(database, a_call(start=moment))
        arrive(database, a_call(start=moment, amount="1"))
        assert match_states(database) == ["matched", "unmatched"]

        second = sending(database)

        assert sweep(database, window=WINDOW) == 0
        assert message_state(database, second) == "sending"
        assert states(database, first, second) == ["answered", "pending"]

    def test_is_matched_when_all_others_have_answered(self, database: Database) -> None:
        older, newer = accepted(database, "x"), sending(database)
        arrive(database, a_call())
        assert match_states(database) == ["unmatched"]

        arrive(database, a_call(ref_id="x"))

        assert states(database, older, newer) == ["answered", "answered"]
        assert message_state(database, newer) == "accepted"


@pytest.mark.parametrize("how", ["answer", "call", "person"])
def test_an_error_finds_the_one_request_that_is_left_without_a_ref_id(database: Database, how: str) -> None:
    first, second = uncertain(database, ADA), uncertain(database, BEN)
    arrive(database, an_answer("y", 400))
    assert match_states(database) == ["unmatched"]

    match how:
        case "answer":
            first.answered("accepted", "x")
            rematch(database, window=WINDOW, ref_ids=["x"], message_ids=[first.message_id])
        case "call":
            arrive(database, a_call(ADA, ref_id="x"))
        case _:
            resolve(database, first.message_id, placed=True, ref_id="x", window=WINDOW)

    assert states(database, second) == ["failed"]
    assert row(database, schema.request, id=second.id)["ref_id"] == "y"


def test_an_error_of_another_system_is_nobodys_once_every_ref_id_is_known(database: Database) -> None:
    first, second = uncertain(database, ADA), uncertain(database, BEN)
    arrive(database, an_answer("foreign", 400))

    first.answered("accepted", "x")
    second.answered("accepted", "y")
    rematch(database, window=WINDOW, ref_ids=["x", "y"], message_ids=[first.message_id, second.message_id])

    assert states(database, first, second) == ["pending", "pending"]
    assert match_states(database) == ["unmatched"]


def test_a_repeat_beside_the_first_is_counted(database: Database) -> None:
    one = a_call(CAI, identity="same")
    arrive(database, one, one, one)

    assert row(database, schema.callback)["repeats"] == 2
