from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.receivers import LONGEST_GAP, TurnedAway, heartbeat, probe_write, register
from airflow_provider_ninebits.ledger.rematching import sweep, try_again
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    WINDOW,
    a_call,
    accepted,
    an_answer,
    arrive,
    lapse,
    match_states,
    row,
    rows,
    sending,
    set_columns,
    states,
    uncertain,
)
from tests.integration.statements import seen_by

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database


class TestHeartbeats:
    def test_each_start_of_a_receiver_is_its_own(self, database: Database) -> None:
        assert register(database, "a-host") != register(database, "a-host")
        assert [each["host"] for each in rows(database, schema.receiver)] == ["a-host", "a-host"]

    def test_a_receiver_is_up_from_its_start(self, database: Database) -> None:
        register(database, "a-host")

        receiver = row(database, schema.receiver)
        assert receiver["started_at"] == receiver["up_since"] == receiver["heartbeat_at"]
        assert not receiver["stopped"]

    def test_a_heartbeat_moves_the_end_and_not_the_start(self, database: Database) -> None:
        receiver_id = register(database, "a-host")
        before = datetime.now(UTC) - timedelta(hours=1)
        set_columns(database, schema.receiver, {"started_at": before, "heartbeat_at": before}, id=receiver_id)

        heartbeat(database, receiver_id, TurnedAway())

        receiver = row(database, schema.receiver)
        assert receiver["started_at"] == before
        assert receiver["heartbeat_at"] >= before + timedelta(hours=1)

    def test_after_a_gap_it_is_up_since_then_only(self, database: Database) -> None:
        receiver_id = register(database, "a-host")
        begun = row(database, schema.receiver)["up_since"]
        for gap, same in ((LONGEST_GAP - timedelta(seconds=5), True), (LONGEST_GAP + timedelta(seconds=5), False)):
            before = datetime.now(UTC) - gap
            set_columns(database, schema.receiver, {"heartbeat_at": before}, id=receiver_id)
            heartbeat(database, receiver_id, TurnedAway())
            receiver = row(database, schema.receiver)
            assert receiver["up_since"] == (begun if same else receiver["heartbeat_at"])

    def test_one_that_ends_in_order_says_so(self, database: Database) -> None:
        receiver_id = register(database, "a-host")
        heartbeat(database, receiver_id, TurnedAway(unauthorized=1), stopping=True)

        receiver = row(database, schema.receiver)
        assert receiver["stopped"]
        assert receiver["unauthorized"] == 1

    def test_what_was_turned_away_adds_up(self, database: Database) -> None:
        receiver_id = register(database, "a-host")
        heartbeat(database, receiver_id, TurnedAway(unauthorized=2, unavailable=1))
        heartbeat(database, receiver_id, TurnedAway(unauthorized=3))

        receiver = row(database, schema.receiver)
        assert (receiver["unauthorized"], receiver["oversized"], receiver["unavailable"]) == (5, 0, 1)
        assert receiver["last_unauthorized_at"] == receiver["heartbeat_at"]
        assert receiver["last_unavailable_at"] is not None
        assert receiver["last_oversized_at"] is None

    def test_a_receiver_that_was_purged_is_nothing(self, database: Database) -> None:
        assert not heartbeat(database, "gone", TurnedAway(oversized=1))

        assert rows(database, schema.receiver) == []

    def test_a_probe_leaves_nothing(self, database: Database) -> None:
        probe_write(database)

        assert rows(database, schema.callback) == rows(database, schema.receiver) == []


class TestTheSweep:
    def test_finds_what_waited_for_an_answer_that_never_came(self, database: Database) -> None:
        older, newer = accepted(database, "x"), sending(database)
        arrive(database, a_call())
        assert sweep(database, window=WINDOW) == 0

        lapse(database, newer.message_id)

        assert sweep(database, window=WINDOW) == 1
        assert states(database, older, newer) == ["answered", "pending"]

    def test_finds_what_a_sender_that_died_after_its_answer_left(self, database: Database) -> None:
        first, second = sending(database), sending(database)
        arrive(database, a_call(ref_id="x"))
        second.answered("accepted", "x")

        assert sweep(database, window=WINDOW) == 1
        assert states(database, first, second) == ["pending", "answered"]

    def test_goes_on_to_what_its_finds_make_possible(self, database: Database) -> None:
        both, other = sending(database, ADA, BEN), sending(database, BEN, ADA)
        arrive(database, a_call(BEN, ref_id="x"), a_call(ADA, ref_id="x"))
        assert states(database, both, other) == ["pending"] * 4
        # Now ADA's call, which comes second, can only be the first message's, and with it BEN's, by their ref_id.
        set_columns(database, schema.recipient, {"number": "2349999999999"}, message_id=other.message_id, number=ADA)

        assert sweep(database, window=WINDOW) == 2
        assert states(database, both) == ["answered", "answered"]

    def test_leaves_alone_what_is_older_than_the_window(self, database: Database) -> None:
        first, second = sending(database), sending(database)
        arrive(database, a_call(ref_id="x"))
        second.answered("accepted", "x")
        set_columns(database, schema.callback, {"received_at": datetime.now(UTC) - WINDOW - timedelta(minutes=1)})

        assert sweep(database, window=WINDOW) == 0
        assert states(database, first, second) == ["pending", "pending"]

    def test_applies_errors_too(self, database: Database) -> None:
        first, second = uncertain(database), sending(database, BEN)
        arrive(database, an_answer("x"))
        second.answered("refused")

        assert sweep(database, window=WINDOW) == 1
        assert states(database, first, second) == ["failed", "pending"]

    def test_writes_nothing_where_nothing_changed_and_rests_between_pages(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_ninebits.ledger.rematching._PAGE", 10)
        accepted(database, "x")
        # The answered call is ADA's; what comes after it without a ref_id stays unmatched, and so do a stranger's.
        arrive(database, a_call(ref_id="x"))
        arrive(database, *(a_call(answered=False, identity=f"late {place}") for place in range(25)))
        arrive(database, *(a_call("2349999999999", identity=f"stranger {place}") for place in range(25)))
        arrive(database, *(an_answer(f"stranger {place}", identity=f"{place}") for place in range(25)))
        assert match_states(database).count("unmatched") == 75
        written, rests = [], []

        def note(_: object, statement: str, __: object) -> None:
            # `WITH ... UPDATE ninebits_` as well, but not `FOR UPDATE`.
            if any(word in statement.upper() for word in ("UPDATE NINEBITS_", "INSERT INTO", "DELETE FROM")):
                written.append(statement)

        with seen_by(note):
            assert try_again(database, window=WINDOW, pause=rests.append) == (25, 0)
        assert written == []
        assert len(rests) == 3

    def test_goes_through_more_than_one_page(self, database: Database) -> None:
        numbers = [f"2348{n:09}" for n in range(1100)]
        first, second = sending(database, *numbers[:1000]), sending(database, *numbers[:1000])
        arrive(database, *(a_call(number, ref_id="x") for number in numbers))
        second.answered("accepted", "x")

        assert sweep(database, window=WINDOW) == 1000
        assert set(states(database, first)) == {"pending"}
        assert set(states(database, second)) == {"answered"}
        assert match_states(database).count("unmatched") == 100
