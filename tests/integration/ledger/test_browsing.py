"""Paging through messages and dead letters, and counting calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from airflow_provider_ninebits.ledger import browsing, dead_letter_pages, schema, statistics
from airflow_provider_ninebits.ledger.browsing import MessageFilter, Seen, browse
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.calls import answers_of, read_calls
from airflow_provider_ninebits.ledger.dead_letter_pages import browse_dead_letters, count_dead_letters
from airflow_provider_ninebits.ledger.dead_letters import Fate
from airflow_provider_ninebits.ledger.known_names import connections_of, dags_of
from airflow_provider_ninebits.ledger.sends import AskedBy
from airflow_provider_ninebits.ledger.states import RecipientState
from airflow_provider_ninebits.ledger.statistics import Span, count_calls
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_call, accepted, an_answer, arrive, sending, uncertain
from tests.integration.page.calls_made import make_calls, ring

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.browsing import Key
    from airflow_provider_ninebits.ledger.database import Database

DEPLOYMENTS = ("default", "staging")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def every_page(database: Database, wanted: MessageFilter, *, limit: int) -> list[str]:
    """Return the ids on all pages, and see that no page is longer than asked for."""
    ids: list[str] = []
    after: Key | None = None
    with database.reading() as connection:
        for _ in range(1000):
            page = browse(connection, wanted, after=after, limit=limit)
            assert len(page.messages) <= limit
            ids += [listed.message.message_id for listed in page.messages]
            after = page.after
            if after is None:
                return ids
    raise AssertionError("the pages have no end")


@pytest.fixture
def many(database: Database) -> list[str]:
    """The ids of 60 messages of two DAGs over three connections, three at each moment; newest first."""
    rows = []
    for place in range(60):
        at = NOON + timedelta(minutes=place // 3)
        name = f"{(place * 37) % 60:032}"
        rows.append((at, name, place))
    with database.writing() as connection:
        for at, name, place in rows:
            dag_id = ("a", "b")[place % 2]
            asked = {
                "deployment": DEPLOYMENTS[place % 4 == 1],
                "dag_id": dag_id,
                "run_id": f"run{place % 7}",
                "task_id": f"t{place % 5}",
            }
            write(connection, Change(schema.send, [{**asked, "id": name, "map_index": -1, "created_at": at}]))
            made = {"id": name, "send_id": name, "part": 0, "dag_id": dag_id, "created_at": at}
            asked = {"conn_id": f"c{place % 3}", "media_url": "https://media.test/a.mp3", "state": "accepted"}
            write(
                connection,
                Change(schema.message, [{**made, **asked, "recipients": 1, "answered": int(place % 4 == 0)}]),
            )
            # Each number is rung by six of them.
            rung = {"send_id": name, "message_id": name, "number": str(2348020000000 + place % 10), "state": "pending"}
            write(connection, Change(schema.recipient, [rung]))
    return [name for _, name, _ in sorted(rows, reverse=True)]


# As many as are looked at for one page: the last one takes pages that end early.
@pytest.mark.parametrize("looked_at", [20_000, 7])
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_pages_show_each_message_once_in_order(
    database: Database, many: list[str], limit: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "LOOKED_AT", looked_at)
    place_of = {f"{(place * 37) % 60:032}": place for place in range(60)}

    def expected(fits: object) -> list[str]:
        return [name for name in many if fits(place_of[name])]  # type: ignore[operator]

    for wanted, fits in (
        (MessageFilter(), lambda _: True),
        (MessageFilter(dag_id="a"), lambda n: n % 2 == 0),
        (MessageFilter(conn_ids=("c0",)), lambda n: n % 3 == 0),
        (MessageFilter(conn_ids=("c0", "c2")), lambda n: n % 3 != 1),
        (MessageFilter(conn_ids=()), lambda _: False),
        (MessageFilter(conn_ids=("c0", "c2"), dag_id="b"), lambda n: n % 3 != 1 and n % 2),
        (MessageFilter(deployment="staging"), lambda n: n % 4 == 1),
        (MessageFilter(deployment="default", conn_ids=("c0", "c2"), dag_id="b"), lambda n: n % 3 != 1 and n % 4 == 3),
        (MessageFilter(task_id="t3"), lambda n: n % 5 == 3),
        (MessageFilter(conn_ids=("c0", "c1"), task_id="t3", seen=Seen.ANSWERED), lambda n: n % 3 != 2 and n % 20 == 8),
        (MessageFilter(seen=Seen.PENDING), lambda n: n % 4),
        (MessageFilter(seen=Seen.UNCERTAIN), lambda _: False),
        (MessageFilter(since=NOON + timedelta(minutes=5), until=NOON + timedelta(minutes=7)), lambda n: 15 <= n < 21),
    ):
        assert every_page(database, wanted, limit=limit) == expected(fits), wanted


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_what_leads_to_few_is_paged_as_well(database: Database, many: list[str], limit: int) -> None:
    place_of = {f"{(place * 37) % 60:032}": place for place in range(60)}
    for wanted, fits in (
        (MessageFilter(number="2348020000003"), lambda n: n % 10 == 3),
        (MessageFilter(number="2348020000003", dag_id="b", conn_ids=("c0",)), lambda n: n % 10 == 3 and n % 3 == 0),
        (MessageFilter(number="2348020000003", deployment="default"), lambda n: n % 10 == 3 and n % 4 == 3),
        (MessageFilter(run_id="run2", dag_id="a"), lambda n: n % 7 == 2 and n % 2 == 0),
        (MessageFilter(run_id="run2", task_id="t1", map_index=-1), lambda n: n % 7 == 2 and n % 5 == 1),
        (MessageFilter(run_id="run2", map_index=0), lambda _: False),
        (MessageFilter(run_id="run2", number="2348020000009"), lambda n: n % 7 == 2 and n % 10 == 9),
    ):
        expected = [name for name in many if fits(place_of[name])]
        assert every_page(database, wanted, limit=limit) == expected, wanted


def test_a_page_that_looked_at_enough_says_so(
    database: Database, many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "LOOKED_AT", 10)
    with database.reading() as connection:
        page = browse(connection, MessageFilter(seen=Seen.UNCERTAIN), limit=5)
        assert (page.messages, page.cut_short) == ((), True)
        assert page.after is not None
        assert page.after.message_id == many[9]
        assert not browse(connection, MessageFilter(), limit=5).cut_short


def test_a_message_whose_sender_did_not_come_back_is_uncertain(database: Database) -> None:
    live, gone = sending(database, ADA).message_id, sending(database, BEN).message_id
    doubtful = uncertain(database, CAI).message_id
    with database.writing() as connection:
        lease = update(schema.message).where(schema.message.c.id == gone)
        connection.execute(lease.values(lease_expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert every_page(database, MessageFilter(seen=Seen.UNCERTAIN), limit=5) == [doubtful, gone]
    assert every_page(database, MessageFilter(seen=Seen.SENDING), limit=5) == [live]


def test_known_connections_and_dags(database: Database, many: list[str]) -> None:
    ring(database, "outside", ADA, conn_id="another")
    with database.reading() as connection:
        assert connections_of(connection) == ["another", "c0", "c1", "c2"]
        assert connections_of(connection, deployment="staging") == ["c0", "c1", "c2"]
        assert connections_of(connection, deployment="elsewhere") == []
        assert dags_of(connection) == ["a", "b"]
        assert dags_of(connection, limit=1) == ["a"]
        assert dags_of(connection, deployment="staging") == ["b"]
        assert dags_of(connection, deployment="elsewhere") == []


def test_a_plan_notes_its_dag_with_the_message(database: Database) -> None:
    message_id = ring(database, "r", ADA, asked_by=AskedBy("default", "nightly", "run", "ring", 3))
    assert every_page(database, MessageFilter(dag_id="nightly"), limit=5) == [message_id]


def test_calls_of_a_message_with_their_attempts(database: Database) -> None:
    request = accepted(database, "r1", ADA, BEN, CAI)
    arrive(
        database,
        a_call(ADA, ref_id="r1", answered=False, identity="first"),
        a_call(ADA, ref_id="r1", identity="second", amount="2"),
        an_answer("r1", 200),
    )
    with database.reading() as connection:
        first = read_calls(connection, request.message_id, limit=2)
        assert [call.outcome.to_number for call in first.calls] == [ADA, BEN]
        assert [len(call.callbacks) for call in first.calls] == [2, 0]
        assert first.after is not None
        rest = read_calls(connection, request.message_id, after=first.after, limit=2)
        assert ([call.outcome.to_number for call in rest.calls], rest.after) == ([CAI], None)
        pending = read_calls(connection, request.message_id, state=RecipientState.PENDING)
        assert [call.outcome.to_number for call in pending.calls] == [BEN, CAI]
        assert [answer.summary.status for answer in answers_of(connection, request.message_id)] == [200]


def test_dead_letters_by_pages_and_fates(database: Database) -> None:
    accepted(database, "r1", ADA)
    for place in range(5):
        arrive(database, a_call("2349000000000", identity=f"{place}"))
    arrive(database, a_call(ADA, ref_id="r1"), a_call(CAI, inbound=True))
    with database.reading() as connection:
        seen, after = [], None
        while True:
            page = browse_dead_letters(connection, after=after, limit=2)
            seen += [callback.summary.callback_id for callback in page.callbacks]
            if (after := page.after) is None:
                break
        assert len(seen) == 6
        assert seen == sorted(seen, reverse=True)
        assert count_dead_letters(connection) == {
            Fate.UNMATCHED: 5,
            Fate.UNREADABLE: 0,
            Fate.INBOUND: 1,
            Fate.AMBIGUOUS: 0,
        }
        only = browse_dead_letters(connection, fate=Fate.INBOUND)
        assert [callback.summary.number for callback in only.callbacks] == [CAI]
        assert browse_dead_letters(connection, conn_paths=["ninebits"]).callbacks == ()


def test_dead_letters_that_found_somebody_of_another_airflows_are_left_out(database: Database) -> None:
    for ref_id in ("r1", "r2"):
        ring(database, ref_id, ADA, asked_by=AskedBy("staging"))
    for ref_id in ("r3", "r4"):
        ring(database, ref_id, BEN, asked_by=AskedBy("default"))
    arrive(database, a_call(ADA, identity="theirs"), a_call(BEN, identity="ours"), a_call(CAI, identity="nobody's"))
    with database.reading() as connection:
        for deployment, numbers in ((None, [CAI, BEN, ADA]), ("default", [CAI, BEN]), ("staging", [CAI, ADA])):
            page = browse_dead_letters(connection, deployment=deployment)
            assert [callback.summary.number for callback in page.callbacks] == numbers
            counted = count_dead_letters(connection, deployment=deployment)
            assert (counted[Fate.AMBIGUOUS], counted[Fate.UNMATCHED]) == (len(numbers) - 1, 1)


def test_an_answer_that_may_be_of_several_requests_is_shown_by_whose_request_it_took(database: Database) -> None:
    accepted(database, "r1", ADA)
    arrive(database, an_answer("r1", 400))
    with database.writing() as connection:
        connection.execute(update(schema.callback).values(ambiguous=True))
        assert connection.execute(update(schema.send).values(deployment="staging")).rowcount == 1
    with database.reading() as connection:
        assert len(browse_dead_letters(connection, deployment="staging").callbacks) == 1
        assert browse_dead_letters(connection, deployment="default").callbacks == ()


def test_a_page_of_dead_letters_looks_at_a_bounded_number(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letter_pages, "LOOKED_AT", 4)
    arrive(database, a_call(CAI, inbound=True, identity="oldest"))
    for place in range(9):
        arrive(database, a_call("2349000000000", identity=f"{place}"))
    pages: list[tuple[int, bool]] = []
    after = None
    with database.reading() as connection:
        while not pages or after is not None:
            page = browse_dead_letters(connection, fate=Fate.INBOUND, after=after)
            pages.append((len(page.callbacks), page.cut_short))
            after = page.after
        assert pages == [(0, True), (0, True), (1, False)]
        full = browse_dead_letters(connection, fate=Fate.UNMATCHED, limit=3)
    assert (len(full.callbacks), full.cut_short, full.after is None) == (3, False, False)


class TestStatistics:
    def span(self, **more: object) -> Span:
        now = datetime.now(UTC)
        return Span(now - timedelta(days=1), now + timedelta(hours=1), **more)  # type: ignore[arg-type]

    def test_states_amounts_and_delays(self, database: Database) -> None:
        make_calls(database)
        uncertain(database, CAI)
        with database.reading() as connection:
            totals = count_calls(connection, self.span())
        assert totals.count() == 5
        assert totals.count(RecipientState.ANSWERED) == 1
        assert totals.count(RecipientState.PENDING) == 2
        assert totals.amount == Decimal("30.5")
        assert totals.by_dag["reminders"] == (2, Decimal("30.5"))
        assert sum(totals.delays) == totals.delays[0] == 1
        assert not totals.cut_short

    def test_amounts_that_no_call_costs_add_up_all_the_same(self, database: Database) -> None:
        for place in range(3):
            # As many as a message may have: its own column holds their sum.
            numbers = [f"23480{place}{each:07}" for each in range(1000)]
            accepted(database, f"r{place}", *numbers)
            arrive(database, *(a_call(each, ref_id=f"r{place}", amount="999999999") for each in numbers))
        with database.reading() as connection:
            assert count_calls(connection, self.span()).amount == 3 * 1000 * Decimal(9 * 10**6)

    def test_only_what_is_asked_for(self, database: Database) -> None:
        make_calls(database)
        with database.reading() as connection:
            assert count_calls(connection, self.span(dag_id="reminders")).count() == 2
            assert count_calls(connection, self.span(conn_ids=("other",))).count() == 1
            assert count_calls(connection, self.span(conn_ids=())).count() == 0
            before = NOON - timedelta(days=1)
            assert count_calls(connection, Span(before, NOON)).count() == 0

    def test_an_answer_is_timed_from_the_last_request_that_may_have_rung(self, database: Database) -> None:
        request = accepted(database, "r1", ADA)
        with database.writing() as connection:
            long_ago = datetime.now(UTC) - timedelta(seconds=100)
            connection.execute(update(schema.request).values(started_at=long_ago))
        arrive(database, a_call(ADA, ref_id="r1"))
        with database.writing() as connection:
            answered = update(schema.recipient).where(schema.recipient.c.message_id == request.message_id)
            connection.execute(answered.values(answered_at=long_ago + timedelta(seconds=25)))
        with database.reading() as connection:
            delays = count_calls(connection, self.span()).delays
        assert delays == [0, 0, 1, 0, 0, 0, 0, 0, 0]

    def test_the_newest_are_counted_where_there_are_too_many(
        self, database: Database, many: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        span = Span(NOON - timedelta(days=1), NOON + timedelta(days=1))
        with database.reading() as connection:
            assert count_calls(connection, span).count() == 60
            # Three of each minute: those of a minute count together.
            monkeypatch.setattr(statistics, "MESSAGES", 31)
            totals = count_calls(connection, span)
        assert totals.cut_short
        assert NOON + timedelta(minutes=9) < totals.counted_since <= NOON + timedelta(minutes=10)
        assert totals.count() == 30
        assert totals.timed_since == totals.counted_since

    @pytest.mark.parametrize(
        ("only", "minutes", "calls"),
        [
            ({}, 10, 30),
            ({"conn_ids": ("c0", "c1")}, 10, 20),
            # Each along an index of its own: of the DAG every other message, of the connection every third.
            ({"dag_id": "a"}, 0, 30),
            ({"conn_ids": ("c0",)}, 0, 20),
        ],
    )
    def test_the_newest_are_looked_at_where_few_of_them_count(
        self,
        database: Database,
        many: list[str],
        only: dict[str, Any],
        minutes: int,
        calls: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(statistics, "LOOKED_AT", 31)
        span = Span(NOON - timedelta(days=1), NOON + timedelta(days=1), **only)
        with database.writing() as connection:
            totals = count_calls(connection, span)
            assert (totals.count(), totals.cut_short) == (calls, minutes > 0)
            if minutes:
                assert NOON + timedelta(minutes=9) < totals.counted_since <= NOON + timedelta(minutes=minutes)
            # What has rung nobody is looked at, and not counted.
            newest = schema.message.c.created_at >= NOON + timedelta(minutes=11)
            connection.execute(update(schema.message).where(newest).values(state="refused"))
            assert count_calls(connection, replace(span, conn_ids=None, dag_id=None)).count() == 3

    def test_the_newest_are_timed_where_there_are_too_many(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_calls(database)
        monkeypatch.setattr(statistics, "TIMED", 1)
        with database.reading() as connection:
            totals = count_calls(connection, self.span())
        # The newest message has two calls: it is timed as a whole, and no other one.
        assert sum(totals.delays) == 1
        assert totals.timed_since > totals.counted_since
        assert totals.count() == 4

    def test_quarters_are_whole_ones(self, database: Database, many: list[str]) -> None:
        with database.reading() as connection:
            totals = count_calls(connection, Span(NOON - timedelta(days=1), NOON + timedelta(days=1)))
        assert {moment: sum(states.values()) for moment, states in totals.by_quarter.items()} == {
            NOON: 45,
            NOON + timedelta(minutes=15): 15,
        }
