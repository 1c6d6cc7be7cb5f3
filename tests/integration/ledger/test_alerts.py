"""Claims on alerts in a real ledger: one rings, the others wait or are counted, and nobody dies with a claim."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.ledger import alerts, schema
from airflow_provider_ninebits.ledger.alerts import (
    Alert,
    AlertVerdict,
    Ring,
    Ruling,
    ask,
    goes_on,
    hold_back,
    let_go,
    list_alerts,
    note_rung,
)
from airflow_provider_ninebits.ledger.purging import Purged
from tests.integration.ledger.purge_scenes import OLD, let_pass, purged
from tests.integration.ledger.scenes import row, rows

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

ALERT = Alert("a" * 64, "default", "etl manual__1", "etl", "manual__1", "load")
LEASE = timedelta(seconds=14)
AT_ONCE = 50


def asked(database: Database, alert: Alert = ALERT, **how: Any) -> Ruling:
    return ask(database, alert, **{"cooldown": timedelta(minutes=15), "owner": "me", "lease": LEASE, **how})


def claimed(database: Database, alert: Alert = ALERT, **how: Any) -> Ring:
    ruling = asked(database, alert, **how)
    assert ruling.verdict is AlertVerdict.RING
    assert ruling.ring is not None
    return ruling.ring


def test_the_first_rings_and_the_others_wait_for_it(database: Database) -> None:
    assert claimed(database).claimed
    assert asked(database, owner="another") == Ruling(AlertVerdict.WAIT)


def test_who_comes_after_the_call_is_held_back_and_counted_until_the_cooldown_is_over(database: Database) -> None:
    first = claimed(database)
    note_rung(database, ALERT, first)
    let_pass(database, timedelta(minutes=14))
    for place in (1, 2):
        ruling = asked(database, replace(ALERT, task_id=f"task {place}"))
        assert (ruling.verdict, ruling.held_back) == (AlertVerdict.HELD_BACK, place)
        assert 840 <= ruling.rang_seconds_ago < 900
    [shown] = list_alerts(database)
    assert (shown.rings, shown.held_back, shown.held_back_in_all) == (1, 2, 2)
    assert (shown.task_id, shown.held_back_task_id) == ("load", "task 2")

    let_pass(database, timedelta(minutes=1))
    second = claimed(database)
    assert second.ring_id != first.ring_id
    note_rung(database, ALERT, second)
    [shown] = list_alerts(database)
    assert (shown.rings, shown.held_back, shown.held_back_in_all) == (2, 0, 2)


def test_what_is_let_go_is_gone_on_with_by_the_next(database: Database) -> None:
    first = claimed(database)
    let_go(database, ALERT, "another")
    assert asked(database).verdict is AlertVerdict.WAIT
    let_go(database, ALERT, "me")
    assert claimed(database, owner="another") == first


def test_a_claim_of_somebody_who_died_lapses(database: Database) -> None:
    first = claimed(database)
    let_pass(database, LEASE)
    assert claimed(database, owner="another") == first
    # Should it be alive after all, it lets nobody else's claim go.
    let_go(database, ALERT, "me")
    assert asked(database).verdict is AlertVerdict.WAIT


def test_what_was_begun_long_ago_is_begun_anew(database: Database) -> None:
    first = claimed(database)
    let_pass(database, timedelta(minutes=16))
    assert claimed(database).ring_id != first.ring_id


def test_noted_by_two_it_counts_once(database: Database) -> None:
    first = claimed(database)
    note_rung(database, ALERT, first)
    note_rung(database, replace(ALERT, task_id="another"), first)
    found = row(database, schema.alert)
    assert (found["rings"], found["task_id"], found["ring_id"], found["claimed_until"]) == (1, "load", None, None)


def test_a_call_that_was_found_accepted_rang_when_the_ring_was_begun(database: Database) -> None:
    first = claimed(database)
    let_pass(database, timedelta(minutes=5))
    begun_at = row(database, schema.alert)["begun_at"]
    note_rung(database, ALERT, first, before=True)
    assert row(database, schema.alert)["rang_at"] == begun_at


def test_without_a_cooldown_each_rings_beside_the_one_that_is_ringing(database: Database) -> None:
    first = claimed(database)
    apart = [claimed(database, cooldown=timedelta()) for _ in range(2)]
    assert len({ring.ring_id for ring in (first, *apart)}) == 3
    assert not any(ring.claimed for ring in apart)
    note_rung(database, ALERT, apart[0])
    let_go(database, ALERT, "another")
    note_rung(database, ALERT, apart[1])
    found = row(database, schema.alert)
    assert (found["rings"], found["ring_id"]) == (2, first.ring_id)
    note_rung(database, ALERT, first)
    assert row(database, schema.alert)["rings"] == 3


def test_who_could_not_wait_any_longer_is_counted(database: Database) -> None:
    claimed(database)
    hold_back(database, replace(ALERT, dag_id=None, run_id=None, task_id=None))
    found = row(database, schema.alert)
    assert (found["held_back"], found["held_back_in_all"], found["held_back_dag_id"]) == (1, 1, None)


@pytest.mark.parametrize("rang_before", [False, True], ids=["a new key", "a key that rang long ago"])
def test_of_fifty_at_once_one_rings(database: Database, monkeypatch: pytest.MonkeyPatch, *, rang_before: bool) -> None:
    if rang_before:
        note_rung(database, ALERT, claimed(database))
        let_pass(database, timedelta(hours=1))
    # As if each were held up between what it reads and what it writes.
    monkeypatch.setattr(alerts, "goes_on", lambda *given: bool(sleep(0.05)) or goes_on(*given))
    together = Barrier(AT_ONCE)

    def one(place: int) -> AlertVerdict:
        together.wait()
        return asked(database, owner=str(place)).verdict

    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = list(pool.map(one, range(AT_ONCE)))
    assert sorted(verdicts) == sorted([AlertVerdict.RING] + [AlertVerdict.WAIT] * (AT_ONCE - 1))
    assert len(rows(database, schema.alert)) == 1


def test_the_last_seen_is_listed_first(database: Database) -> None:
    for place in range(3):
        claimed(database, replace(ALERT, key=str(place), dedup_key=f"key {place}"))
        let_pass(database, timedelta(minutes=1))
    assert [shown.dedup_key for shown in list_alerts(database, limit=2)] == ["key 2", "key 1"]
    assert [shown.ringing for shown in list_alerts(database)] == [False] * 3


def test_a_purge_takes_keys_with_which_no_alert_came_for_long(database: Database) -> None:
    note_rung(database, ALERT, claimed(database))
    let_pass(database, OLD)
    claimed(database, replace(ALERT, key="new"))
    assert purged(database) == Purged(alerts=1)
    assert row(database, schema.alert)["key"] == "new"


def test_after_a_purge_no_ring_is_taken_for_an_earlier_one(database: Database) -> None:
    first = claimed(database)
    let_pass(database, OLD)
    purged(database)
    note_rung(database, ALERT, first)
    assert claimed(database).ring_id != first.ring_id
