from __future__ import annotations

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import NoSuchMessage
from airflow_provider_ninebits.ledger.sends import read_part
from airflow_provider_ninebits.ledger.states import MessageState
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    CAI,
    Request,
    a_plan,
    at_once,
    claimed,
    lapse,
    message_state,
    numbers_of,
    plan,
    row,
    rows,
    sending,
    try_claim,
    uncertain,
)


class TestPlanning:
    def test_all_parts_are_planned_before_anything_is_sent(self, database: Database) -> None:
        planned = plan(database, a_plan((ADA, BEN), (CAI,)))

        assert not planned.resumed
        assert [(part.part, part.state, part.recipients) for part in planned.parts] == [
            (0, MessageState.PLANNED, 2),
            (1, MessageState.PLANNED, 1),
        ]
        assert rows(database, schema.request) == []

    def test_a_planned_recipient_is_pending(self, database: Database) -> None:
        plan(database, a_plan())

        recipient = row(database, schema.recipient)
        assert (recipient["number"], recipient["state"], recipient["attempts"]) == (ADA, "pending", 0)

    def test_numbers_keep_the_order_in_which_they_were_given(self, database: Database) -> None:
        numbers = tuple(f"2348{(7 * n) % 1000:09}" for n in range(1000))
        planned = plan(database, a_plan(numbers))

        assert numbers_of(database, planned.parts[0].message_id) == numbers

    def test_the_same_key_finds_the_same_send(self, database: Database) -> None:
        first = plan(database, a_plan((ADA,), (BEN,), key="k"))
        again = plan(database, a_plan((ADA,), (BEN,), key="k"))

        assert again.resumed
        assert again.difference is None
        assert (again.send_id, again.parts) == (first.send_id, first.parts)

    def test_sends_without_a_key_are_never_the_same(self, database: Database) -> None:
        assert plan(database, a_plan()).send_id != plan(database, a_plan()).send_id

    def test_several_that_come_first_at_once_with_one_key_get_one_send(self, database: Database) -> None:
        found = at_once(6, lambda _: plan(database, a_plan((ADA, BEN), key="k")).send_id)

        assert len(set(found)) == 1
        assert len(rows(database, schema.recipient)) == 2

    def test_a_number_is_rung_once_in_a_send_whatever_its_parts(self, database: Database) -> None:
        planned = plan(database, a_plan((ADA, BEN, ADA), (BEN, CAI)), part_size=2)

        assert [numbers_of(database, part.message_id) for part in planned.parts] == [(ADA, BEN), (CAI,)]


class TestClaiming:
    def test_one_of_many_gets_the_claim(self, database: Database) -> None:
        message_id = plan(database, a_plan()).parts[0].message_id

        requests = at_once(8, lambda _: try_claim(database, message_id))

        assert sum(request is not None for request in requests) == 1
        assert [request["state"] for request in rows(database, schema.request)] == ["sending"]

    @pytest.mark.parametrize("resend", [False, True])
    def test_a_live_lease_is_nobody_elses(self, database: Database, resend: bool) -> None:
        request = sending(database)

        assert try_claim(database, request.message_id, resend=resend) is None

    def test_a_lapsed_lease_is_left_alone_where_nobody_asked_for_a_resend(self, database: Database) -> None:
        request = sending(database)
        lapse(database, request.message_id)

        assert try_claim(database, request.message_id) is None

    def test_a_lapsed_lease_is_claimed_for_a_resend(self, database: Database) -> None:
        first = sending(database)
        lapse(database, first.message_id)
        second = claimed(database, first.message_id, resend=True)

        assert [request["state"] for request in rows(database, schema.request)] == ["uncertain", "sending"]
        assert second.id > first.id
        assert message_state(database, second) == "sending"

    def test_one_of_many_gets_a_lapsed_lease(self, database: Database) -> None:
        request = sending(database)
        lapse(database, request.message_id)

        requests = at_once(8, lambda _: try_claim(database, request.message_id, resend=True))

        assert sum(request is not None for request in requests) == 1

    def test_an_uncertain_message_is_claimed_for_a_resend_only(self, database: Database) -> None:
        request = uncertain(database)

        assert try_claim(database, request.message_id) is None
        assert try_claim(database, request.message_id, resend=True) is not None

    def test_a_refused_message_is_claimed_again(self, database: Database) -> None:
        request = sending(database)
        request.answered("refused")

        assert try_claim(database, request.message_id) is not None

    @pytest.mark.parametrize("resend", [False, True])
    def test_an_accepted_message_is_never_claimed_again(self, database: Database, resend: bool) -> None:
        request = sending(database)
        request.answered("accepted", "x")

        assert try_claim(database, request.message_id, resend=resend) is None

    def test_a_message_that_is_not_there_is_not_claimed(self, database: Database) -> None:
        assert try_claim(database, "nowhere", resend=True) is None

    def test_a_claim_names_its_connection_and_its_lease(self, database: Database) -> None:
        request = sending(database, conn_id="other")
        part, now = read_part(database, request.message_id)

        assert part.lease_expires_at is not None
        assert part.lease_expires_at > now
        assert row(database, schema.request)["conn_id"] == "other"


