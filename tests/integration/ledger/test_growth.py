"""What a ledger of 200,000 recipients and callbacks is asked is found by an index, not by reading all of it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.browsing import MessageFilter, Seen, browse
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.calls import answers_of, read_calls
from airflow_provider_ninebits.ledger.dead_letter_pages import browse_dead_letters, count_dead_letters
from airflow_provider_ninebits.ledger.dead_letters import Fate, list_callbacks
from airflow_provider_ninebits.ledger.events import queued, subscribe
from airflow_provider_ninebits.ledger.known_names import connections_of, dags_of
from airflow_provider_ninebits.ledger.listening import messages_after, newest_callback
from airflow_provider_ninebits.ledger.listing import list_messages, read_message, stirred_since
from airflow_provider_ninebits.ledger.looks import differing
from airflow_provider_ninebits.ledger.outcomes import look, read_outcome
from airflow_provider_ninebits.ledger.receivers import turned_away_since
from airflow_provider_ninebits.ledger.rematching import rematch, sweep
from airflow_provider_ninebits.ledger.statistics import Span, count_calls
from airflow_provider_ninebits.ledger.vitals import count_uncertain
from airflow_provider_ninebits.ledger.wanted import Wanted as Subscribed
from tests.integration.ledger.scenes import WINDOW, a_call, a_plan, an_answer, arrive, claimed, plan, sending, uncertain
from tests.integration.statements import seen_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MESSAGES, PART = 200, 1000
LARGE = ("ninebits_recipient", "ninebits_callback", "ninebits_event")
SMALL = ("ninebits_message", "ninebits_request", "ninebits_send", "ninebits_receipt", "ninebits_task")

SUBSCRIBED = [Subscribed("default"), Subscribed("default", conn_id="with a backlog")]


def number_of(place: int) -> str:
    return str(2348020000000 + place)


def ref_id_of(message: int) -> str:
    return f"ref{message:022}"


@pytest.fixture
def grown(database: Database) -> Database:
    """A ledger that has settled a month of calls, and is analyzed as a database does by itself from time to time."""
    now = datetime.now(UTC)
    with database.writing() as connection:
        for message in range(MESSAGES):
            at = now - timedelta(minutes=200 - message)
            ids = {"send_id": f"s{message}", "message_id": f"m{message}"}
            numbers = range(message * PART, (message + 1) * PART)
            send = {"id": ids["send_id"], "deployment": "default", "created_at": at, "run_id": f"r{message % 20}"}
            write(connection, Change(schema.send, [send]))
            asked = {"part": 0, "conn_id": "ninebits", "media_url": "https://media.test/a.mp3"}
            counts = {"recipients": PART, "answered": PART, "revision": 1}
            made = {"id": ids["message_id"], "send_id": ids["send_id"], "state": "accepted", "created_at": at}
            write(connection, Change(schema.message, [{**made, **asked, **counts}]))
            request = {"message_id": ids["message_id"], "conn_id": "ninebits", "state": "accepted", "started_at": at}
            write(connection, Change(schema.request, [{"id": message + 1, **request, "ref_id": ref_id_of(message)}]))
            rung = [{"id": each + 1, **ids, "number": number_of(each), "state": "answered"} for each in numbers]
            write(connection, Change(schema.recipient, rung))
            came = [
                {
                    "id": each + 1,
                    "received_at": at,
                    "kind": "call",
                    "raw": b"{}",
                    "identity": f"{each}",
                    "ref_id": ref_id_of(message),
                    "number": number_of(each),
                    # One in a hundred is a late attempt that settled nobody.
                    "match_state": "matched" if each % 100 else "unmatched",
                    "recipient_id": each + 1 if each % 100 else None,
                }
                for each in numbers
            ]
            write(connection, Change(schema.callback, came))
    subscribe(database, SUBSCRIBED)
    copied = "subscription_id, recipient_id, message_id, state, attempts"
    backlog = f"INSERT INTO ninebits_event ({copied}) SELECT :id, id, message_id, state, 1 FROM ninebits_recipient"
    with database.writing() as connection:
        connection.execute(text(backlog), {"id": SUBSCRIBED[1].subscription_id})
        connection.execute(text(f"{backlog} WHERE id <= 3"), {"id": SUBSCRIBED[0].subscription_id})
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            for table in ("request", "recipient", "callback"):
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('ninebits_{table}', 'id'), 1000000)"))
        connection.execute(text("ANALYZE"))
    return database


@contextmanager
def explained(plans: dict[str, str]) -> Iterator[None]:
    """Have the database say how it finds what each statement asks for."""

    def explain(connection: Connection, statement: str, parameters: Any) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            return
        if "ninebits_" not in statement:
            return
        how = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        asking = connection.connection.cursor()
        asking.execute(how + statement, parameters)
        plans[statement] = _lines_of(asking, LARGE)
        if connection.dialect.name == "postgresql":
            # It rightly reads a table of 200 rows as a whole, unless it is told not to where it can help it.
            asking.execute("SHOW enable_seqscan")
            # Off already in a transaction that matches.
            (as_it_was,) = asking.fetchone()
            asking.execute("SET LOCAL enable_seqscan = off")
            asking.execute(how + statement, parameters)
            plans[statement] += _lines_of(asking, SMALL)
            asking.execute(f"SET LOCAL enable_seqscan = {as_it_was}")
        asking.close()

    with seen_by(explain):
        yield


def _lines_of(asking: Any, tables: tuple[str, ...]) -> str:
    lines = (str(row) for row in asking.fetchall())
    return "".join(f"{line}\n" for line in lines if any(table in line for table in tables))


def whole_tables(database: Database, how: str) -> set[str]:
    """Return the tables of which a plan reads every row."""
    word = "Seq Scan on " if database.url.get_backend_name() == "postgresql" else "SCAN "
    found = {line.partition(word)[2].split()[0].strip("',)") for line in how.splitlines() if word in line}
    ours = {name for name in found if name.startswith("ninebits_")}
    # Along an index that holds just what is asked for, as the one of unmatched callbacks, is no scan of the table.
    along = {name for name in ours if f"SCAN {name} USING" in how}
    return ours - along


def look_at_the_page(database: Database) -> None:
    """Ask what the page "Voice calls" asks, with each filter."""
    now = datetime.now(UTC)
    with database.reading() as connection:
        page = browse(connection, MessageFilter(), limit=5)
        assert page.after is not None
        for wanted in (
            MessageFilter(),
            MessageFilter(conn_ids=("ninebits", "another")),
            MessageFilter(dag_id="reminders", task_id="ring"),
            MessageFilter(seen=Seen.PENDING),
            MessageFilter(number=number_of(70_000)),
            MessageFilter(ref_ids=(ref_id_of(7), "ledger:m9")),
            MessageFilter(run_id="r3"),
            MessageFilter(since=now - timedelta(minutes=100), until=now),
        ):
            browse(connection, wanted, after=page.after)
        assert connections_of(connection, deployment="default")
        dags_of(connection)
        read_message(connection, "m7")
        assert stirred_since(connection, ["m7", "m9"], now - timedelta(days=1))
        assert not stirred_since(connection, ["m7", "m9"], now)
        assert read_calls(connection, "m7", limit=100).calls
        answers_of(connection, "m7")
        assert browse_dead_letters(connection, fate=Fate.UNMATCHED, deployment="default", limit=5).after is not None
        assert count_dead_letters(connection, deployment="default")[Fate.UNMATCHED] == 2000
        turned_away_since(connection, now)
        count_uncertain(connection)
        assert count_calls(connection, Span(now - timedelta(hours=1), now)).count()


def test_every_question_is_answered_by_an_index(grown: Database) -> None:
    some = [number_of(place * 997 % (MESSAGES * PART)) for place in range(40)]
    waiting = plan(grown, a_plan(tuple(some))).parts[0]
    claimed(grown, waiting.message_id).answered("accepted", "of the waiting")
    doubtful = uncertain(grown, "2349000000001")
    plans: dict[str, str] = {}
    with explained(plans):
        arrive(grown, *(a_call(number, ref_id="of the waiting", identity=f"new {number}") for number in some[:20]))
        arrive(grown, *(a_call(number, identity=f"nameless {number}") for number in some[20:]))
        arrive(grown, a_call(some[0], ref_id="nobody's", identity="unknown"), an_answer("unknown", identity="answer"))
        rematch(grown, window=WINDOW, ref_ids=["of the waiting"], message_ids=[doubtful.message_id])
        look(grown, ["of the waiting"], attempt_window=timedelta(0))
        read_outcome(grown, ["of the waiting"], attempt_window=timedelta(0))
        differing(grown, {waiting.message_id: 0, "m7": 1})
        messages_after(grown, newest_callback(grown) - 10)
        assert len(queued(grown, [each.subscription_id for each in SUBSCRIBED], limit=200)) > 200
        list_messages(grown, limit=50)
        list_callbacks(grown, limit=50)
        look_at_the_page(grown)
        for answer in (("accepted", "another"), ("refused", None)):
            shown = sending(grown, some[0])
            arrive(grown, a_call(some[0], ref_id=f"before {answer}", identity=f"before {answer}"))
            shown.answered(*answer)
        sweep(grown, window=timedelta(minutes=1), pause=lambda _: None)
    assert len(plans) > 20
    # Those of a group of callbacks are among them: they go past SQLAlchemy.
    assert any("ninebits_message" in statement and "lease_expires_at" in statement for statement in plans)
    assert {statement: how for statement, how in plans.items() if whole_tables(grown, how)} == {}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_sweep_reads_what_is_nobodys_in_a_file_that_was_never_analyzed(database: Database) -> None:
    plans: dict[str, str] = {}
    with explained(plans):
        sweep(database, window=WINDOW, pause=lambda _: None)
    [how] = [how for statement, how in plans.items() if "EXISTS" in statement and "ORDER BY" in statement]
    assert "ninebits_callback USING INDEX ix_ninebits_callback_dead_letter (received_at>?)" in how
