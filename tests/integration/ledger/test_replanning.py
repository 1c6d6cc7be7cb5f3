from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.errors import KeyInUse, PlanRefused
from airflow_provider_ninebits.ledger.planning import plan_send
from airflow_provider_ninebits.ledger.recording import Answer, record_answer
from airflow_provider_ninebits.ledger.states import MessageState, RequestState
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    CAI,
    a_call,
    a_plan,
    arrive,
    claimed,
    mapped,
    message_state,
    numbers_of,
    plan,
    rows,
    set_columns,
    try_claim,
)

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import SendPlan

DAN = "2348020000004"
MEDIA = "https://media.test/a.mp3"


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

    def test_a_part_that_gives_way_lets_go_of_the_callbacks_of_its_recipients(self, database: Database) -> None:
        """On SQLite the id of a recipient that was deleted is given to the next one."""
        first = plan(database, a_plan((ADA,), key="k"))
        claimed(database, first.parts[0].message_id).answered("accepted", "x")
        arrive(database, a_call(ref_id="x"))
        set_columns(database, schema.message, {"state": "refused"}, id=first.parts[0].message_id)

        plan(database, a_plan((BEN,), key="k"), replan=True)

        assert [each["recipient_id"] for each in rows(database, schema.callback)] == [None]

    def test_an_answer_recorded_again_does_not_bring_a_replaced_part_back(self, database: Database) -> None:
        # A sender that lost the ledger while it recorded a refusal tries again, after another has planned anew.
        first = plan(database, a_plan((ADA,), key="k"))
        request = claimed(database, first.parts[0].message_id)
        request.answered("refused")
        plan(database, a_plan((BEN,), key="k"), replan=True)

        record_answer(database, request.id, Answer(RequestState.REFUSED))

        assert message_state(database, request) == "replaced"
        assert try_claim(database, request.message_id) is None