class TestRecordingAnAnswer:
    @pytest.mark.parametrize("state", ["accepted", "refused", "uncertain"])
    def test_the_message_follows(self, database: Database, state: str) -> None:
        request = sending(database)

        assert request.answered(state, "x" if state == "accepted" else None) == state
        assert read_part(database, request.message_id)[0].state == state

    @pytest.mark.parametrize("state", ["refused", "uncertain"])
    def test_a_message_that_may_be_claimed_again_has_no_lease(self, database: Database, state: str) -> None:
        request = sending(database)
        request.answered(state)

        assert read_part(database, request.message_id)[0].lease_expires_at is None

    @pytest.mark.parametrize("state", ["accepted", "refused", "uncertain"])
    def test_twice_is_as_good_as_once(self, database: Database, state: str) -> None:
        request = sending(database)
        ref_id = "x" if state == "accepted" else None
        request.answered(state, ref_id)
        once = {**row(database, schema.request), "finished_at": None}

        assert request.answered(state, ref_id) == state
        assert {**row(database, schema.request), "finished_at": None} == once

    def test_a_part_gives_its_ref_id(self, database: Database) -> None:
        request = sending(database)
        request.answered("accepted", "x")

        assert read_part(database, request.message_id)[0].ref == "x"

    def test_the_ledgers_own_id_stands_in_where_there_is_none(self, database: Database) -> None:
        request = uncertain(database)

        assert read_part(database, request.message_id)[0].ref == f"ledger:{request.message_id}"

    def test_a_rate_limited_part_is_planned_again(self, database: Database) -> None:
        request = sending(database)

        assert request.answered("refused", plan_again=True) is MessageState.PLANNED
        assert try_claim(database, request.message_id) is not None

    def test_a_rate_limited_resend_leaves_what_was_uncertain(self, database: Database) -> None:
        first = uncertain(database)
        second = claimed(database, first.message_id, resend=True)

        assert second.answered("refused", plan_again=True) is MessageState.UNCERTAIN

    def test_one_refused_resend_does_not_take_back_what_was_uncertain(self, database: Database) -> None:
        first = uncertain(database)
        second = claimed(database, first.message_id, resend=True)

        assert second.answered("refused") is MessageState.UNCERTAIN

    def test_a_zombies_answer_counts_after_its_part_was_sent_again(self, database: Database) -> None:
        zombie = sending(database)
        lapse(database, zombie.message_id)
        second = claimed(database, zombie.message_id, resend=True)
        second.answered("accepted", "second")

        assert zombie.answered("accepted", "first") is MessageState.ACCEPTED
        assert read_part(database, zombie.message_id)[0].ref_ids == ("first", "second")

    def test_a_zombies_refusal_leaves_the_live_lease(self, database: Database) -> None:
        zombie = sending(database)
        lapse(database, zombie.message_id)
        second = claimed(database, zombie.message_id, resend=True)

        assert zombie.answered("refused") is MessageState.SENDING
        assert try_claim(database, second.message_id, resend=True) is None

    def test_two_answers_at_once_for_one_message_miss_nothing(self, database: Database) -> None:
        first = sending(database)
        lapse(database, first.message_id)
        second = claimed(database, first.message_id, resend=True)
        answers: list[tuple[Request, str]] = [(first, "refused"), (second, "refused")]

        at_once(2, lambda index: answers[index][0].answered(answers[index][1]))

        assert message_state(database, first) == "refused"


def test_a_message_that_the_ledger_does_not_hold_is_an_error(database: Database) -> None:
    with pytest.raises(NoSuchMessage, match="nowhere"):
        read_part(database, "nowhere")
