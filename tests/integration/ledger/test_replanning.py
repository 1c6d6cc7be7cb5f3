from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.errors import KeyInUse
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.sends import numbers_of
from airflow_provider_ninebits.ledger.states import MessageState, RequestState
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_plan, claimed, message_state, plan, rows, try_claim

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

DAN = "2348020000004"


class TestTheHookThatComesWithOtherThings:
    @pytest.mark.parametrize("placed", [False, True])
    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(a_plan((ADA, CAI), key="k"), id="another number"),
            pytest.param(a_plan((ADA,), key="k"), id="a number less"),
            pytest.param(a_plan((ADA, BEN, CAI), key="k"), id="a number more"),
            pytest.param(a_plan((ADA, BEN), key="k", media="https://media.test/b.mp3"), id="other media"),
        ],
    )
    def test_is_told_that_its_key_is_in_use(self, database: Database, other: object, placed: bool) -> None:
        part = plan(database, a_plan((ADA, BEN), key="k")).parts[0]
        if placed:
            claimed(database, part.message_id).answered("accepted", "x")

        with pytest.raises(KeyInUse, match="key of its own"):
            plan(database, other)  # type: ignore[arg-type]

        assert sorted(numbers_of(database, part.message_id)) == [ADA, BEN]

    def test_may_give_the_numbers_in_another_order_and_other_parts(self, database: Database) -> None:
        first = plan(database, a_plan((ADA, BEN), (CAI,), key="k"))
        again = plan(database, a_plan((CAI,), (BEN, ADA), key="k"))

        assert again.parts == first.parts


class TestTheOperatorThatComesWithOtherThings:
    @pytest.mark.parametrize("state", ["accepted", "sending", "uncertain"])
    def test_keeps_what_was_or_may_have_been_placed_and_plans_the_rest(self, database: Database, state: str) -> None:
        first = plan(database, a_plan((ADA,), (BEN,), key="k"))
        kept, unsent = first.parts
        request = claimed(database, kept.message_id)
        if state != "sending":
            request.answered(state, "x" if state == "accepted" else None)

        again = plan(database, a_plan((ADA, CAI), (DAN,), key="k"), replan=True)

        assert [numbers_of(database, part.message_id) for part in again.parts] == [(ADA,), (CAI, DAN)]
        assert again.parts[0].message_id == kept.message_id
        assert again.difference == "2 numbers were added, 1 are gone"
        assert rows(database, schema.message, id=unsent.message_id)[0]["state"] == "replaced"
        assert try_claim(database, unsent.message_id, resend=True) is None

    def test_rings_nobody_anew_where_all_was_placed(self, database: Database) -> None:
        first = plan(database, a_plan((ADA, BEN), key="k"))
        claimed(database, first.parts[0].message_id).answered("accepted", "x")

        again = plan(database, a_plan((ADA,), key="k"), replan=True)

        assert [part.state for part in again.parts] == [MessageState.ACCEPTED]
        assert again.difference == "0 numbers were added, 1 are gone"

    def test_plans_a_refused_part_anew(self, database: Database) -> None:
        first = plan(database, a_plan((ADA, BEN), key="k"))
        claimed(database, first.parts[0].message_id).answered("refused")

        again = plan(database, a_plan((ADA, CAI), key="k"), replan=True)

        assert [numbers_of(database, part.message_id) for part in again.parts] == [(ADA, CAI)]
        assert [part.part for part in again.parts] == [1]

    def test_keeps_placed_parts_where_the_media_is_another(self, database: Database) -> None:
        first = plan(database, a_plan((ADA,), (BEN,), key="k"))
        claimed(database, first.parts[0].message_id).answered("accepted", "x")

        again = plan(database, a_plan((ADA,), (BEN,), key="k", media="https://media.test/b.mp3"), replan=True)

        media = {each["id"]: each["media_url"] for each in rows(database, schema.message)}
        assert [media[part.message_id] for part in again.parts] == [
            "https://media.test/a.mp3",
            "https://media.test/b.mp3",
        ]
        assert again.difference is not None
        assert "media" in again.difference

    def test_splits_the_rest_into_parts(self, database: Database) -> None:
        plan(database, a_plan((ADA,), key="k"))

        again = plan(database, a_plan((BEN, CAI), (DAN,), key="k"), replan=True, part_size=2)

        assert [numbers_of(database, part.message_id) for part in again.parts] == [(BEN, CAI), (DAN,)]
        assert [part.recipients for part in again.parts] == [2, 1]

    def test_changes_nothing_where_nothing_differs(self, database: Database) -> None:
        first = plan(database, a_plan((ADA, BEN), key="k"))
        again = plan(database, a_plan((BEN, ADA), key="k"), replan=True)

        assert (again.parts, again.difference) == (first.parts, None)

    def test_an_answer_recorded_again_does_not_bring_a_replaced_part_back(self, database: Database) -> None:
        # A sender that lost the ledger while it recorded a refusal tries again, after another has planned anew.
        first = plan(database, a_plan((ADA,), key="k"))
        request = claimed(database, first.parts[0].message_id)
        request.answered("refused")
        plan(database, a_plan((BEN,), key="k"), replan=True)

        record_answer(database, request.id, Answer(RequestState.REFUSED))

        assert message_state(database, request) == "replaced"
        assert try_claim(database, request.message_id) is None