class TestTheMappedInstanceWhoseIndexNowNamesOthers:
    """Index 1 had BEN, who was refused; the list comes in another order, and its index names ADA."""

    @pytest.fixture
    def ben_was_refused(self, database: Database) -> None:
        second = plan(database, mapped(a_plan((BEN,), key="1"), 1)).parts[0]
        claimed(database, second.message_id).answered("refused")

    @staticmethod
    def sibling(database: Database, *numbers: str, state: str | None, media: str = MEDIA, **where: object) -> str:
        index = where.pop("map_index", 0)
        begun = mapped(a_plan(numbers or (ADA,), key=f"{index} {where}", media=media), index, **where)  # type: ignore[arg-type]
        message_id = plan(database, begun).parts[0].message_id
        if state is not None:
            request = claimed(database, message_id)
            if state != "sending":
                request.answered(state, "ref of ADA" if state == "accepted" else None)
        return message_id

    @pytest.mark.usefixtures("ben_was_refused")
    @pytest.mark.parametrize("state", ["accepted", "uncertain"])
    def test_leaves_them_to_the_one_who_has_or_may_have_rung_them(self, database: Database, state: str) -> None:
        rung = self.sibling(database, state=state)

        again = plan(database, mapped(a_plan((ADA, CAI), key="1"), 1), replan=True)

        assert [numbers_of(database, part.message_id) for part in again.parts] == [(CAI,)]
        assert [part.message_id for part in again.siblings] == [rung]
        assert again.left_to_siblings == 1

    @pytest.mark.usefixtures("ben_was_refused")
    def test_has_nobody_to_ring_where_all_were_rung_and_says_so_each_time(self, database: Database) -> None:
        rung = self.sibling(database, state="accepted")

        for _ in range(2):
            again = plan(database, mapped(a_plan((ADA,), key="1"), 1), replan=True)

            assert again.parts == ()
            assert [part.ref for part in again.siblings] == ["ref of ADA"]
            assert (again.siblings[0].message_id, again.left_to_siblings) == (rung, 1)

    @pytest.mark.usefixtures("ben_was_refused")
    @pytest.mark.parametrize("state", [None, "refused"])
    def test_rings_those_whom_no_other_has_rung(self, database: Database, state: str | None) -> None:
        self.sibling(database, state=state)

        again = plan(database, mapped(a_plan((ADA,), key="1"), 1), replan=True)

        assert [numbers_of(database, part.message_id) for part in again.parts] == [(ADA,)]
        assert again.siblings == ()

    @pytest.mark.usefixtures("ben_was_refused")
    @pytest.mark.parametrize(
        "other",
        [
            pytest.param({"media": "https://media.test/b.mp3"}, id="with other media"),
            pytest.param({"run_id": "another"}, id="in another run"),
            pytest.param({"dag_id": "another"}, id="of another DAG"),
            pytest.param({"task_id": "another"}, id="of another task"),
            pytest.param({"deployment": "another"}, id="in another Airflow"),
            pytest.param({"map_index": 1}, id="by itself in an earlier generation, which was cleared on purpose"),
        ],
    )
    def test_rings_those_who_were_rung(self, database: Database, other: dict[str, object]) -> None:
        self.sibling(database, state="accepted", **other)  # type: ignore[arg-type]

        again = plan(database, mapped(a_plan((ADA,), key="1"), 1), replan=True)

        assert [numbers_of(database, part.message_id) for part in again.parts] == [(ADA,)]

    def test_rings_whom_two_instances_name_from_the_start(self, database: Database) -> None:
        self.sibling(database, state="accepted")

        both = plan(database, mapped(a_plan((ADA, BEN), key="1"), 1), replan=True)

        assert [numbers_of(database, part.message_id) for part in both.parts] == [(ADA, BEN)]

    @pytest.mark.usefixtures("ben_was_refused")
    def test_waits_for_the_answer_of_the_other(self, database: Database) -> None:
        rung = self.sibling(database, state="sending")
        request = rows(database, schema.request, message_id=rung)[0]["id"]
        waited = []

        def the_answer_comes(seconds: float) -> None:
            waited.append(seconds)
            record_answer(database, request, Answer(RequestState.REFUSED))

        again = plan_send(
            database, mapped(a_plan((ADA,), key="1"), 1), replan=True, part_size=1000, pause=the_answer_comes
        )

        assert waited == [1.0]
        assert [numbers_of(database, part.message_id) for part in again.parts] == [(ADA,)]
        assert again.siblings == ()

    @pytest.mark.usefixtures("ben_was_refused")
    def test_leaves_them_also_where_a_try_before_was_killed_while_it_planned(self, database: Database) -> None:
        rung = self.sibling(database, state="accepted")
        self.interrupted(database, a_plan((ADA, CAI), key="1"))

        again = plan(database, mapped(a_plan((ADA, CAI), key="1"), 1), replan=True)

        assert [numbers_of(database, part.message_id) for part in again.parts] == [(CAI,)]
        assert [part.message_id for part in again.siblings] == [rung]

    def test_rings_whom_two_name_where_its_first_plan_was_killed(self, database: Database) -> None:
        self.sibling(database, state="accepted")
        self.interrupted(database, a_plan((ADA, BEN), key="1"))

        again = plan(database, mapped(a_plan((ADA, BEN), key="1"), 1), replan=True)

        assert [numbers_of(database, part.message_id) for part in again.parts] == [(ADA, BEN)]
        assert again.siblings == ()

    @pytest.mark.parametrize("placed", [True, False])
    def test_may_find_nobody_left_after_a_try_that_was_killed_while_it_planned(
        self, database: Database, placed: bool
    ) -> None:
        kept = plan(database, mapped(a_plan((ADA,), (BEN,), key="1"), 1)).parts[0]
        if placed:
            claimed(database, kept.message_id).answered("accepted", "x")
        self.interrupted(database, a_plan((BEN, CAI), key="1"))
        nobody = replace(mapped(a_plan((ADA,), key="1"), 1), numbers=())

        if placed:
            assert [part.message_id for part in plan(database, nobody, replan=True).parts] == [kept.message_id]
        else:
            with pytest.raises(PlanRefused, match="nobody would be rung"):
                plan(database, nobody, replan=True)

    @staticmethod
    def interrupted(database: Database, given: SendPlan) -> None:
        """Plan as index 1, and be killed when the first transaction is committed."""

        class Killed(BaseException):
            pass

        def kill(_: float) -> None:
            raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("airflow_provider_ninebits.ledger.planning.PARTS_PER_TRANSACTION", 1)
            with pytest.raises(Killed):
                plan_send(database, mapped(given, 1), replan=True, part_size=1, pause=kill)
        assert rows(database, schema.send, map_index=1)[0]["planner"] is not None
        set_columns(
            database, schema.send, {"planner_expires_at": datetime.now(UTC) - timedelta(seconds=1)}, map_index=1
        )
