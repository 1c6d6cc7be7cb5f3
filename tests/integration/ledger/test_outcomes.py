from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.looks import differing
from airflow_provider_ninebits.ledger.outcomes import look, read_outcome
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    CAI,
    a_call,
    accepted,
    an_answer,
    arrive,
    claimed,
    sending,
    set_columns,
    uncertain,
)
from tests.integration.statements import seen_by

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

NO_WINDOW = timedelta()


def settled(database: Database, *ref_ids: str, attempt_window: timedelta = NO_WINDOW) -> bool:
    """What a look and a whole outcome say, which must be the same."""
    seen = look(database, ref_ids, attempt_window=attempt_window)
    outcome, progress = read_outcome(database, ref_ids, attempt_window=attempt_window)
    assert progress == seen.progress
    assert outcome.settled is seen.progress.settled(seen.now)
    return outcome.settled


def test_nothing_has_come_back(database: Database) -> None:
    accepted(database, "x", ADA, BEN)
    outcome, _ = read_outcome(database, ["x"], attempt_window=NO_WINDOW)

    assert (outcome.recipients, outcome.pending, outcome.settled) == (2, 2, False)
    assert outcome.total_amount == 0


def test_every_state_is_counted_and_those_not_answered_come_first(database: Database) -> None:
    accepted(database, "x", ADA, BEN, CAI)
    arrive(database, a_call(ADA, ref_id="x"), a_call(BEN, ref_id="x", answered=False))
    arrive(database, an_answer("x"))

    outcome, _ = read_outcome(database, ["x"], attempt_window=NO_WINDOW)

    assert (outcome.answered, outcome.unanswered, outcome.failed, outcome.pending) == (1, 1, 1, 0)
    assert [call.to_number for call in outcome.calls] == [CAI, BEN, ADA]
    assert settled(database, "x")


def test_amounts_are_summed_over_attempts_and_recipients(database: Database) -> None:
    accepted(database, "x", ADA, BEN, CAI)
    arrive(database, a_call(ADA, ref_id="x", answered=False, amount="0.1"), a_call(ADA, ref_id="x", amount="0.2"))
    arrive(database, a_call(BEN, ref_id="x", amount="29.7"), a_call(CAI, ref_id="x"))

    outcome, _ = read_outcome(database, ["x"], attempt_window=NO_WINDOW)

    assert outcome.total_amount == Decimal(30)
    assert {call.to_number: call.total_amount for call in outcome.calls} == {
        ADA: Decimal("0.3"),
        BEN: Decimal("29.7"),
        CAI: None,
    }


def test_several_ref_ids_make_one_outcome(database: Database) -> None:
    accepted(database, "x", ADA)
    accepted(database, "y", BEN)
    arrive(database, a_call(ADA, ref_id="x"))

    assert not settled(database, "x", "y")
    arrive(database, a_call(BEN, ref_id="y"))
    assert settled(database, "x", "y")


def test_two_ref_ids_of_one_message_count_its_recipients_once(database: Database) -> None:
    first = uncertain(database)
    claimed(database, first.message_id, resend=True).answered("accepted", "y")
    first.answered("accepted", "x")

    outcome, _ = read_outcome(database, ["x", "y"], attempt_window=NO_WINDOW)

    assert outcome.recipients == 1


def test_the_ledgers_own_id_stands_for_a_message(database: Database) -> None:
    request = uncertain(database)
    ref = f"ledger:{request.message_id}"
    assert not settled(database, ref)

    arrive(database, a_call(ref_id="late"))

    assert settled(database, ref)
    assert settled(database, "late")


def test_an_unknown_ref_id_is_named_and_settles_nothing(database: Database) -> None:
    accepted(database, "x")
    arrive(database, a_call(ref_id="x"))

    seen = look(database, ["x", "nobody", "ledger:nobody"], attempt_window=NO_WINDOW)

    assert seen.progress.unknown_ref_ids == ("nobody", "ledger:nobody")
    assert not settled(database, "x", "nobody")


def test_no_ref_id_at_all_settles_nothing(database: Database) -> None:
    assert not settled(database)


def test_a_ref_id_that_a_refusal_took_back_is_unknown(database: Database) -> None:
    request = sending(database)
    arrive(database, a_call(ref_id="x"))
    request.answered("refused")

    assert look(database, ["x"], attempt_window=NO_WINDOW).progress.unknown_ref_ids == ("x",)


