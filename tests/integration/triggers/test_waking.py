"""How a watcher hears of what changes, and what wakes its waits where it does not hear."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import AsyncConnection, OperationalError
from sqlalchemy import text

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.counts import Asked
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.engines import LISTENER_NAME
from airflow_provider_ninebits.ledger.outcomes import look
from airflow_provider_ninebits.triggers.watcher import Pace, Watcher
from scripts.soak.servers import postgres as killable_postgres
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_call, accepted, an_answer, arrive, set_columns
from tests.integration.statements import seen_by
from tests.unit.triggers.outages import take_away

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.outcome import Progress
    from airflow_provider_ninebits.triggers.waits import Wait

PATIENCE_SECONDS = 60.0
NEVER_SECONDS = 3600.0
UNSWEPT = Pace(looks_seconds=0.01, tail_seconds=0.05, sweep_seconds=NEVER_SECONDS, deaf_seconds=NEVER_SECONDS)
"""A pace at which only what is heard wakes anybody; but for the one sweep when the listening begins."""

on_postgresql = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


async def woken(wait: Wait) -> None:
    """Return when a wait is woken, and not by its own clock."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await wait.changed(NEVER_SECONDS)


async def woken_to_see(wait: Wait, holds: Callable[[Progress], bool]) -> None:
    """Return when a wait that is woken sees what holds: an earlier change that it hears of late may wake it before."""
    await woken(wait)
    while not holds((await wait.look()).progress):
        await woken(wait)


def one_answered(progress: Progress) -> bool:
    return progress.answered == 1


async def called(database: Database, number: str, *, answered: bool = True) -> None:
    await asyncio.to_thread(arrive, database, a_call(number, answered=answered))


async def woken_by_a_call(wait: Wait, database: Database, number: str = ADA) -> None:
    """Have somebody called who does not answer, and the wait look when that wakes it."""
    task = asyncio.create_task(woken(wait))
    await called(database, number, answered=False)
    await task
    await wait.look()


async def woken_to_see_an_answer(wait: Wait, database: Database) -> None:
    task = asyncio.create_task(woken_to_see(wait, one_answered))
    await called(database, ADA)
    await task


@asynccontextmanager
async def listening(watcher: Watcher, database: Database, ref_id: str, number: str) -> AsyncIterator[Wait]:
    """A wait whose watcher listens, and has done the sweep that it begins with."""
    with watcher.waiting(Asked((ref_id,))) as wait:
        await wait.look()
        # The first change may be found by that sweep, the second one is not.
        for _ in range(2):
            await woken_by_a_call(wait, database, number)
            await swept(watcher, ref_id)
        yield wait


async def swept(watcher: Watcher, ref_id: str) -> None:
    """Return when the sweep is over with which the listening begins."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while watcher._told_to_sweep_at < 0 or watcher._sweep_at <= asyncio.get_running_loop().time():
            await asyncio.sleep(0.01)
    # It has begun. A new wait is looked for when it has ended.
    with watcher.waiting(Asked((ref_id,))) as another:
        await another.look()


async def listeners(database: Database, how: str = "pid") -> list[object]:
    """Return the server's sessions of those who listen to this ledger."""

    def read() -> list[object]:
        with database.reading() as connection:
            found = connection.execute(
                text(
                    f"SELECT {how} FROM pg_stat_activity"
                    " WHERE application_name = :name AND datname = current_database() AND state = 'idle'"
                ),
                {"name": LISTENER_NAME},
            )
            return list(found.scalars())

    return await asyncio.to_thread(read)


async def test_what_is_heard_wakes_without_a_sweep(database: Database) -> None:
    accepted(database, "x", ADA)
    async with listening(Watcher(database, UNSWEPT), database, "x", ADA) as wait:
        await woken_to_see_an_answer(wait, database)


async def test_what_changes_before_the_listening_begins_is_found_when_it_does(database: Database) -> None:
    accepted(database, "x", ADA)
    with Watcher(database, UNSWEPT).waiting(Asked(("x",))) as wait:
        await wait.look()
        await called(database, ADA)
        await woken_to_see(wait, one_answered)


