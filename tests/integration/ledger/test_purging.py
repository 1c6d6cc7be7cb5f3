from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.ledger import purging, schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import KeyInUse, NoSuchMessage
from airflow_provider_ninebits.ledger.keys import Attempt, TaskPlace
from airflow_provider_ninebits.ledger.listing import show_message
from airflow_provider_ninebits.ledger.outcomes import look, read_outcome
from airflow_provider_ninebits.ledger.purging import Policy, Purged, purge
from airflow_provider_ninebits.ledger.receivers import register
from airflow_provider_ninebits.ledger.resolving import resolve
from airflow_provider_ninebits.ledger.sends import read_part
from airflow_provider_ninebits.ledger.tasks import begin_attempt
from airflow_provider_ninebits.ledger.witnesses import read_evidence
from tests.integration.ledger.purge_scenes import (
    OLD,
    WINDOWS,
    everything,
    holding_a_number,
    let_pass,
    purged,
    settled,
)
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    CAI,
    WINDOW,
    a_call,
    a_plan,
    accepted,
    an_answer,
    arrive,
    claimed,
    lapse,
    plan,
    row,
    rows,
    sending,
    try_claim,
    uncertain,
)

if TYPE_CHECKING:
    pass


class TestWhatGoes:
    def test_a_settled_message_with_all_that_is_its(self, database: Database) -> None:
        settled(database, "r1", ADA, BEN)
        let_pass(database, OLD)

        assert purged(database) == Purged(sends=1, messages=1, recipients=2, callbacks=2)
        for table in (schema.message, schema.request, schema.recipient, schema.callback):
            assert rows(database, table) == [], table.name
        assert holding_a_number(database) == []

    def test_nothing_younger(self, database: Database) -> None:
        settled(database, "r1", ADA, BEN)
        let_pass(database, OLD - timedelta(minutes=1))
        before = everything(database)

        assert purged(database) == Purged()
        assert everything(database) == before

    def test_an_old_send_with_a_callback_of_today_stays(self, database: Database) -> None:
        accepted(database, "r1", ADA)
        let_pass(database, OLD)
        arrive(database, a_call(ADA, ref_id="r1"))

        assert purged(database) == Purged()

    def test_recipients_who_never_came_back(self, database: Database) -> None:
        accepted(database, "r1", ADA, BEN)
        arrive(database, a_call(ADA, ref_id="r1"))
        let_pass(database, OLD)

        assert purged(database).recipients == 2

    def test_callbacks_that_are_nobodys(self, database: Database) -> None:
        arrive(database, a_call(ADA), a_call(BEN, inbound=True), an_answer("unknown"))
        let_pass(database, OLD)
        arrive(database, a_call(CAI))

        assert purged(database) == Purged(callbacks=3)
        assert [callback["number"] for callback in rows(database, schema.callback)] == [CAI]

    def test_receivers_of_which_nothing_was_heard(self, database: Database) -> None:
        register(database, "gone")
        let_pass(database, OLD)
        register(database, "here")

        assert purged(database) == Purged(receivers=1)
        assert row(database, schema.receiver)["host"] == "here"

    def test_sends_of_many_parts_in_many_batches(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("airflow_provider_ninebits.ledger.purging.RECIPIENTS_IN_A_BATCH", 2)
        monkeypatch.setattr("airflow_provider_ninebits.ledger.purging.SENDS_IN_A_BATCH", 2)
        for place in range(5):
            planned = plan(database, a_plan((ADA, BEN), (CAI,), key=str(place)))
            for part in planned.parts:
                claimed(database, part.message_id).answered("accepted", f"r{place}-{part.part}")
        let_pass(database, OLD)

        assert purged(database) == Purged(sends=5, messages=10, recipients=15)
        assert holding_a_number(database) == []

    def test_who_asks_hears_after_each_batch_how_much_is_gone(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(purging, "MESSAGES_IN_A_BATCH", 1)
        for place in range(3):
            settled(database, f"r{place}", str(2348020000000 + place))
        let_pass(database, OLD)
        told: list[Purged] = []
        gone = purge(database, Policy(OLD, WINDOWS), pause=lambda _: None, told=told.append)
        assert [done.recipients for done in told] == sorted(done.recipients for done in told)
        assert {1, 2, 3} <= {done.recipients for done in told}
        assert told[-1].recipients == gone.recipients == 3

    def test_a_dry_run_counts_the_same_and_takes_nothing(self, database: Database) -> None:
        settled(database, "r1", ADA, BEN)
        uncertain(database, CAI)
        arrive(database, a_call(CAI, inbound=True))
        register(database, "gone")
        let_pass(database, OLD)
        before = everything(database)

        counted = purged(database, dry_run=True)

        assert everything(database) == before
        assert rows(database, schema.purge) == []
        assert counted == Purged(1, 1, 2, 3, 1, 0, 1) == purged(database)


class TestWhatStays:
    @pytest.mark.parametrize("make", [uncertain, sending], ids=["uncertain", "being sent"])
    def test_what_a_person_has_to_end(self, database: Database, make: Any) -> None:
        request = make(database, ADA)
        let_pass(database, OLD)
        before = everything(database)

        assert purged(database) == Purged(unsettled_sends=1)
        assert everything(database) == before
        assert resolve(database, request.message_id, placed=True, window=WINDOW) == "accepted"

    def test_the_unsent_rest_of_a_send(self, database: Database) -> None:
        first, second = plan(database, a_plan((ADA,), (BEN,), key="k")).parts
        claimed(database, first.message_id).answered("accepted", "r1")
        let_pass(database, OLD)

        assert purged(database) == Purged(unsettled_sends=1)
        assert try_claim(database, second.message_id) is not None

    def test_a_callback_that_may_be_an_unsettled_messages(self, database: Database) -> None:
        arrive(database, a_call(ADA), a_call(BEN))
        uncertain(database, ADA)
        let_pass(database, OLD)

        assert purged(database) == Purged(callbacks=1, unsettled_sends=1)
        assert row(database, schema.callback)["number"] == ADA

    def test_what_is_unsettled_goes_where_it_is_asked_for(self, database: Database) -> None:
        request = uncertain(database, ADA)
        lapse(database, sending(database, BEN).message_id)
        let_pass(database, OLD)

        assert purged(database, unsettled_too=True) == Purged(sends=2, messages=2, recipients=2)
        with pytest.raises(NoSuchMessage):
            resolve(database, request.message_id, placed=True, window=WINDOW)

    def test_what_is_asked_for_at_once_is_not_what_is_under_way(self, database: Database) -> None:
        for make in (uncertain, sending, lambda ledger, number: accepted(ledger, "r1", number)):
            make(database, ADA)
        settled(database, "r2", BEN)

        taken = purged(database, timedelta(), unsettled_too=True)

        assert (taken.sends, taken.unsettled_sends) == (1, 3)


class TestWhatIsLeftOfIt:
    def test_its_key_gives_back_its_receipts(self, database: Database) -> None:
        before = plan(database, a_plan((ADA, BEN), (CAI,), key="k"))
        for part in before.parts:
            claimed(database, part.message_id).answered("accepted", f"r{part.part}")
        let_pass(database, OLD)
        purged(database)

        again = plan(database, a_plan((ADA, BEN), (CAI,), key="k"))

        assert (again.send_id, again.resumed, again.difference) == (before.send_id, True, None)
        assert [(part.message_id, part.ref, part.recipients) for part in again.parts] == [
            (part.message_id, f"r{part.part}", part.recipients) for part in before.parts
        ]
        assert [read_part(database, part.message_id)[0] for part in again.parts] == list(again.parts)
        assert [try_claim(database, part.message_id, resend=True) for part in again.parts] == [None, None]

    @pytest.mark.parametrize("mask", [False, True])
    def test_nobody_is_planned_anew_whatever_is_given(self, database: Database, mask: bool) -> None:
        settled(database, "r1", ADA, key="k")
        let_pass(database, OLD)
        purged(database, mask=mask)

        again = plan(database, a_plan((BEN, CAI), key="k", media="https://media.test/b.mp3"), replan=True)

        assert [part.ref for part in again.parts] == ["r1"]
        assert BEN not in {recipient["number"] for recipient in rows(database, schema.recipient)}

    @pytest.mark.parametrize("mask", [False, True])
    def test_what_may_have_rung_is_an_error_and_not_sent(self, database: Database, mask: bool) -> None:
        first, second = plan(database, a_plan((ADA,), (BEN,), key="k")).parts
        claimed(database, first.message_id).answered("accepted", "r1")
        claimed(database, second.message_id).answered("refused")
        let_pass(database, OLD)
        purged(database, mask=mask)

        with pytest.raises(KeyInUse, match=r"purged, with 1 of its 2 parts \(1 recipients\)"):
            plan(database, a_plan((ADA,), (BEN,), key="k"), replan=True)
        assert try_claim(database, second.message_id) is None

    @pytest.mark.parametrize("mask", [False, True])
    def test_a_key_under_which_nobody_was_rung_is_free_again(self, database: Database, mask: bool) -> None:
        request = claimed(database, plan(database, a_plan((ADA,), key="k")).parts[0].message_id)
        request.answered("refused")
        let_pass(database, OLD)
        purged(database, mask=mask)

        again = plan(database, a_plan((ADA,), key="k"))

        assert not again.resumed
        assert try_claim(database, again.parts[0].message_id) is not None
        assert try_claim(database, request.message_id) is None

    def test_its_ref_ids_are_known_to_be_purged(self, database: Database) -> None:
        settled(database, "r1", ADA)
        nameless = uncertain(database, BEN)
        resolve(database, nameless.message_id, placed=True, window=WINDOW)
        let_pass(database, OLD)
        purged(database)

        refs = ["r1", f"ledger:{nameless.message_id}", "never-seen", "ledger:nowhere"]
        progress = look(database, refs, attempt_window=timedelta()).progress

        assert progress.unknown_ref_ids == tuple(refs)
        assert progress.purged_ref_ids == tuple(refs[:2])

    def test_a_person_who_looks_for_it_is_told(self, database: Database) -> None:
        request = settled(database, "r1", ADA)
        let_pass(database, OLD)
        purged(database)

        with pytest.raises(NoSuchMessage, match="was purged"):
            show_message(database, request.message_id)

    def test_a_late_callback_of_it_is_not_another_ones(self, database: Database) -> None:
        settled(database, "r1", ADA)
        let_pass(database, OLD)
        purged(database)
        other = uncertain(database, ADA)

        arrive(database, a_call(ADA, ref_id="r1"), an_answer("r1"))

        assert {callback["match_state"] for callback in rows(database, schema.callback)} == {"unmatched"}
        assert row(database, schema.request)["ref_id"] is None
        assert row(database, schema.message)["state"] == "uncertain"
        assert other.message_id == row(database, schema.message)["id"]

    def test_a_repeat_that_comes_after_a_purge_is_no_other_call(self, database: Database) -> None:
        call = a_call(ADA, identity="the same")
        accepted(database, "r1", ADA)
        arrive(database, call)
        assert purged(database, timedelta()).callbacks == 1
        assert holding_a_number(database) == []
        accepted(database, "r2", ADA)

        assert arrive(database, call).repeats == 1
        assert row(database, schema.recipient)["state"] == "pending"

        let_pass(database, timedelta(hours=2))
        assert purged(database).callbacks == 1

    def test_silence_from_before_a_purge_proves_nothing(self, database: Database) -> None:
        request = uncertain(database, ADA)
        assert not read_evidence(database, request.message_id, window=WINDOW).purged
        purged(database, timedelta())
        assert read_evidence(database, request.message_id, window=WINDOW).purged

        later = uncertain(database, ADA)
        assert not read_evidence(database, later.message_id, window=WINDOW).purged

    def test_how_far_it_went_is_kept_once(self, database: Database) -> None:
        for days in (2, 3, 1):
            purged(database, timedelta(days=days))

        ages = [(datetime.now(UTC) - each["purged_until"]).days for each in rows(database, schema.purge)]
        assert ages == [1]


class TestKeys:
    def test_they_stay_for_ever_where_nobody_says_otherwise(self, database: Database) -> None:
        settled(database, "r1", ADA, key="k")
        let_pass(database, 20 * OLD)
        purged(database)

        assert purged(database) == Purged()
        assert [part.ref for part in plan(database, a_plan((ADA,), key="k")).parts] == ["r1"]

    def test_they_go_with_receipts_and_tasks_when_they_are_old(self, database: Database) -> None:
        place = TaskPlace("default", "alerts", "manual__1", "ring", -1)
        begin_attempt(database, place, Attempt("ti", 1, 2))
        settled(database, "r1", ADA, key="k")
        let_pass(database, OLD)
        purged(database, keys_older_than=2 * OLD)
        assert len(rows(database, schema.receipt)) == len(rows(database, schema.task)) == 1
        let_pass(database, OLD)

        assert purged(database, keys_older_than=2 * OLD) == Purged(keys=2)
        for table in (schema.send, schema.receipt, schema.task):
            assert rows(database, table) == [], table.name

    def test_the_key_of_what_stays_stays(self, database: Database) -> None:
        uncertain(database, ADA)
        let_pass(database, 3 * OLD)

        assert purged(database, keys_older_than=2 * OLD) == Purged(unsettled_sends=1)

    def test_they_are_not_forgotten_before_what_they_stand_for(self, database: Database) -> None:
        with pytest.raises(ValueError, match="at least as long"):
            purged(database, OLD, keys_older_than=OLD - timedelta(days=1))


class TestMasking:
    def test_the_statistics_stay_and_the_numbers_go(self, database: Database) -> None:
        settled(database, "r1", ADA, BEN)
        let_pass(database, OLD)
        before, _ = read_outcome(database, ["r1"], attempt_window=timedelta())

        assert purged(database, mask=True) == Purged(sends=1, messages=1, recipients=2, callbacks=2)

        after, progress = read_outcome(database, ["r1"], attempt_window=timedelta())
        assert progress.unknown_ref_ids == ()
        assert (after.summary(), after.total_amount) == (before.summary(), before.total_amount)
        assert [call.as_dict() | {"to_number": ""} for call in after.calls] == [
            call.as_dict() | {"to_number": ""} for call in before.calls
        ]
        assert holding_a_number(database) == []

    def test_nothing_that_was_made_of_a_number_stays(self, database: Database) -> None:
        settled(database, "r1", ADA, BEN)
        let_pass(database, OLD)
        purged(database, mask=True)

        for callback in rows(database, schema.callback):
            assert (callback["raw"], callback["number"], callback["identity"], callback["detail"]) == (
                b"",
                None,
                None,
                None,
            )
        assert row(database, schema.message)["from_number"] is None
        assert row(database, schema.request)["detail"] is None
        recipients = rows(database, schema.recipient)
        assert [found["number"] for found in recipients] == [f"masked:{found['id']}" for found in recipients]

    def test_the_hash_of_what_may_be_repeated_goes_with_the_next_purge(self, database: Database) -> None:
        settled(database, "r1", ADA)
        assert purged(database, timedelta(), mask=True).recipients == 1
        assert row(database, schema.callback)["identity"] is not None
        assert row(database, schema.send)["purge_state"] == "masking"
        let_pass(database, timedelta(hours=2))

        assert purged(database, mask=True) == Purged(sends=1, callbacks=1)
        assert row(database, schema.callback)["identity"] is None
        assert row(database, schema.send)["purge_state"] == "masked"

    def test_masking_again_finds_nothing(self, database: Database) -> None:
        settled(database, "r1", ADA)
        let_pass(database, OLD)
        purged(database, mask=True)

        assert purged(database, mask=True) == Purged()

    def test_what_was_masked_goes_when_it_is_older(self, database: Database) -> None:
        settled(database, "r1", ADA, key="k")
        let_pass(database, OLD)
        purged(database, mask=True)
        assert purged(database, 2 * OLD) == Purged()
        let_pass(database, OLD)

        assert purged(database, 2 * OLD) == Purged(sends=1, messages=1, recipients=1, callbacks=1)
        assert [part.ref for part in plan(database, a_plan((ADA,), key="k")).parts] == ["r1"]