def test_more_ref_ids_than_a_statement_takes(database: Database) -> None:
    accepted(database, "x")

    seen = look(database, [*(f"no{n}" for n in range(2500)), "x"], attempt_window=NO_WINDOW)

    assert len(seen.progress.unknown_ref_ids) == 2500
    assert seen.progress.recipients == 1


class TestTheAttemptWindow:
    WINDOW = timedelta(minutes=10)

    def last_callback(self, database: Database, number: str, ago: timedelta) -> None:
        moment = datetime.now(UTC) - ago
        set_columns(database, schema.recipient, {"last_callback_at": moment}, number=number)

    def test_holds_an_unanswered_recipient_back(self, database: Database) -> None:
        accepted(database, "x")
        arrive(database, a_call(ref_id="x", answered=False))

        assert not settled(database, "x", attempt_window=self.WINDOW)
        assert settled(database, "x", attempt_window=NO_WINDOW)

    def test_ends_so_long_after_the_arrival_of_the_last_callback(self, database: Database) -> None:
        accepted(database, "x")
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        arrive(database, a_call(ref_id="x", answered=False, start=long_ago))
        assert not settled(database, "x", attempt_window=self.WINDOW)

        self.last_callback(database, ADA, self.WINDOW + timedelta(seconds=1))

        assert settled(database, "x", attempt_window=self.WINDOW)

    def test_is_that_of_the_recipient_who_was_rung_last(self, database: Database) -> None:
        accepted(database, "x", ADA, BEN)
        arrive(database, a_call(ADA, ref_id="x", answered=False), a_call(BEN, ref_id="x", answered=False))
        self.last_callback(database, ADA, timedelta(hours=1))

        assert not settled(database, "x", attempt_window=self.WINDOW)

    def test_does_not_hold_back_those_who_answered(self, database: Database) -> None:
        accepted(database, "x", ADA, BEN)
        arrive(database, a_call(ADA, ref_id="x"), a_call(BEN, ref_id="x", answered=False))
        self.last_callback(database, BEN, timedelta(hours=1))

        assert settled(database, "x", attempt_window=self.WINDOW)

    def test_does_not_hold_back_those_who_failed(self, database: Database) -> None:
        accepted(database, "x")
        arrive(database, an_answer("x"))

        assert settled(database, "x", attempt_window=self.WINDOW)


class TestRevisions:
    def test_rise_with_what_a_wait_may_ask_for(self, database: Database) -> None:
        request = sending(database)
        seen = [self.revision(database, request.message_id)]
        for change in (
            lambda: request.answered("accepted", "x"),
            lambda: arrive(database, a_call(ref_id="x", answered=False)),
            lambda: arrive(database, a_call(ref_id="x")),
        ):
            change()
            seen.append(self.revision(database, request.message_id))

        assert seen == sorted(set(seen))

    def test_stay_where_nothing_changed(self, database: Database) -> None:
        request = accepted(database, "x")
        before = self.revision(database, request.message_id)
        arrive(database, a_call(BEN), a_call(ref_id="x", inbound=True))

        assert self.revision(database, request.message_id) == before

    def test_of_what_is_gone_are_told_as_none(self, database: Database) -> None:
        assert differing(database, {"nobody": 3}) == {"nobody": None}

    def test_that_are_known_are_left_out(self, database: Database) -> None:
        requests = [accepted(database, "x", ADA), accepted(database, "y", BEN)]
        known = {request.message_id: self.revision(database, request.message_id) for request in requests}
        assert differing(database, known) == {}
        assert differing(database, {}) == {}
        arrive(database, a_call(BEN, ref_id="y"))
        [changed] = differing(database, known).items()
        assert changed == (requests[1].message_id, known[requests[1].message_id] + 1)

    def test_of_ten_thousand_messages_are_one_statement(self, database: Database) -> None:
        asked: list[str] = []
        known = {f"m{place}": place for place in range(10_000)}
        with database.reading(), seen_by(lambda _, statement, __: asked.append(statement)):
            assert differing(database, known) == dict.fromkeys(known)
        assert len(asked) == 1

    def revision(self, database: Database, message_id: str) -> int:
        revision = differing(database, {message_id: -1})[message_id]
        assert revision is not None
        return revision