async def test_a_change_of_which_no_notice_came_is_found_by_the_sweep(database: Database) -> None:
    request = accepted(database, "x", ADA)
    async with listening(Watcher(database, replace(UNSWEPT, sweep_seconds=0.2)), database, "x", ADA) as wait:
        task = asyncio.create_task(woken_to_see(wait, one_answered))
        # As a receiver of an older version writes it on PostgreSQL.
        await asyncio.to_thread(
            set_columns, database, schema.message, {"answered": 1, "revision": 99}, id=request.message_id
        )
        await task


async def test_what_is_purged_wakes_its_waits(database: Database) -> None:
    request = accepted(database, "x", ADA)
    async with listening(Watcher(database, replace(UNSWEPT, sweep_seconds=0.2)), database, "x", ADA) as wait:
        task = asyncio.create_task(woken_to_see(wait, lambda progress: progress.unknown_ref_ids == ("x",)))
        with database.writing() as connection:
            for table in (schema.callback, schema.recipient, schema.request):
                connection.execute(table.delete())
            connection.execute(schema.message.delete().where(schema.message.c.id == request.message_id))
        await task


@on_postgresql
async def test_a_lost_connection_is_made_anew_and_nothing_is_missed_meanwhile(database: Database) -> None:
    accepted(database, "x", ADA)
    pace = replace(UNSWEPT, deaf_seconds=0.1)
    async with listening(Watcher(database, pace), database, "x", ADA) as wait:
        [before] = await listeners(database)
        task = asyncio.create_task(woken(wait))
        await listeners(database, "pg_terminate_backend(pid)")
        await called(database, ADA, answered=False)
        await task
        await wait.look()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await listeners(database) in ([], [before]):
                await asyncio.sleep(0.01)
        # It listens again: what is heard now wakes, as before.
        await woken_by_a_call(wait, database)
        await woken_to_see_an_answer(wait, database)


@on_postgresql
async def test_while_nothing_can_be_heard_the_ledger_is_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(**_: object) -> None:
        raise OperationalError("too many connections")

    accepted(database, "x", ADA)
    async with listening(Watcher(database, replace(UNSWEPT, deaf_seconds=0.1)), database, "x", ADA) as wait:
        monkeypatch.setattr(AsyncConnection, "connect", refused)
        await listeners(database, "pg_terminate_backend(pid)")
        # The first one may be found by the sweep as the connection is lost.
        for _ in range(2):
            await woken_by_a_call(wait, database)
        await woken_to_see_an_answer(wait, database)


