from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest
from sqlalchemy import event

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable
from airflow_provider_ninebits.triggers.watcher import Subscription, Watcher, shared_watcher
from tests.integration.ledger.scenes import a_call, accepted, arrive
from tests.unit.triggers.outages import give_back, take_away

PATIENCE_SECONDS = 30.0
NUMBERS = [str(2348020000000 + place) for place in range(40)]


async def woken(subscription: Subscription) -> Subscription:
    async with asyncio.timeout(PATIENCE_SECONDS):
        # Longer than our patience: it ends by being woken, or the test fails.
        await subscription.wait(PATIENCE_SECONDS * 2)
    return subscription


async def test_a_callback_wakes_the_wait_that_it_is_for_and_no_other(ledger: Database) -> None:
    requests = [accepted(ledger, f"r{place}", number) for place, number in enumerate(NUMBERS)]
    watcher = Watcher(ledger)
    with ExitStack() as stack:
        waits = [stack.enter_context(watcher.subscribed([request.message_id])) for request in requests]
        await asyncio.gather(*(woken(wait) for wait in waits))
        tasks = [asyncio.create_task(woken(wait)) for wait in waits]
        arrive(ledger, a_call(NUMBERS[17]))
        done, asleep = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # Whoever a poll wakes, it wakes at once; two more polls show that nobody comes after.
        arrive(ledger, a_call(NUMBERS[23]))
        more, asleep = await asyncio.wait(asleep, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [waits[17]]
        assert [task.result() for task in more] == [waits[23]]
        for task in asleep:
            task.cancel()
        await asyncio.wait(asleep)


async def test_all_waits_for_one_message_are_woken(ledger: Database) -> None:
    request = accepted(ledger, "r1", NUMBERS[0])
    watcher = Watcher(ledger)
    with ExitStack() as stack:
        waits = [stack.enter_context(watcher.subscribed([request.message_id])) for _ in range(10)]
        await asyncio.gather(*(woken(wait) for wait in waits))
        tasks = [asyncio.create_task(woken(wait)) for wait in waits]
        arrive(ledger, a_call(NUMBERS[0]))
        await asyncio.gather(*tasks)


async def test_a_new_wait_is_woken_once_for_what_changed_before_it_was_there(ledger: Database) -> None:
    request = accepted(ledger, "r1", NUMBERS[0])
    watcher = Watcher(ledger)
    with watcher.subscribed([request.message_id]) as first:
        await woken(first)
        # The message's revision has been seen by now.
        with watcher.subscribed([request.message_id]) as second:
            await woken(second)


async def test_many_waits_ask_the_ledger_as_often_as_one(ledger: Database) -> None:
    requests = [accepted(ledger, f"r{place}", number) for place, number in enumerate(NUMBERS)]
    watcher = Watcher(ledger)
    asked: list[str] = []
    with ExitStack() as stack:
        waits = [stack.enter_context(watcher.subscribed([request.message_id])) for request in requests]
        await asyncio.gather(*(woken(wait) for wait in waits))
        event.listen(ledger._ready_engine(), "before_cursor_execute", lambda *call: asked.append(call[2]))
        task = asyncio.create_task(woken(waits[3]))
        while len(asked) < 3:
            await asyncio.sleep(0.01)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])
    assert all("ninebits_message.revision" in statement and "IN (" in statement for statement in asked)


async def test_it_rests_while_nobody_waits_and_works_for_the_next(ledger: Database) -> None:
    request = accepted(ledger, "r1", NUMBERS[0])
    watcher = Watcher(ledger)
    for _ in range(2):
        with watcher.subscribed([request.message_id]) as wait:
            await woken(wait)
            [watching] = [task for task in asyncio.all_tasks() if task.get_name() == "ninebits-watcher"]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await watching


async def test_after_some_failures_in_a_row_every_wait_hears_of_it(ledger: Database) -> None:
    requests = [accepted(ledger, f"r{place}", number) for place, number in enumerate(NUMBERS[:3])]
    watcher = Watcher(ledger)
    with ExitStack() as stack:
        waits = [stack.enter_context(watcher.subscribed([request.message_id])) for request in requests]
        await asyncio.gather(*(woken(wait) for wait in waits))
        take_away(ledger)
        ends = await asyncio.gather(*(woken(wait) for wait in waits), return_exceptions=True)
        assert [type(end) for end in ends] == [LedgerUnreachable] * 3
        # It goes on: those who wait again are served when the ledger is back.
        give_back(ledger)
        tasks = [asyncio.create_task(woken(wait)) for wait in waits]
        arrive(ledger, *(a_call(number) for number in NUMBERS[:3]))
        await asyncio.gather(*tasks)


async def test_a_wait_without_a_message_is_let_go_by_its_own_clock(ledger: Database) -> None:
    with Watcher(ledger).subscribed([]) as wait:
        await wait.wait(0.01)
    assert wait.failure is None


async def test_triggers_of_one_loop_share_a_watcher_for_each_ledger(ledger: Database) -> None:
    url = ledger.url.render_as_string(hide_password=False)
    assert shared_watcher(url) is shared_watcher(url)
    assert shared_watcher(url) is not shared_watcher(url + "2")


def test_another_loop_has_its_own() -> None:
    async def watcher() -> Watcher:
        return shared_watcher("sqlite:////nowhere/ninebits.db")

    assert asyncio.run(watcher()) is not asyncio.run(watcher())


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_a_wait_without_time_returns(seconds: float) -> None:
    await Subscription().wait(seconds)
