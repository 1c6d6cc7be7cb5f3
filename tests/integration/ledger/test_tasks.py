from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.keys import Attempt, TaskPlace
from airflow_provider_ninebits.ledger.tasks import begin_attempt, finish

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

PLACE = TaskPlace("default", "alerts", "manual__1", "ring", -1)
FIRST = Attempt("ti-1", try_number=1, max_tries=2)
RETRY = Attempt("ti-2", try_number=2, max_tries=2)
CLEARED = Attempt("ti-2", try_number=2, max_tries=3)


def test_the_first_attempt_is_generation_0(database: Database) -> None:
    assert begin_attempt(database, PLACE, FIRST) == 0


def test_an_attempt_that_comes_back_keeps_its_generation(database: Database) -> None:
    begin_attempt(database, PLACE, FIRST)
    finish(database, PLACE, 0)

    assert begin_attempt(database, PLACE, FIRST) == 0


def test_a_retry_keeps_the_generation_whatever_the_mark_says(database: Database) -> None:
    begin_attempt(database, PLACE, FIRST)
    finish(database, PLACE, 0)

    assert begin_attempt(database, PLACE, RETRY) == 0


def test_a_cleared_task_whose_work_ended_rings_again(database: Database) -> None:
    begin_attempt(database, PLACE, FIRST)
    finish(database, PLACE, 0)

    assert begin_attempt(database, PLACE, CLEARED) == 1


def test_a_cleared_task_goes_on_where_its_work_has_not_ended(database: Database) -> None:
    begin_attempt(database, PLACE, FIRST)

    assert begin_attempt(database, PLACE, CLEARED) == 0


def test_the_mark_of_a_retry_that_was_cleared_is_not_forgotten(database: Database) -> None:
    begin_attempt(database, PLACE, FIRST)
    finish(database, PLACE, 0)
    begin_attempt(database, PLACE, RETRY)

    assert begin_attempt(database, PLACE, Attempt("ti-3", try_number=3, max_tries=4)) == 1


def test_a_new_generation_begins_without_the_mark(database: Database) -> None:
    begin_attempt(database, PLACE, FIRST)
    finish(database, PLACE, 0)
    begin_attempt(database, PLACE, CLEARED)

    assert begin_attempt(database, PLACE, Attempt("ti-3", try_number=3, max_tries=4)) == 1


def test_the_end_of_an_older_generation_does_not_mark_the_newer_one(database: Database) -> None:
    begin_attempt(database, PLACE, FIRST)
    finish(database, PLACE, 0)
    begin_attempt(database, PLACE, CLEARED)
    finish(database, PLACE, 0)

    assert begin_attempt(database, PLACE, Attempt("ti-3", try_number=3, max_tries=4)) == 1


def test_places_do_not_share_their_generations(database: Database) -> None:
    other = TaskPlace("default", "alerts", "manual__1", "ring", 0)
    begin_attempt(database, PLACE, FIRST)
    finish(database, PLACE, 0)
    begin_attempt(database, PLACE, CLEARED)

    assert begin_attempt(database, other, FIRST) == 0
