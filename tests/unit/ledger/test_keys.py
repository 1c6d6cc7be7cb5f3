from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ninebits.ledger.keys import (
    Attempt,
    Sighting,
    TaskPlace,
    generation_of,
    is_outdated,
    place_key,
    task_key,
    user_key,
)

PLACE = TaskPlace("default", "alerts", "manual__1", "ring", -1)
SEEN = Attempt("ti-2", try_number=2, max_tries=3)


def seen(*, finished: bool) -> Sighting:
    return Sighting(SEEN, generation=4, finished=finished)


def test_a_place_never_seen_begins_at_0() -> None:
    assert generation_of(SEEN, None) == 0


@pytest.mark.parametrize("finished", [False, True], ids=["unfinished", "finished"])
@pytest.mark.parametrize(
    ("attempt", "generation"),
    [
        pytest.param(Attempt("ti-2", 2, 3), 4, id="rule 1: the same attempt"),
        pytest.param(Attempt("ti-2", 1, 9), 4, id="rule 1 before 2: the same id with other counts"),
        pytest.param(Attempt("ti-9", 2, 3), 5, id="rule 2: the same try number in another attempt"),
        pytest.param(Attempt("ti-9", 1, 3), 5, id="rule 2: a lower try number"),
        pytest.param(Attempt("ti-9", 2, 7), 5, id="rule 2 before 4: max_tries differs too"),
        pytest.param(Attempt("ti-9", 3, 3), 4, id="rule 3: a retry, whatever the mark says"),
        pytest.param(Attempt("ti-9", 4, 3), 4, id="rule 3: a retry after one that was never seen"),
    ],
)
def test_rules_1_to_3_do_not_look_at_the_mark(attempt: Attempt, generation: int, finished: bool) -> None:
    assert generation_of(attempt, seen(finished=finished)) == generation


@pytest.mark.parametrize("max_tries", [2, 4])
@pytest.mark.parametrize(("finished", "generation"), [(False, 4), (True, 5)])
def test_rule_4_a_cleared_task_rings_again_only_if_its_work_had_ended(
    max_tries: int, finished: bool, generation: int
) -> None:
    assert generation_of(Attempt("ti-9", 3, max_tries), seen(finished=finished)) == generation


class TestAnOutdatedAttempt:
    """A process that slept while it was replaced; Airflow's ids begin with the time at which they were made."""

    OLDER, NEWER = "01890000-0000-7000-8000-ffffffffffff", "01890000-0001-7000-8000-000000000000"

    @pytest.mark.parametrize("finished", [False, True], ids=["unfinished", "finished"])
    @pytest.mark.parametrize("max_tries", [3, 4], ids=["replaced by a retry", "replaced after a clear"])
    def test_belongs_to_the_generation_of_its_successor(self, finished: bool, max_tries: int) -> None:
        last = Sighting(Attempt(self.NEWER, 2, max_tries), generation=4, finished=finished)
        assert is_outdated(Attempt(self.OLDER, 1, 3), last)
        assert generation_of(Attempt(self.OLDER, 1, 3), last) == 4

    @pytest.mark.parametrize(
        ("task_instance_id", "last_id"),
        [
            pytest.param(NEWER, OLDER, id="it was made later: the run was made anew"),
            pytest.param(OLDER, "01890000-0000-7000-8000-000000000000", id="in the same millisecond"),
            pytest.param("00000000-0000-4000-8000-000000000000", NEWER, id="an id that tells no time"),
            pytest.param(OLDER, "ti-2", id="no id of Airflow's"),
        ],
    )
    def test_is_told_by_the_ids_alone(self, task_instance_id: str, last_id: str) -> None:
        last = Sighting(Attempt(last_id, 2, 3), generation=4, finished=False)
        assert not is_outdated(Attempt(task_instance_id, 1, 3), last)
        assert generation_of(Attempt(task_instance_id, 1, 3), last) == 5

    def test_is_none_where_its_try_number_is_higher(self) -> None:
        # Two schedulers' clocks may differ: the count of tries is surer.
        assert not is_outdated(Attempt(self.OLDER, 3, 3), Sighting(Attempt(self.NEWER, 2, 3), 4, False))


attempts = st.builds(Attempt, st.sampled_from(["ti-1", "ti-2"]), st.integers(1, 3), st.integers(0, 3))


@given(attempts, st.builds(Sighting, attempts, st.integers(0, 5), st.booleans()))
def test_a_generation_stays_or_rises_by_one(attempt: Attempt, last: Sighting) -> None:
    assert generation_of(attempt, last) - last.generation in (0, 1)


names = st.text(alphabet='a/",[]\\', max_size=4)
places = st.builds(TaskPlace, names, names, names, names, st.integers(-1, 2))


@given(places, places, st.integers(0, 2), st.integers(0, 2))
def test_two_tasks_share_no_key(one: TaskPlace, other: TaskPlace, generation: int, step: int) -> None:
    assert (task_key(one, generation) == task_key(other, generation)) == (one == other)
    assert (place_key(one) == place_key(other)) == (one == other)
    assert (task_key(one, generation, step) == task_key(one, step, generation)) == (generation == step)


def test_a_key_is_the_same_on_every_machine() -> None:
    # A changed digest would ring everybody of an unfinished send again after an upgrade.
    assert task_key(PLACE, 0) == "0ad25831200744ec3fbb26a92ca9742cf373fa6b93270189bed525a70ce51acb"
    assert user_key("default", "order-17") == "4a3f6de1007314736ec6eb487fc817c0a68a1a0571e958f5a51934ffd04bcf0f"


def test_the_key_of_a_user_belongs_to_a_deployment() -> None:
    assert user_key("default", "order-17") != user_key("other", "order-17")


def test_the_key_of_a_user_is_never_a_tasks() -> None:
    assert user_key("default", "x") not in {task_key(PLACE, 0), place_key(PLACE)}


def test_keys_take_any_text() -> None:
    assert len(user_key("größe", "\U0001f4de")) == 64
