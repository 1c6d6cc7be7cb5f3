"""Events: queued with what they tell of, for whoever has subscribed, and there until they were handed on."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import text

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.events import ABANDONED_AFTER, RecipientEvent, queued, subscribe, take_out
from airflow_provider_ninebits.ledger.rematching import rematch
from airflow_provider_ninebits.ledger.states import RecipientState
from airflow_provider_ninebits.ledger.wanted import Wanted
from tests.integration.ledger.purge_scenes import OLD, let_pass, purged
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
    at_once,
    claimed,
    mapped,
    plan,
    row,
    rows,
    sending,
    set_columns,
    states,
    uncertain,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = Wanted("default")
UNANSWERED = replace(ALL, states=(RecipientState.UNANSWERED,))


def told(database: Database, wanted: Wanted = ALL) -> list[RecipientEvent]:
    """What is queued for a subscription."""
    return [each.event for each in queued(database, [wanted.subscription_id], limit=5000) if each.event is not None]


def said(database: Database, wanted: Wanted = ALL) -> list[tuple[str, str]]:
    """Whom it is about, and which state that one has reached."""
    return [(event.call.to_number, event.call.state.value) for event in told(database, wanted)]


def heard(database: Database, wanted: Wanted = ALL) -> list[tuple[str, str]]:
    """The same, taken out, as of somebody who has handed it on."""
    found = said(database, wanted)
    take_out(database, [each.id for each in queued(database, [wanted.subscription_id], limit=5000)])
    assert said(database, wanted) == []
    return found


@pytest.fixture
def subscribed(database: Database) -> None:
    assert subscribe(database, [ALL]) == {ALL.subscription_id: None}


def test_a_backlog_of_one_subscription_keeps_no_other_out(database: Database) -> None:
    numbers = [str(2348020000000 + place) for place in range(30)]
    subscribe(database, [UNANSWERED])
    accepted(database, "x", *numbers)
    arrive(database, *(a_call(number, answered=False) for number in numbers))
    subscribe(database, [ALL])
    arrive(database, a_call(numbers[7]))
    found = queued(database, [UNANSWERED.subscription_id, ALL.subscription_id], limit=10)
    assert [each.id for each in found] == sorted(each.id for each in found)
    assert Counter(each.subscription_id for each in found) == {UNANSWERED.subscription_id: 10, ALL.subscription_id: 1}
    [left] = [each for each in found if each.subscription_id == ALL.subscription_id]
    assert left.event is not None
    assert (left.event.call.to_number, left.event.call.state) == (numbers[7], "answered")


@pytest.mark.usefixtures("subscribed")
class TestAnEvent:
    def test_comes_with_each_state_that_a_recipient_reaches(self, database: Database) -> None:
        accepted(database, "x", ADA, BEN)
        arrive(database, a_call(ADA, answered=False), a_call(BEN))
        assert sorted(heard(database)) == [(ADA, "unanswered"), (BEN, "answered")]
        # Another attempt that changes nothing, and one that does.
        arrive(database, a_call(ADA, ref_id="x", answered=False))
        assert heard(database) == []
        arrive(database, a_call(ADA, ref_id="x"))
        assert heard(database) == [(ADA, "answered")]

    def test_comes_once_for_a_group_that_settles_somebody_twice(self, database: Database) -> None:
        accepted(database, "x", ADA)
        arrive(database, a_call(ADA, answered=False), a_call(ADA, ref_id="x"))
        assert heard(database) == [(ADA, "answered")]

    def test_does_not_come_for_a_repeat_nor_for_a_call_that_is_nobodys(self, database: Database) -> None:
        accepted(database, "x", ADA)
        arrive(database, a_call(ADA, identity="one"))
        assert heard(database) == [(ADA, "answered")]
        arrive(database, a_call(ADA, identity="one"), a_call(CAI), a_call(ADA, inbound=True))
        assert heard(database) == []

    def test_comes_when_a_call_that_waited_is_matched(self, database: Database) -> None:
        request = sending(database, ADA)
        other = sending(database, ADA)
        arrive(database, a_call(ADA, answered=False))
        assert heard(database) == []
        other.answered("refused")
        request.answered("accepted", "x")
        rematch(database, window=WINDOW, message_ids=[request.message_id])
        assert heard(database) == [(ADA, "unanswered")]

    def test_comes_for_each_pending_recipient_of_a_message_that_failed(self, database: Database) -> None:
        accepted(database, "x", ADA, BEN, CAI)
        arrive(database, a_call(ADA, answered=False), an_answer("x", 500))
        assert sorted(heard(database)) == [(ADA, "unanswered"), (BEN, "failed"), (CAI, "failed")]

    def test_says_who_sent_and_what_became_of_the_call(self, database: Database) -> None:
        part = plan(database, mapped(a_plan((ADA,)), 3)).parts[0]
        request = claimed(database, part.message_id)
        request.answered("accepted", "x")
        start = datetime.now(UTC).replace(microsecond=0)
        arrive(database, a_call(ADA, ref_id="x", start=start, amount="0.5"))
        recipient = row(database, schema.recipient)
        [event] = told(database)
        assert event.as_dict() == {
            "event_id": f"{part.message_id}-{recipient['id']}-answered",
            "ref_id": "x",
            "conn_id": "ninebits",
            "dag_id": "d",
            "run_id": "r",
            "task_id": "t",
            "map_index": 3,
            "call": {
                "to_number": ADA,
                "state": "answered",
                "attempts": 1,
                "started_at": start.isoformat(),
                "answered_at": start.isoformat(),
                "ended_at": None,
                "total_duration": None,
                "call_duration": None,
                "total_amount": "0.5",
            },
        }

    def test_calls_a_message_by_its_id_whose_ref_id_never_became_known(self, database: Database) -> None:
        request = uncertain(database, ADA)
        arrive(database, a_call(ADA))
        assert [event.ref_id for event in told(database)] == [f"ledger:{request.message_id}"]

    def test_stays_as_it_was_when_the_recipient_goes_on(self, database: Database) -> None:
        accepted(database, "x", ADA)
        arrive(database, a_call(ADA, ref_id="x", answered=False, amount="1"))
        before = told(database)
        arrive(database, a_call(ADA, ref_id="x", amount="2"))
        assert told(database)[:1] == before
        assert said(database) == [(ADA, "unanswered"), (ADA, "answered")]

    def test_is_committed_with_what_it_tells_of_or_not_at_all(self, database: Database) -> None:
        accepted(database, "x", ADA)
        change = {"id": row(database, schema.recipient)["id"], **_record("unanswered")}

        def write_and_die() -> None:
            with database.writing() as connection:
                write(connection, Change(schema.recipient, [change], key="id"))
                raise RuntimeError("the writer dies")

        with pytest.raises(RuntimeError):
            write_and_die()
        assert (said(database), states_of(database)) == ([], ["pending"])

    def test_has_the_same_id_for_whoever_is_told(self, database: Database) -> None:
        subscribe(database, [UNANSWERED])
        accepted(database, "x", ADA)
        arrive(database, a_call(ADA, answered=False))
        [one], [other] = told(database), told(database, UNANSWERED)
        assert one == other


def _record(state: str) -> dict[str, object]:
    moment = datetime.now(UTC)
    return {
        "state": state,
        "attempts": 1,
        "started_at": moment,
        "answered_at": None,
        "ended_at": None,
        "total_duration": None,
        "call_duration": None,
        "total_amount": None,
        "last_callback_at": moment,
    }


def states_of(database: Database) -> list[str]:
    return [each["state"] for each in rows(database, schema.recipient)]


@pytest.mark.usefixtures("subscribed")
class TestWhatIsTakenBack:
    def test_is_told_to_nobody_who_was_not_told_yet(self, database: Database) -> None:
        # As `test_undoing` plays it: the callback had shown a request to be placed that was refused.
        request = sending(database, ADA)
        arrive(database, a_call(ADA, answered=False))
        assert said(database) == [(ADA, "unanswered")]
        request.answered("refused")
        assert (said(database), states(database, request)) == ([], ["pending"])

    def test_is_told_again_with_the_same_id_when_it_comes_true(self, database: Database) -> None:
        first = sending(database, ADA)
        arrive(database, a_call(ADA, answered=False))
        [before] = told(database)
        heard(database)
        first.answered("refused")
        again = claimed(database, first.message_id, resend=False)
        again.answered("accepted", "x")
        arrive(database, a_call(ADA, ref_id="x", answered=False))
        assert [event.event_id for event in told(database)] == [before.event_id]

    def test_leaves_what_is_still_true(self, database: Database) -> None:
        first = uncertain(database, ADA)
        arrive(database, a_call(ADA, answered=False))
        # By whose `ref_id` the request is called, until its answer brings another.
        arrive(database, a_call(ADA, ref_id="y"))
        assert said(database) == [(ADA, "unanswered"), (ADA, "answered")]
        first.answered("accepted", "z")
        assert states(database, first) == ["unanswered"]
        assert said(database) == [(ADA, "unanswered")]

    def test_takes_a_failure_back_too(self, database: Database) -> None:
        request = sending(database, ADA, BEN)
        arrive(database, an_answer("y", 500))
        assert sorted(said(database)) == [(ADA, "failed"), (BEN, "failed")]
        request.answered("accepted", "z")
        assert states(database, request) == ["pending", "pending"]
        assert said(database) == []


class TestASubscription:
    def test_begins_with_what_comes_after_it(self, database: Database) -> None:
        accepted(database, "x", ADA, BEN)
        arrive(database, a_call(ADA))
        subscribe(database, [ALL])
        assert said(database) == []
        arrive(database, a_call(BEN))
        assert said(database) == [(BEN, "answered")]

    def test_goes_on_where_it_was_when_somebody_comes_back(self, database: Database) -> None:
        subscribe(database, [ALL])
        accepted(database, "x", ADA)
        arrive(database, a_call(ADA))
        [(_, seen_at)] = subscribe(database, [ALL]).items()
        assert seen_at is not None
        assert said(database) == [(ADA, "answered")]

    def test_keeps_only_the_states_that_it_wants(self, database: Database) -> None:
        subscribe(database, [UNANSWERED])
        accepted(database, "x", ADA, BEN)
        arrive(database, a_call(ADA), a_call(BEN, answered=False))
        assert len(rows(database, schema.event)) == 1
        assert said(database, UNANSWERED) == [(BEN, "unanswered")]

    def test_has_what_is_queued_for_it_alone(self, database: Database) -> None:
        subscribe(database, [ALL, UNANSWERED])
        accepted(database, "x", ADA)
        arrive(database, a_call(ADA, answered=False))
        assert heard(database) == [(ADA, "unanswered")]
        assert heard(database, UNANSWERED) == [(ADA, "unanswered")]

    def test_that_nobody_asks_for_any_more_gets_nothing_and_goes_with_the_next_purge(self, database: Database) -> None:
        subscribe(database, [ALL, UNANSWERED])
        accepted(database, "x", ADA, BEN)
        arrive(database, a_call(ADA, answered=False))
        long_ago = datetime.now(UTC) - ABANDONED_AFTER - timedelta(minutes=1)
        set_columns(database, schema.subscription, {"seen_at": long_ago}, id=ALL.subscription_id)
        arrive(database, a_call(BEN, answered=False))
        assert (len(told(database)), len(told(database, UNANSWERED))) == (1, 2)
        purged(database, dry_run=True)
        assert len(told(database)) == 1
        purged(database)
        assert (len(told(database)), len(told(database, UNANSWERED))) == (0, 2)
        assert [each["id"] for each in rows(database, schema.subscription)] == [UNANSWERED.subscription_id]

    def test_is_made_once_by_two_who_come_together(self, database: Database) -> None:
        with database.reading():
            pass
        at_once(4, lambda _: subscribe(database, [ALL, UNANSWERED]))
        assert len(rows(database, schema.subscription)) == 2


@pytest.mark.usefixtures("subscribed")
@pytest.mark.parametrize("mask", [False, True])
def test_a_purge_takes_the_events_of_whom_it_takes(database: Database, mask: bool) -> None:
    accepted(database, "x", ADA)
    arrive(database, a_call(ADA))
    let_pass(database, OLD)
    set_columns(database, schema.subscription, {"seen_at": datetime.now(UTC)})
    accepted(database, "y", BEN)
    arrive(database, a_call(BEN))
    purged(database, mask=mask)
    assert said(database) == [(BEN, "answered")]
    assert len(rows(database, schema.event)) == 1


@pytest.mark.usefixtures("subscribed")
def test_whose_number_was_masked_nothing_is_told(database: Database) -> None:
    accepted(database, "x", ADA)
    let_pass(database, OLD)
    set_columns(database, schema.subscription, {"seen_at": datetime.now(UTC)})
    purged(database, mask=True, unsettled_too=True)
    arrive(database, an_answer("x", 500))
    assert states_of(database) == ["failed"]
    [left] = queued(database, [ALL.subscription_id], limit=10)
    assert left.event is None


@pytest.mark.usefixtures("subscribed")
def test_who_has_got_the_id_of_a_recipient_that_is_gone_is_not_taken_for_it(database: Database) -> None:
    accepted(database, "x", ADA)
    other = accepted(database, "y", BEN)
    arrive(database, a_call(ADA))
    gone, heir = rows(database, schema.recipient)
    with database.writing() as connection:
        connection.execute(schema.recipient.delete().where(schema.recipient.c.id == gone["id"]))
    assert queued(database, [ALL.subscription_id], limit=10)[0].event is None
    set_columns(database, schema.recipient, {"id": gone["id"]}, id=heir["id"])
    assert row(database, schema.recipient)["message_id"] == other.message_id
    [left] = queued(database, [ALL.subscription_id], limit=10)
    assert left.event is None


@pytest.mark.usefixtures("subscribed")
def test_an_id_that_was_handed_on_is_not_given_again(database: Database) -> None:
    accepted(database, "x", ADA, BEN)
    ids = []
    for number in (ADA, BEN):
        arrive(database, a_call(number))
        [found] = queued(database, [ALL.subscription_id], limit=10)
        ids.append(found.id)
        take_out(database, [found.id])
    assert len(set(ids)) == 2


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("subscribed")
def test_one_that_is_committed_after_a_later_one_is_not_passed_by(database: Database, database_url: str) -> None:
    accepted(database, "x", ADA)
    accepted(database, "y", BEN)
    other = Database(database_url)
    stored, may_commit = threading.Event(), threading.Event()

    @sqlalchemy_event.listens_for(other._ready_engine(), "commit")
    def wait(_: object) -> None:
        stored.set()
        assert may_commit.wait(30)

    def store_slowly() -> None:
        with other.writing() as connection:
            # What `store` writes in one message with its commit, held open in between.
            connection.execute(
                text(
                    "WITH part_0 AS (UPDATE ninebits_recipient SET state = 'unanswered' WHERE number = :number"
                    " RETURNING id, message_id, state)"
                    " INSERT INTO ninebits_event (subscription_id, recipient_id, message_id, state, attempts)"
                    " SELECT :subscription, id, message_id, state, 1 FROM part_0"
                ),
                {"number": ADA, "subscription": ALL.subscription_id},
            )

    thread = threading.Thread(target=store_slowly)
    thread.start()
    try:
        assert stored.wait(30)
        arrive(database, a_call(BEN))
        first = queued(database, [ALL.subscription_id], limit=10)
        assert heard(database) == [(BEN, "answered")]
    finally:
        may_commit.set()
        thread.join(30)
    assert said(database) == [(ADA, "unanswered")]
    [late] = queued(database, [ALL.subscription_id], limit=10)
    assert late.id < first[0].id
    other.close()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("subscribed")
def test_who_takes_out_what_another_is_dropping_waits_for_nobody(database: Database, database_url: str) -> None:
    accepted(database, "x", ADA, BEN)
    arrive(database, a_call(ADA), a_call(BEN))
    ids = [each.id for each in queued(database, [ALL.subscription_id], limit=10)]
    other = Database(database_url)
    with other.writing() as connection:
        connection.execute(text("DELETE FROM ninebits_event WHERE id = :id"), {"id": ids[0]})
        take_out(database, ids)
        assert [each.id for each in queued(database, [ALL.subscription_id], limit=10)] == ids[:1]
    assert rows(database, schema.event) == []
    other.close()


def statements(database: Database, play: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a group of callbacks asks of the driver."""
    from airflow_provider_ninebits.ledger import driver

    asked: list[str] = []
    ask_at_once, cursor_of = driver.ask_at_once, driver.cursor_of
    if database.is_sqlite:

        class Noting:
            def __init__(self, cursor: object) -> None:
                self._cursor = cursor

            def __getattr__(self, name: str) -> object:
                return getattr(self._cursor, name)

            def execute(self, sql: str, values: object = ()) -> object:
                asked.append(sql)
                return self._cursor.execute(sql, values)

            def executemany(self, sql: str, values: object) -> object:
                asked.append(sql)
                return self._cursor.executemany(sql, values)

        monkeypatch.setattr(driver, "cursor_of", lambda connection: Noting(cursor_of(connection)))
    else:
        monkeypatch.setattr(
            driver,
            "ask_at_once",
            lambda connection, some: (asked.extend(sql for sql, _ in some), ask_at_once(connection, some))[1],
        )
    play()
    monkeypatch.undo()
    return asked


def test_a_group_asks_postgresql_for_no_statement_more_whoever_has_subscribed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(database, "x", ADA, BEN)

    def group(number: str) -> list[str]:
        return statements(database, lambda: store(database, [a_call(number)], window=WINDOW), monkeypatch)

    before = group(ADA)
    subscribe(database, [ALL])
    after = group(BEN)
    assert said(database) == [(BEN, "answered")]
    # SQLite has one to know that there is nobody, and then one to queue.
    assert len(after) - len(before) == (1 if database.is_sqlite else 0)
