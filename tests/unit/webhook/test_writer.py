from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerError
from airflow_provider_ninebits.ledger.states import CallbackKind
from airflow_provider_ninebits.webhook.relay import RelayWriter
from airflow_provider_ninebits.webhook.storing import StoreHere
from airflow_provider_ninebits.webhook.writer import (
    LARGEST_GROUP,
    MOST_ANSWERS_AT_ONCE,
    GroupWriter,
    QueueFull,
    ReceiverEnds,
    Writer,
)
from tests.integration.ledger.scenes import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 30.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ninebits.db"


@pytest.fixture
def ledger(file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{file}")
    with database.reading():
        pass
    yield database
    database.close()


@pytest.fixture(params=["here", "apart"])
def writer(request: pytest.FixtureRequest, ledger: Database) -> Iterator[Writer]:
    made: Writer
    if request.param == "here":
        made = GroupWriter(StoreHere(ledger, window=timedelta(days=1)))
    else:
        made = RelayWriter(ledger.url.render_as_string(hide_password=False), window=timedelta(days=1))
    yield made
    made.stop()


here = pytest.mark.parametrize("writer", ["here"], indirect=True)


@pytest.fixture
def busy(ledger: Database, file: Path) -> Iterator[sqlite3.Connection]:
    """Somebody else who writes, until ``ROLLBACK``."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def callback(raw: str, *, status: int | None = None) -> Arrival:
    return Arrival(CallbackKind.UNREADABLE, raw.encode(), status=status)


def raws(ledger: Database) -> list[str]:
    return [each["raw"].decode() for each in rows(ledger, schema.callback)]


async def test_what_was_committed_is_in_the_ledger(writer: Writer, ledger: Database) -> None:
    await writer.commit([callback("one"), callback("two")], PATIENCE_SECONDS)
    assert raws(ledger) == ["one", "two"]


async def test_those_who_come_at_once_are_all_committed(writer: Writer, ledger: Database) -> None:
    numbers = [str(number) for number in range(1200)]
    await asyncio.gather(*(writer.commit([callback(number)], PATIENCE_SECONDS) for number in numbers))
    assert sorted(raws(ledger), key=int) == numbers


async def test_what_one_gave_up_waiting_for_is_stored_all_the_same(
    writer: Writer, ledger: Database, busy: sqlite3.Connection
) -> None:
    with pytest.raises(TimeoutError):
        await writer.commit([callback("slow")], 0.05)
    busy.execute("ROLLBACK")
    writer.stop()
    assert raws(ledger) == ["slow"]


async def test_stopping_commits_what_is_queued(writer: Writer, ledger: Database, busy: sqlite3.Connection) -> None:
    waiting = [asyncio.create_task(writer.commit([callback(name)], PATIENCE_SECONDS)) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    stopping = asyncio.create_task(asyncio.to_thread(writer.stop))
    busy.execute("ROLLBACK")
    await asyncio.gather(stopping, *waiting)
    assert sorted(raws(ledger)) == ["a", "b", "c"]


async def test_a_writer_that_was_stopped_works_again(writer: Writer, ledger: Database) -> None:
    await writer.commit([callback("before")], PATIENCE_SECONDS)
    writer.stop()
    await writer.commit([callback("after")], PATIENCE_SECONDS)
    assert raws(ledger) == ["before", "after"]


async def test_one_that_the_ledger_cannot_take_does_not_keep_its_neighbours_out(
    writer: Writer, ledger: Database, busy: sqlite3.Connection
) -> None:
    # The first one occupies the writer, so that the others make a group; no column holds so large a number.
    poisonous = callback("poisonous", status=2**80)
    arrivals = [callback("first"), callback("left"), poisonous, callback("right")]
    waiting = [asyncio.create_task(writer.commit([arrival], PATIENCE_SECONDS)) for arrival in arrivals]
    await asyncio.sleep(0)
    busy.execute("ROLLBACK")
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [end is None for end in ends] == [True, True, False, True]
    assert sorted(raws(ledger)) == ["first", "left", "right"]


async def test_a_ledger_that_is_away_is_told(tmp_path: Path) -> None:
    gone = Database(f"sqlite:///{tmp_path}/gone/ninebits.db")
    writer = GroupWriter(StoreHere(gone, window=timedelta(days=1)))
    with pytest.raises(LedgerError):
        await writer.commit([callback("lost")], PATIENCE_SECONDS)
    writer.stop()


async def test_too_many_who_wait_are_sent_away(
    writer: Writer, ledger: Database, busy: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.webhook.writer.MOST_QUEUED", 2)
    waiting = [asyncio.create_task(writer.commit([callback(str(place))], PATIENCE_SECONDS)) for place in range(6)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert {type(task.exception()) for task in done} == {QueueFull}
    busy.execute("ROLLBACK")
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert len(raws(ledger)) == ends.count(None) > 0


async def test_too_many_bytes_that_wait_are_sent_away_however_few_callbacks_they_are(
    writer: Writer, ledger: Database, busy: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ninebits.webhook.writer.MOST_QUEUED_BYTES", 1000)
    # What is in hand is in no queue, however little time a group would take.
    monkeypatch.setattr("airflow_provider_ninebits.webhook.writer.LARGEST_GROUP_BYTES", 500)
    # Nobody waits for them any more; they are queued all the same, which is why this is counted here.
    taken: list[str] = []
    refused = ""
    for place in range(10):
        try:
            await writer.commit([callback(f"{place}" * 400)], 0.01)
        except TimeoutError:
            taken.append(f"{place}" * 400)
        except QueueFull as full:
            refused = str(full)
            break
    assert "wait for the ledger" in refused
    # Those that the writer had in hand, and two that wait.
    assert 2 <= len(taken) < 10
    busy.execute("ROLLBACK")
    writer.stop()
    assert raws(ledger) == taken
    # And one that is larger than all that may wait is taken when nobody does.
    await writer.commit([callback("y" * 2000)], PATIENCE_SECONDS)


async def test_of_a_list_nothing_is_stored_that_comes_after_what_cannot_be(writer: Writer, ledger: Database) -> None:
    page = [callback(str(place)) for place in range(LARGEST_GROUP)]
    with pytest.raises(Exception, match=r"."):
        await writer.commit([*page, callback("x", status=2**80), callback("y")], PATIENCE_SECONDS)
    assert raws(ledger) == [arrival.raw.decode() for arrival in page]


@pytest.mark.parametrize(
    ("kind", "page"), [(CallbackKind.UNREADABLE, LARGEST_GROUP), (CallbackKind.ANSWER, MOST_ANSWERS_AT_ONCE)], ids=str
)
async def test_others_get_in_between_the_pages_of_a_list(
    writer: Writer, ledger: Database, busy: sqlite3.Connection, kind: CallbackKind, page: int
) -> None:
    listed = [Arrival(kind, b"of the list", ref_id="x") for _ in range(3 * page)]
    waiting = [asyncio.create_task(writer.commit(each, PATIENCE_SECONDS)) for each in (listed, [callback("other")])]
    await asyncio.sleep(0)
    busy.execute("ROLLBACK")
    await asyncio.gather(*waiting)
    stored = raws(ledger)
    assert len(stored) == 3 * page + 1
    assert stored.index("other") <= page


@here
async def test_what_fails_after_the_commit_makes_no_doubles(
    writer: Writer, ledger: Database, busy: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> int:
        raise RuntimeError("a lock was not to be had")

    monkeypatch.setattr("airflow_provider_ninebits.ledger.rematching.try_for", fails)
    waiting = [asyncio.create_task(writer.commit([callback(name)], PATIENCE_SECONDS)) for name in ("a", "b", "c")]
    await asyncio.sleep(0)
    busy.execute("ROLLBACK")
    await asyncio.gather(*waiting)
    assert sorted(raws(ledger)) == ["a", "b", "c"]


class Held:
    """A store that holds each group until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.at_once = self.most_at_once = 0

    def store(self, *_: object) -> Stored:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun.set()
        self.let_go.wait(PATIENCE_SECONDS)
        self.at_once -= 1
        return Stored()

    def rest(self) -> None: ...

    def close(self) -> None: ...


async def test_while_it_stops_it_takes_no_more_and_stores_by_one_thread() -> None:
    held = Held()
    writer = GroupWriter(held)
    first = asyncio.create_task(writer.commit([callback("one")], PATIENCE_SECONDS))
    await asyncio.to_thread(held.begun.wait, PATIENCE_SECONDS)
    stopping = asyncio.create_task(asyncio.to_thread(writer.stop))
    while True:
        try:
            writer.submit([callback("two")], asyncio.get_running_loop(), 0.0, lambda _: None)
        except ReceiverEnds:
            break
        await asyncio.sleep(0.001)
    held.let_go.set()
    await stopping
    await first
    assert held.most_at_once == 1
    await writer.commit([callback("three")], PATIENCE_SECONDS)
    await asyncio.to_thread(writer.stop)


async def test_without_a_thread_left_it_says_so_and_the_next_one_is_stored(
    writer: Writer, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            await writer.commit([Arrival(CallbackKind.UNREADABLE, b"one")], PATIENCE_SECONDS)
    await writer.commit([Arrival(CallbackKind.UNREADABLE, b"two")], PATIENCE_SECONDS)
    assert [each["raw"] for each in rows(ledger, schema.callback)] == [b"two"]


async def test_a_ping_goes_the_way_of_callbacks(writer: Writer, ledger: Database, file: Path) -> None:
    await writer.ping(PATIENCE_SECONDS)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError):
            await writer.ping(0.2)
    await writer.ping(PATIENCE_SECONDS)
    assert raws(ledger) == []


def test_a_loop_that_has_ended_keeps_nobody_out(writer: Writer, ledger: Database, busy: sqlite3.Connection) -> None:
    async def give_up() -> None:
        # As much as is on its way to a process, and more.
        waiting = [writer.commit([callback(str(place) * 900_000)], 0.05) for place in range(6)]
        assert {type(end) for end in await asyncio.gather(*waiting, return_exceptions=True)} == {TimeoutError}

    asyncio.run(give_up())
    busy.execute("ROLLBACK")
    for place in range(2):
        asyncio.run(writer.commit([callback(f"after {place}")], PATIENCE_SECONDS))
    assert [raw[:7] for raw in raws(ledger)] == [*(str(place) * 7 for place in range(6)), "after 0", "after 1"]
