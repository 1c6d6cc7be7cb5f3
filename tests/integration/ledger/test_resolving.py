from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.errors import NoSuchMessage, SendBusy
from airflow_provider_ninebits.ledger.resolving import resolve
from airflow_provider_ninebits.ledger.sends import read_part
from airflow_provider_ninebits.ledger.states import MessageState
from tests.integration.ledger.scenes import (
    ADA,
    BEN,
    WINDOW,
    a_call,
    a_plan,
    accepted,
    arrive,
    claimed,
    lapse,
    match_states,
    message_state,
    plan,
    row,
    rows,
    sending,
    states,
    try_claim,
    uncertain,
)

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database


def test_placed_with_its_ref_id(database: Database) -> None:
    request = uncertain(database)

    assert resolve(database, request.message_id, placed=True, ref_id="x", window=WINDOW) is MessageState.ACCEPTED
    assert read_part(database, request.message_id)[0].ref == "x"
    assert row(database, schema.request)["known_by"] == "person"


def test_placed_without_a_ref_id_is_known_by_the_ledgers_own(database: Database) -> None:
    request = uncertain(database)

    resolve(database, request.message_id, placed=True, window=WINDOW)

    assert read_part(database, request.message_id)[0].ref == f"ledger:{request.message_id}"
    assert try_claim(database, request.message_id, resend=True) is None


def test_a_message_that_was_placed_may_still_adopt_its_ref_id(database: Database) -> None:
    request = uncertain(database)
    resolve(database, request.message_id, placed=True, window=WINDOW)

    arrive(database, a_call(ref_id="x"))

    assert read_part(database, request.message_id)[0].ref == "x"
    assert states(database, request) == ["answered"]


def test_a_ref_id_brings_the_callbacks_that_waited_for_it(database: Database) -> None:
    first, second = uncertain(database), uncertain(database)
    arrive(database, a_call(ref_id="x"))
    assert match_states(database) == ["unmatched"]

    resolve(database, second.message_id, placed=True, ref_id="x", window=WINDOW)

    assert states(database, first, second) == ["pending", "answered"]


def test_not_placed_is_sent_at_the_next_try(database: Database) -> None:
    request = uncertain(database)

    assert resolve(database, request.message_id, placed=False, window=WINDOW) is MessageState.REFUSED
    assert try_claim(database, request.message_id) is not None


def test_not_placed_leaves_a_waiting_callback_to_the_other_message(database: Database) -> None:
    first, second = uncertain(database), uncertain(database)
    arrive(database, a_call(ref_id="x"))

    resolve(database, second.message_id, placed=False, window=WINDOW)

    assert states(database, first, second) == ["answered", "pending"]
    assert row(database, schema.request, id=first.id)["ref_id"] == "x"


def test_of_several_requests_the_newest_speaks_for_all(database: Database) -> None:
    first = uncertain(database)
    second = claimed(database, first.message_id, resend=True)
    second.answered("uncertain")

    resolve(database, first.message_id, placed=True, ref_id="x", window=WINDOW)

    assert [(each["state"], each["ref_id"]) for each in rows(database, schema.request)] == [
        ("uncertain", None),
        ("accepted", "x"),
    ]
    assert message_state(database, first) == "accepted"


def test_not_placed_is_said_of_all_requests(database: Database) -> None:
    first = uncertain(database)
    claimed(database, first.message_id, resend=True).answered("uncertain")

    assert resolve(database, first.message_id, placed=False, window=WINDOW) is MessageState.REFUSED


def test_a_sender_that_died_is_resolved_after_its_lease(database: Database) -> None:
    request = sending(database)
    with pytest.raises(SendBusy, match="resolve it after that"):
        resolve(database, request.message_id, placed=False, window=WINDOW)
    lapse(database, request.message_id)

    assert resolve(database, request.message_id, placed=False, window=WINDOW) is MessageState.REFUSED


@pytest.mark.parametrize("placed", [True, False])
def test_a_message_that_is_known_to_be_placed_stays_so(database: Database, placed: bool) -> None:
    request = accepted(database, "x")

    assert resolve(database, request.message_id, placed=placed, window=WINDOW) is MessageState.ACCEPTED
    assert row(database, schema.request)["ref_id"] == "x"


def test_a_replaced_message_is_not_brought_back(database: Database) -> None:
    message_id = plan(database, a_plan((ADA,), key="k")).parts[0].message_id
    plan(database, a_plan((BEN,), key="k"), replan=True)

    assert resolve(database, message_id, placed=False, window=WINDOW) is MessageState.REPLACED
    assert try_claim(database, message_id, resend=True) is None


def test_a_message_that_is_not_there(database: Database) -> None:
    with pytest.raises(NoSuchMessage, match="nowhere"):
        resolve(database, "nowhere", placed=True, window=WINDOW)


def test_a_message_that_was_not_placed_has_no_ref_id(database: Database) -> None:
    request = uncertain(database)

    with pytest.raises(ValueError, match="no ref_id"):
        resolve(database, request.message_id, placed=False, ref_id="x", window=WINDOW)
    assert message_state(database, request) == "uncertain"


class TestARefIdForWhatIsKnownAlready:
    def test_is_added_where_it_was_missing(self, database: Database) -> None:
        request = uncertain(database)
        arrive(database, a_call())
        assert message_state(database, request) == "accepted"

        assert resolve(database, request.message_id, placed=True, ref_id="z", window=WINDOW) == "accepted"

        assert read_part(database, request.message_id)[0].ref == "z"
        assert row(database, schema.request, id=request.id)["known_by"] == "person"

    def test_may_be_said_again(self, database: Database) -> None:
        request = accepted(database, "x")

        assert resolve(database, request.message_id, placed=True, ref_id="x", window=WINDOW) == "accepted"
        assert row(database, schema.request)["known_by"] == "answer"

    def test_is_an_error_where_9bits_has_said_another(self, database: Database) -> None:
        request = accepted(database, "x")

        with pytest.raises(ValueError, match="has the ref_id x already"):
            resolve(database, request.message_id, placed=True, ref_id="y", window=WINDOW)
        assert row(database, schema.request)["ref_id"] == "x"

    def test_is_an_error_where_it_is_another_messages(self, database: Database) -> None:
        known, request = accepted(database, "x"), uncertain(database)

        with pytest.raises(ValueError, match=f"that of message {known.message_id}"):
            resolve(database, request.message_id, placed=True, ref_id="x", window=WINDOW)
        assert message_state(database, request) == "uncertain"

    def test_is_an_error_where_nothing_was_placed(self, database: Database) -> None:
        request = sending(database)
        request.answered("refused")

        with pytest.raises(ValueError, match="so it has no ref_id"):
            resolve(database, request.message_id, placed=True, ref_id="x", window=WINDOW)
        assert message_state(database, request) == "refused"


def test_a_part_that_is_planned_again_stays_planned(database: Database) -> None:
    request = sending(database)
    request.answered("refused", plan_again=True)

    assert resolve(database, request.message_id, placed=False, window=WINDOW) is MessageState.PLANNED
