from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from contextlib import ExitStack
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from airflow_provider_ninebits.ledger.counts import Asked
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable
from airflow_provider_ninebits.triggers.watcher import Watcher, shared_watcher
from tests.integration.ledger.scenes import a_call, accepted, arrive
from tests.unit.triggers.outages import give_back, take_away

if TYPE_CHECKING:
    from airflow_provider_ninebits.triggers.waits import Wait

PATIENCE_SECONDS = 30.0
NUMBERS = [str(2348020000000 + place) for place in range(40)]


async def woken(wait: Wait) -> Wait:
    """Return when a wait is woken, and not by its own clock."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await wait.changed(PATIENCE_SECONDS * 2)
    return wait


async def looking(stack: ExitStack, watcher: Watcher, *ref_ids: str) -> list[Wait]:
    """Waits that have looked, one for each ``ref_id``."""
    waits = [stack.enter_context(watcher.waiting(Asked((ref_id,)))) for ref_id in ref_ids]
    await asyncio.gather(*(wait.look() for wait in waits))
    return waits


async def rested() -> None:
    """Return when no watcher is at work any more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(task.get_name().startswith("ninebits-") for task in asyncio.all_tasks()):
            await asyncio.sleep(0.01)


async def test_a_callback_wakes_the_wait_that_it_is_for_and_no_other(ledger: Database) -> None:
    ref_ids = [f"r{place}" for place in range(len(NUMBERS))]
    for ref_id, number in zip(ref_ids, NUMBERS, strict=True):
        accepted(ledger, ref_id, number)
    with ExitStack() as stack:
        waits = await looking(stack, Watcher(ledger), *ref_ids)
        tasks = [asyncio.create_task(woken(wait)) for wait in waits]
        arrive(ledger, a_call(NUMBERS[17]))
        done, asleep = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # Whoever is woken by a callback is woken at once; another one shows that nobody comes after.
        arrive(ledger, a_call(NUMBERS[23]))
        more, asleep = await asyncio.wait(asleep, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [waits[17]]
        assert [task.result() for task in more] == [waits[23]]
        for task in asleep:
            task.cancel()
        await asyncio.wait(asleep)


async def test_all_waits_for_one_message_are_woken(ledger: Database) -> None:
    accepted(ledger, "r1", NUMBERS[0])
    with ExitStack() as stack:
        waits = await looking(stack, Watcher(ledger), *["r1"] * 10)
        tasks = [asyncio.create_task(woken(wait)) for wait in waits]
        arrive(ledger, a_call(NUMBERS[0]))
        await asyncio.gather(*tasks)


async def test_what_changes_after_the_look_and_before_anybody_listens_is_not_missed(ledger: Database) -> None:
    accepted(ledger, "r1", NUMBERS[0])
    with ExitStack() as stack:
        [wait] = await looking(stack, Watcher(ledger), "r1")
        arrive(ledger, a_call(NUMBERS[0]))
        await woken(wait)
        assert (await wait.look()).progress.answered == 1


async def test_a_look_that_is_newer_than_anothers_wakes_the_other(ledger: Database) -> None:
    accepted(ledger, "r1", NUMBERS[0])
    watcher = Watcher(ledger)
    with ExitStack() as stack:
        [first] = await looking(stack, watcher, "r1")
        arrive(ledger, a_call(NUMBERS[0]))
        await looking(stack, watcher, "r1")
        await woken(first)


async def test_waits_that_look_at_once_are_looked_for_together(ledger: Database) -> None:
    ref_ids = [f"r{place}" for place in range(len(NUMBERS))]
    for ref_id, number in zip(ref_ids, NUMBERS, strict=True):
        accepted(ledger, ref_id, number)
    asked: list[str] = []
    with ExitStack() as stack:
        watcher = Watcher(ledger)
        event.listen(ledger._ready_engine(), "before_cursor_execute", lambda *call: asked.append(call[2]))
        await looking(stack, watcher, *ref_ids)
        assert len(asked) == 1


async def test_many_waits_ask_the_ledger_as_often_as_one(ledger: Database) -> None:
    ref_ids = [f"r{place}" for place in range(len(NUMBERS))]
    for ref_id, number in zip(ref_ids, NUMBERS, strict=True):
        accepted(ledger, ref_id, number)
    counts = []
    for some in (ref_ids[:1], ref_ids):
        asked: list[str] = []
        with ExitStack() as stack:
            waits = await looking(stack, Watcher(ledger), *some)
            event.listen(ledger._ready_engine(), "before_cursor_execute", lambda *call, to=asked: to.append(call[2]))
            task = asyncio.create_task(woken(waits[0]))
            while sum("json_each" in statement for statement in asked) < 3:
                await asyncio.sleep(0.01)
            assert not task.done()
            task.cancel()
            await asyncio.wait([task])
        await rested()
        counts.append(set(asked))
    # A comparison, a tail and where that begins; however many there are.
    assert counts[0] == counts[1]
    assert len(counts[0]) == 3


async def test_it_rests_while_nobody_waits_and_works_for_the_next(ledger: Database) -> None:
    accepted(ledger, "r1", NUMBERS[0])
    watcher = Watcher(ledger)
    for state in (False, True):
        with ExitStack() as stack:
            [wait] = await looking(stack, watcher, "r1")
            await wait.changed(0.01)
            arrive(ledger, a_call(NUMBERS[0], answered=state))
            await woken(wait)
        await rested()


async def test_a_wait_that_is_over_at_its_first_look_makes_nobody_listen(ledger: Database) -> None:
    accepted(ledger, "r1", NUMBERS[0])
    with ExitStack() as stack:
        await looking(stack, Watcher(ledger), "r1")
        assert not any(task.get_name() == "ninebits-listener" for task in asyncio.all_tasks())


async def test_after_an_outage_that_is_too_long_every_wait_hears_of_it(ledger: Database) -> None:
    ref_ids = ["r0", "r1", "r2"]
    for ref_id, number in zip(ref_ids, NUMBERS, strict=False):
        accepted(ledger, ref_id, number)
    watcher = Watcher(ledger, outage_tolerance_seconds=0.3)
    with ExitStack() as stack:
        waits = await looking(stack, watcher, *ref_ids)
        take_away(ledger)
        ends = await asyncio.gather(*(woken(wait) for wait in waits), return_exceptions=True)
        assert [type(end) for end in ends] == [LedgerUnreachable] * 3
        # It goes on: those who wait again are served when the ledger is back.
        give_back(ledger)
    with ExitStack() as stack:
        waits = await looking(stack, watcher, *ref_ids)
        tasks = [asyncio.create_task(woken(wait)) for wait in waits]
        arrive(ledger, *(a_call(number) for number in NUMBERS[:3]))
        await asyncio.gather(*tasks)


async def test_a_look_is_tried_again_with_those_of_the_others_before_it_fails(ledger: Database) -> None:
    accepted(ledger, "r1", NUMBERS[0])
    take_away(ledger)
    with ExitStack() as stack:
        watchers = [Watcher(ledger, outage_tolerance_seconds=0.3) for _ in range(3)]
        waits = [stack.enter_context(watcher.waiting(Asked(("r1",)))) for watcher in watchers]
        ends = await asyncio.gather(*(wait.look() for wait in waits), return_exceptions=True)
        assert [type(end) for end in ends] == [LedgerUnreachable] * 3


async def test_an_outage_of_many_tries_is_waited_through(ledger: Database, caplog: pytest.LogCaptureFixture) -> None:
    accepted(ledger, "r1", NUMBERS[0])
    accepted(ledger, "r2", NUMBERS[1])
    watcher = Watcher(ledger)
    with ExitStack() as stack:
        [resting] = await looking(stack, watcher, "r1")
        task = asyncio.create_task(woken(resting))
        take_away(ledger)
        # Somebody who begins to wait in the middle of it waits through it, too.
        late = stack.enter_context(watcher.waiting(Asked(("r2",))))
        first_look = asyncio.create_task(late.look())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "(8 times" not in caplog.text:
                await asyncio.sleep(0.01)
        give_back(ledger)
        arrive(ledger, a_call(NUMBERS[0]))
        await task
        assert (await resting.look()).progress.answered == 1
        assert (await first_look).progress.pending == 1


async def test_what_somebody_has_to_mend_fails_at_once(ledger: Database, caplog: pytest.LogCaptureFixture) -> None:
    with ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE ninebits_version SET version_num = 'of the future'")
    url = ledger.url.render_as_string(hide_password=False)
    with Watcher(Database(url)).waiting(Asked(("r1",))) as wait, pytest.raises(LedgerUnusable):
        await wait.look()
    assert "(2 times" not in caplog.text


async def test_what_no_ledger_can_hold_is_unknown_and_fails_no_other(ledger: Database) -> None:
    accepted(ledger, "r1", NUMBERS[0])
    watcher = Watcher(ledger)
    with watcher.waiting(Asked(("a\0b", "\ud800", "r1"))) as poison, watcher.waiting(Asked(("r1",))) as other:
        seen = await asyncio.gather(poison.look(), other.look())
    assert seen[0].progress.unknown_ref_ids == ("a\0b", "\ud800")
    assert [look.progress.recipients for look in seen] == [1, 1]


async def test_a_wait_without_a_message_is_let_go_by_its_own_clock(ledger: Database) -> None:
    with ExitStack() as stack:
        [wait] = await looking(stack, Watcher(ledger), "nobody's")
        await wait.changed(0.01)
        await wait.changed(-1.0)


async def test_a_listener_that_says_nothing_is_not_trusted(ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("airflow_provider_ninebits.ledger.listening.listen", hang)
    accepted(ledger, "r1", NUMBERS[0])
    with ExitStack() as stack:
        [wait] = await looking(stack, Watcher(ledger), "r1")
        for answered in (False, False, True):
            task = asyncio.create_task(woken(wait))
            arrive(ledger, a_call(NUMBERS[0], answered=answered))
            await task
            await wait.look()


async def test_it_is_no_part_of_the_trigger_that_begins_it(ledger: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow puts what is logged into the log of the trigger that is in the context."""
    trigger_id: ContextVar[int] = ContextVar("trigger_id")
    trigger_id.set(7)
    found: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def listen(*_: object, **__: object) -> None:
        found.set_result(trigger_id.get(None))
        await asyncio.Event().wait()

    monkeypatch.setattr("airflow_provider_ninebits.ledger.listening.listen", listen)
    with Watcher(ledger).waiting(Asked(("x",))) as wait:
        await wait.look()
        await wait.changed(0.01)
        assert await found is None


async def test_triggers_of_one_loop_share_a_watcher_for_each_ledger(ledger: Database) -> None:
    url = ledger.url.render_as_string(hide_password=False)
    assert shared_watcher(url) is shared_watcher(url)
    assert shared_watcher(url) is not shared_watcher(url + "2")


def test_another_loop_has_its_own() -> None:
    async def watcher() -> Watcher:
        return shared_watcher("sqlite:////nowhere/ninebits.db")

    assert asyncio.run(watcher()) is not asyncio.run(watcher())


def test_nothing_is_left_of_a_loop_that_has_ended(ledger: Database) -> None:
    accepted(ledger, "r1", NUMBERS[0])

    async def wait_for_a_moment() -> None:
        with ExitStack() as stack:
            shared = shared_watcher(ledger.url.render_as_string(hide_password=False))
            await looking(stack, shared, "r1")
        await rested()
        watchers.append(weakref.ref(shared))

    watchers: list[weakref.ref[Watcher]] = []
    asyncio.run(wait_for_a_moment())
    # It closes the ledger first.
    for thread in threading.enumerate():
        if thread.name.startswith("ninebits-watcher"):
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
    gc.collect()
    assert [watcher() for watcher in watchers] == [None]
