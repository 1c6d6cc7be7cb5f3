from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import rematching
from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.dead_letters import Fate, count_callbacks, list_callbacks, show_callback
from airflow_provider_ninebits.ledger.errors import NoSuchCallback
from airflow_provider_ninebits.ledger.rematching import try_again
from airflow_provider_ninebits.webhook.arrivals import read_arrivals
from tests.integration.ledger.scenes import ADA, BEN, CAI, WINDOW, accepted, states

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

STRANGER = "2349099999999"


def arrive(database: Database, body: object, conn_id: str | None = None) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    store(database, read_arrivals(raw, conn_id, "UTC"), window=WINDOW)


@pytest.fixture
def letters(database: Database) -> Database:
    """One callback of each fate, and one that is of none."""
    for ref_id in ("r1", "r2"):
        accepted(database, ref_id, BEN)
    accepted(database, "r3", CAI)
    arrive(database, {"to_number": CAI, "ref_id": "r3"})
    arrive(database, {"to_number": STRANGER, "ref_id": "nobody's", "total_amount": "30"}, "alerts")
    arrive(database, b"\xff not JSON")
    arrive(database, {"to_number": ADA, "call_direction": "inbound"})
    arrive(database, {"to_number": BEN})
    return database


def test_each_fate_is_listed_and_counted(letters: Database) -> None:
    found = {fate: list_callbacks(letters, fate=fate) for fate in Fate}
    assert {fate: [each.number for each in some] for fate, some in found.items()} == {
        "unmatched": [STRANGER],
        "unreadable": [None],
        "inbound": [ADA],
        "ambiguous": [BEN],
    }
    assert count_callbacks(letters) == dict.fromkeys(Fate, 1)


def test_all_of_them_are_listed_newest_first_and_not_those_that_settled_somebody(letters: Database) -> None:
    assert [each.number for each in list_callbacks(letters)] == [BEN, ADA, None, STRANGER]
    assert [each.number for each in list_callbacks(letters, limit=2)] == [BEN, ADA]


def test_one_is_shown_as_it_came(letters: Database) -> None:
    unreadable, unmatched, ambiguous = (
        show_callback(letters, list_callbacks(letters, fate=fate)[0].callback_id)
        for fate in (Fate.UNREADABLE, Fate.UNMATCHED, Fate.AMBIGUOUS)
    )
    assert (unreadable.raw, unreadable.summary.detail) == (b"\xff not JSON", "the body is no JSON")
    assert (unmatched.summary.conn_path, unmatched.summary.ref_id) == ("alerts", "nobody's")
    assert (unmatched.total_amount, unmatched.message_id) == (30, None)
    assert ambiguous.message_id is not None


@pytest.mark.parametrize("callback_id", [0, -1, 999_999, 2**63, 10**40])
def test_one_that_is_not_there(letters: Database, callback_id: int) -> None:
    with pytest.raises(NoSuchCallback, match="callbacks list"):
        show_callback(letters, callback_id)


def test_trying_again_matches_what_can_be_matched_now(letters: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rematching, "_PAGE", 2)
    # Nobody has rung the others: they are not tried, whatever page they are on.
    for number in ("2349099999996", STRANGER, "2349099999998", "2349099999997"):
        arrive(letters, {"to_number": number, "ref_id": "late"})
    # A send that no answer was recorded for: its process died in between.
    message = accepted(letters, "late-answer", STRANGER)
    with letters.writing() as connection:
        connection.exec_driver_sql("UPDATE ninebits_request SET ref_id = 'late' WHERE ref_id = 'late-answer'")
    told: list[tuple[int, int]] = []
    assert try_again(letters, window=WINDOW, told=lambda *counts: told.append(counts)) == (2, 1)
    assert told
    assert told[-1] <= (2, 1)
    assert states(letters, message) == ["unanswered"]
    assert try_again(letters, window=WINDOW) == (1, 0)


def test_the_old_ones_are_left_alone_where_only_the_new_are_asked_for(letters: Database) -> None:
    [unmatched] = list_callbacks(letters, fate=Fate.UNMATCHED)
    accepted(letters, "r4", STRANGER)
    assert try_again(letters, window=WINDOW, since=unmatched.received_at + timedelta(seconds=1)) == (0, 0)
    assert try_again(letters, window=WINDOW, since=unmatched.received_at) == (1, 0)