@on_postgresql
async def test_a_pooler_that_gives_the_connection_away_is_noticed(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = AsyncConnection.execute

    async def elsewhere(self: Any, query: Any, *given: Any) -> Any:
        return await execute(self, "SELECT 1" if query.startswith("LISTEN") else query, *given)

    monkeypatch.setattr(AsyncConnection, "execute", elsewhere)
    accepted(database, "x", ADA)
    with Watcher(database, replace(UNSWEPT, sweep_seconds=0.2, deaf_seconds=0.1)).waiting(Asked(("x",))) as wait:
        await wait.look()
        task = asyncio.create_task(woken(wait))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "no notices come: " not in caplog.text:
                await asyncio.sleep(0.01)
        assert "a pooler stands in between" in caplog.text
        await called(database, ADA)
        await task


@pytest.mark.slow
async def test_a_restart_of_the_database_is_survived() -> None:
    with killable_postgres() as server:
        await asyncio.to_thread(server.run, "CREATE DATABASE ledger")
        database = Database(server.url("ledger").render_as_string(hide_password=False))
        accepted(database, "x", ADA)
        accepted(database, "y", BEN)
        watcher = Watcher(database, replace(UNSWEPT, deaf_seconds=0.2))
        async with listening(watcher, database, "x", ADA) as wait:
            task = asyncio.create_task(woken(wait))
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            await called(database, ADA, answered=False)
            await task
            await wait.look()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await listeners(database):
                    await asyncio.sleep(0.01)
            async with listening(watcher, database, "y", BEN):
                task = asyncio.create_task(woken(wait))
                await called(database, ADA)
                await task
        database.close()


@pytest.mark.slow
async def test_an_outage_longer_than_some_tries_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    with killable_postgres() as server:
        await asyncio.to_thread(server.run, "CREATE DATABASE ledger")
        database = Database(server.url("ledger").render_as_string(hide_password=False))
        accepted(database, "x", ADA)
        watched = Database(database.url.render_as_string(hide_password=False))
        pace = replace(UNSWEPT, sweep_seconds=0.2, deaf_seconds=0.01)
        async with listening(Watcher(watched, pace, outage_tolerance_seconds=60.0), database, "x", ADA) as wait:
            task = asyncio.create_task(woken_to_see(wait, one_answered))
            await asyncio.to_thread(server.kill)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while "(8 times in a row)" not in caplog.text:
                    await asyncio.sleep(0.01)
            assert not task.done()
            await asyncio.to_thread(server.start)
            await called(database, ADA)
            await task
        watched.close()
        database.close()


async def test_an_outage_that_is_over_costs_one_comparison_for_all_waits(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = [str(2348020000100 + place) for place in range(100)]
    for number in numbers:
        accepted(database, f"r{number}", number)
    watched = Database(database.url.render_as_string(hide_password=False))
    watcher = Watcher(watched, replace(UNSWEPT, deaf_seconds=0.01))
    with ExitStack() as stack:
        waits = [stack.enter_context(watcher.waiting(Asked((f"r{number}",)))) for number in numbers]
        await asyncio.gather(*(wait.look() for wait in waits))
        await asyncio.to_thread(take_away, database)
        tasks = [asyncio.create_task(woken(wait)) for wait in waits]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "(8 times in a row)" not in caplog.text:
                await asyncio.sleep(0.01)
        # Nobody hears of these.
        await asyncio.to_thread(give_back_with, database, {"answered": 1, "revision": 99})
        engine, asked = watched._ready_engine(), list[str]()

        def note(connection: Connection, statement: str, _: Any) -> None:
            if connection.engine is engine and "callback.id" not in statement:
                asked.append(statement)

        with seen_by(note):
            await asyncio.gather(*tasks)
            looks = await asyncio.gather(*(wait.look() for wait in waits))
        assert [look.progress.answered for look in looks] == [1] * len(waits)
        # One comparison, or none that came before anybody counted; and one look.
        assert sum("known" in statement for statement in asked) <= 1
        assert sum("known" not in statement for statement in asked) == 1
    watched.close()


def give_back_with(database: Database, changes: dict[str, object]) -> None:
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE taken_away RENAME TO ninebits_message"))
        connection.execute(schema.message.update().values(changes))


async def test_as_many_statements_are_asked_for_many_waits_as_for_one(database: Database) -> None:
    numbers = [str(2348020000100 + place) for place in range(100)]
    for number in numbers:
        accepted(database, f"r{number}", number)
    accepted(database, "x", ADA)
    counts = []
    for others in (numbers[:0], numbers):
        # Its own, so that what the test asks itself does not count.
        watched = Database(database.url.render_as_string(hide_password=False))
        with ExitStack() as stack:
            watcher = Watcher(watched, UNSWEPT)
            waits = [stack.enter_context(watcher.waiting(Asked((f"r{number}",)))) for number in others]
            await asyncio.gather(*(wait.look() for wait in waits))
            tasks = [asyncio.create_task(woken(wait)) for wait in waits]
            async with listening(watcher, database, "x", ADA) as wait:
                engine = watched._ready_engine()
                asked: list[str] = []

                def note(connection: Connection, statement: str, _: Any, engine: Any = engine, to: Any = asked) -> None:
                    # SQLite is asked for new callbacks all the time.
                    if connection.engine is engine and "callback.id >" not in statement:
                        to.append(statement)

                with seen_by(note):
                    task = asyncio.create_task(woken(wait))
                    await called(database, ADA, answered=False)
                    await task
                    # It was the last one who was waited for: then the ledger's clock counts.
                    assert not (await wait.look()).progress.pending
                counts.append(asked)
            assert not any(task.done() for task in tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        watched.close()
    assert counts[0] == counts[1]
    # A notice of PostgreSQL's says how far the message is.
    assert len(counts[0]) == (1 if database.is_sqlite else 0)


@on_postgresql
@pytest.mark.parametrize(("window_seconds", "asked_for"), [(0, 0), (3600, 1)])
async def test_what_was_told_is_what_the_ledger_says(database: Database, window_seconds: int, asked_for: int) -> None:
    """An attempt window ends by the callbacks of single recipients, of which a notice says nothing."""
    request = accepted(database, "x", ADA, BEN)
    watched = Database(database.url.render_as_string(hide_password=False))
    async with listening(Watcher(watched, UNSWEPT), database, "x", ADA) as other:
        watcher = other._watcher
        assert isinstance(watcher, Watcher)
        with watcher.waiting(Asked(("x",), timedelta(seconds=window_seconds))) as wait:
            await wait.look()
            asked: list[str] = []
            with seen_by(
                lambda connection, statement, _: asked.append(statement) if is_of(watched, connection) else None
            ):
                task = asyncio.create_task(woken(wait))
                await called(database, BEN)
                await task
                seen = await wait.look()
            looked = [statement for statement in asked if "ninebits_request" in statement]
            assert len(looked) == asked_for
            assert seen.message_ids == (request.message_id,)
            truth = look(database, ["x"], attempt_window=timedelta(seconds=window_seconds))
            assert (seen.progress, seen.messages) == (truth.progress, truth.messages)
            # On the ledger's clock, though nobody has asked for it.
            assert abs(truth.now - seen.now) < timedelta(seconds=30)
    watched.close()


@on_postgresql
async def test_what_is_told_by_name_is_looked_for(database: Database) -> None:
    """Whatever else a transaction changed besides, what it told of callbacks is not all."""
    accepted(database, "x", ADA, BEN, CAI)
    async with listening(Watcher(database, UNSWEPT), database, "x", ADA) as wait:
        for arrival in (a_call(BEN, answered=False), an_answer("x"), a_call(ADA)):
            task = asyncio.create_task(woken(wait))
            await asyncio.to_thread(arrive, database, arrival)
            await task
            seen = await wait.look()
            assert seen.progress == look(database, ["x"], attempt_window=timedelta()).progress
        assert seen.progress.answered == 1


def is_of(database: Database, connection: Connection) -> bool:
    return connection.engine is database._ready_engine()


def test_two_processes_do_not_disturb_each_other(database: Database, database_url: str) -> None:
    accepted(database, "x", ADA)
    accepted(database, "y", BEN)
    # As two triggerers do that were given the same trigger for a while, too.
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.integration.triggers.waiting", database_url, *ref_ids],
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for ref_ids in (("x",), ("x", "y"))
        ]
        for process, waits in zip(processes, (1, 2), strict=True):
            assert process.stdout is not None
            assert {process.stdout.readline().split()[0] for _ in range(waits)} == {"waiting"}
        arrive(database, a_call(ADA))
        arrive(database, a_call(BEN))
        said = [process.communicate(timeout=PATIENCE_SECONDS)[0].splitlines() for process in processes]
    assert [{line for line in lines if line.startswith("settled")} for lines in said] == [
        {"settled x"},
        {"settled x", "settled y"},
    ]


@on_postgresql
async def test_a_watcher_that_rests_keeps_no_connection_for_listening(database: Database) -> None:
    accepted(database, "x", ADA)
    async with listening(Watcher(database, UNSWEPT), database, "x", ADA):
        assert len(await listeners(database)) == 1
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await listeners(database):
            await asyncio.sleep(0.01)
