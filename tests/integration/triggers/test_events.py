"""Events on their way from the ledger to Airflow, on both ways that a triggerer runs their trigger."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.triggers.shared_stream import AckTimeout

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.events import subscribe
from airflow_provider_ninebits.ledger.wanted import Wanted
from airflow_provider_ninebits.triggers import event_stream, events, subscribers
from airflow_provider_ninebits.triggers.event_watcher import EventPace, EventWatcher, shared_event_watcher
from airflow_provider_ninebits.triggers.events import CallbackEventTrigger
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_call, accepted, arrive, rows, set_columns
from tests.integration.triggers.firing import PATHS, firing, rested, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow_provider_ninebits.ledger.database import Database

PATIENCE_SECONDS = 60.0
NEVER_SECONDS = 3600.0
SWEEPING = EventPace(looks_seconds=0.02, tail_seconds=0.05, sweep_seconds=0.2, deaf_seconds=0.02)
UNSWEPT = EventPace(looks_seconds=0.02, tail_seconds=0.05, sweep_seconds=NEVER_SECONDS, deaf_seconds=0.02)

pytestmark = pytest.mark.parametrize("path", PATHS)


@pytest.fixture(autouse=True)
async def quick(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The ledger is the option's, nothing waits for long, and nothing is left behind."""
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", database_url)
    monkeypatch.setattr(EventWatcher.__init__, "__defaults__", (SWEEPING,))
    monkeypatch.setattr(events, "PERSISTED_AFTER_SECONDS", 0.05)
    # However slow the machine, nothing is told once more but where a test is about that.
    monkeypatch.setattr(subscribers, "BURST_SECONDS", NEVER_SECONDS)
    yield
    async with asyncio.timeout(PATIENCE_SECONDS):
        await rested()


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def subscribed(database: Database, how_many: int = 1) -> None:
    await until(lambda: len(rows(database, schema.subscription)) >= how_many, "nobody has subscribed")


async def empty(database: Database) -> None:
    await until(lambda: not rows(database, schema.event), "what was handed on stays in the ledger")


def said(payloads: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["call"]["to_number"], each["call"]["state"]) for each in payloads]


async def test_events_are_fired_and_leave_the_ledger_once_airflow_has_them(database: Database, path: str) -> None:
    accepted(database, "x", ADA, BEN)
    async with firing(path) as fired:
        await subscribed(database)
        arrive(database, a_call(ADA), a_call(BEN, answered=False))
        await until(lambda: len(fired) == 2, "two were not fired")
        await empty(database)
    assert sorted(said(fired)) == [(ADA, "answered"), (BEN, "unanswered")]
    assert json.loads(json.dumps(fired)) == fired


async def test_the_last_of_a_burst_is_told_once_more_for_the_run_that_takes_what_airflow_left(
    database: Database, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(subscribers, "BURST_SECONDS", 1.0)
    accepted(database, "x", ADA, BEN, CAI)
    async with firing(path) as fired:
        await subscribed(database)
        arrive(database, a_call(ADA))
        await until(lambda: len(fired) == 1, "it was not fired")
        # One alone leaves nothing behind: were it told again, this would come after that.
        await asyncio.sleep(1.5)
        arrive(database, a_call(BEN), a_call(CAI))
        await until(lambda: len(fired) == 4, "the burst and its end were not fired")
        await asyncio.sleep(1.5)
        await empty(database)
    assert said(fired[:1]) == [(ADA, "answered")]
    assert sorted(said(fired[1:3])) == [(BEN, "answered"), (CAI, "answered")]
    assert fired[3:] == [fired[2]]


async def test_what_is_heard_is_fired_without_a_sweep(
    database: Database, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventWatcher.__init__, "__defaults__", (UNSWEPT,))
    accepted(database, "x", ADA, BEN)
    async with firing(path) as fired:
        await subscribed(database)
        arrive(database, a_call(ADA))
        # This one may be found as the listening begins, the next is not.
        await until(lambda: len(fired) == 1, "the first was not fired")
        await empty(database)
        arrive(database, a_call(BEN))
        await until(lambda: len(fired) == 2, "the second was not heard")


async def test_only_what_is_wanted_is_fired_and_the_rest_does_not_stay(database: Database, path: str) -> None:
    accepted(database, "x", ADA, BEN)
    accepted(database, "y", CAI, conn_id="other")
    async with firing(
        path, number_prefix="+" + BEN[:-1], state=["answered", "failed"], ninebits_conn_id="ninebits"
    ) as fired:
        await subscribed(database)
        arrive(database, a_call(ADA, answered=False), a_call(BEN), a_call(CAI))
        await until(lambda: fired, "none was fired")
        await empty(database)
    assert said(fired) == [(BEN, "answered")]


async def test_other_airflows_messages_start_nothing_here(
    database: Database, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__DEPLOYMENT", "elsewhere")
    accepted(database, "x", ADA)
    async with firing(path) as fired:
        await subscribed(database)
        arrive(database, a_call(ADA))
        await empty(database)
    assert fired == []


async def test_what_happens_while_nobody_runs_is_fired_by_the_next(database: Database, path: str) -> None:
    accepted(database, "x", ADA)
    async with firing(path):
        await subscribed(database)
    arrive(database, a_call(ADA))
    async with firing(path) as fired:
        await until(lambda: fired, "it is lost")
    assert said(fired) == [(ADA, "answered")]


async def test_what_happened_before_the_first_start_is_not(database: Database, path: str) -> None:
    accepted(database, "x", ADA, BEN)
    arrive(database, a_call(ADA))
    async with firing(path) as fired:
        await subscribed(database)
        arrive(database, a_call(BEN))
        await until(lambda: fired, "none was fired")
    assert said(fired) == [(BEN, "answered")]


async def test_what_airflow_did_not_write_down_comes_again_with_the_same_id(
    database: Database, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PERSISTED_AFTER_SECONDS", NEVER_SECONDS)
    accepted(database, "x", ADA)
    found = []
    for _ in range(2):
        async with firing(path, persists=False) as fired:
            await subscribed(database)
            if not found:
                arrive(database, a_call(ADA))
            await until(lambda fired=fired: fired, "it was not fired")
            # Not again by the one who was told.
            await asyncio.sleep(0.3)
        found.append(fired)
    assert found[0] == found[1]
    assert len(found[0]) == 1


async def test_one_that_is_cancelled_before_airflow_has_noted_its_event_has_it_come_again(
    database: Database, path: str
) -> None:
    accepted(database, "x", ADA)
    reached = asyncio.Event()

    async def wait_for_ever() -> None:
        reached.set()
        await asyncio.Event().wait()

    dying = asyncio.create_task(run(CallbackEventTrigger(), path, lambda event: None, before_it_is_noted=wait_for_ever))
    await subscribed(database)
    arrive(database, a_call(ADA))
    await reached.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    await rested()
    async with firing(path) as fired:
        await until(lambda: fired, "it is lost")
        await empty(database)
    assert said(fired) == [(ADA, "answered")]


def at_most(under_way: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so many events be on their way at once."""
    monkeypatch.setattr(event_stream, "MOST_UNDER_WAY", under_way)
    monkeypatch.setattr(EventWatcher.subscribed.__wrapped__, "__kwdefaults__", {"most_under_way": under_way})


async def test_not_more_are_handed_out_than_may_come_twice(
    database: Database, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PERSISTED_AFTER_SECONDS", NEVER_SECONDS)
    at_most(7, monkeypatch)
    numbers = [str(2348020000100 + place) for place in range(20)]
    accepted(database, "x", *numbers)
    async with firing(path, persists=False) as fired:
        await subscribed(database)
        arrive(database, *[a_call(number) for number in numbers])
        await until(lambda: len(fired) >= 7, "some are lost")
        await asyncio.sleep(0.5)
        assert len(fired) == 7


async def test_more_than_are_handed_out_at_once_all_come_once(
    database: Database, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None of them is found by a sweep.
    monkeypatch.setattr(EventWatcher.__init__, "__defaults__", (UNSWEPT,))
    at_most(7, monkeypatch)
    numbers = [str(2348020000100 + place) for place in range(40)]
    accepted(database, "x", *numbers)
    async with firing(path) as fired:
        await subscribed(database)
        arrive(database, *[a_call(number, answered=False) for number in numbers])
        await until(lambda: len(fired) == len(numbers), "some are lost")
        await empty(database)
    assert sorted(said(fired)) == [(number, "unanswered") for number in numbers]


async def test_triggers_that_want_different_things_share_one_loop(database: Database, path: str) -> None:
    accepted(database, "x", ADA, BEN)
    async with firing(path) as all_fired, firing(path, state="unanswered") as missed:
        await subscribed(database, 2)
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert names.count("ninebits-event-watcher") == 1
        arrive(database, a_call(ADA), a_call(BEN, answered=False))
        await until(lambda: len(all_fired) == 2 and missed, "some are lost")
        await empty(database)
    assert said(missed) == [(BEN, "unanswered")]
    [same] = [event for event in all_fired if event["event_id"] == missed[0]["event_id"]]
    assert same == missed[0]


async def test_an_outage_of_the_ledger_only_makes_it_late(
    database: Database, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from airflow_provider_ninebits.ledger import events as ledger_events
    from airflow_provider_ninebits.ledger.errors import LedgerUnreachable

    accepted(database, "x", ADA)
    down = False
    queued, take_out = ledger_events.queued, ledger_events.take_out

    def unreachable(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if down:
                raise LedgerUnreachable("a url", "it is down")
            return function(*arguments, **named)

        return call

    monkeypatch.setattr(ledger_events, "queued", unreachable(queued))
    monkeypatch.setattr(ledger_events, "take_out", unreachable(take_out))
    async with firing(path) as fired:
        await subscribed(database)
        down = True
        await until(lambda: "Events come late" in caplog.text, "nothing was said")
        arrive(database, a_call(ADA))
        await asyncio.sleep(0.3)
        assert fired == []
        down = False
        await until(lambda: fired, "it is lost")
        await empty(database)
    assert said(fired) == [(ADA, "answered")]


async def test_who_comes_back_after_a_week_is_told_of_the_gap(
    database: Database, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = Wanted("default")
    subscribe(database, [wanted])
    set_columns(database, schema.subscription, {"seen_at": datetime.now(UTC) - timedelta(days=9)})
    async with firing(path):
        await until(lambda: "Nobody waited for the events of subscription" in caplog.text, "nothing was said")
        assert wanted.subscription_id[:8] in caplog.text


async def test_it_rests_when_nobody_waits(database: Database, path: str, database_url: str) -> None:
    async with firing(path):
        await subscribed(database)
        watcher = shared_event_watcher(database_url)
        await until(lambda: watcher._listening is not None, "nobody listens")
    await rested()
    assert (watcher._watching, watcher._listening, watcher._threads) == (None, None, None)


async def test_an_event_that_airflow_never_confirms_stays_in_the_ledger(database: Database, path: str) -> None:
    if path == "run":
        # Airflow confirms none there.
        return
    accepted(database, "x", ADA)
    fired: list[Any] = []
    task = asyncio.create_task(run(CallbackEventTrigger(), path, fired.append, persists=False, ack_timeout=0.3))
    await subscribed(database)
    arrive(database, a_call(ADA))
    with pytest.raises(AckTimeout):
        await asyncio.wait_for(task, PATIENCE_SECONDS)
    await rested()
    assert len(rows(database, schema.event)) == 1
    async with firing(path) as again:
        await until(lambda: again, "it is lost")
        await empty(database)
    assert again == [event.payload for event in fired]


@pytest.mark.slow
def test_none_is_lost_whenever_its_process_is_killed(database: Database, database_url: str, path: str) -> None:
    numbers = [str(2348020000100 + place) for place in range(60)]
    accepted(database, "x", *numbers)
    subscribe(database, [Wanted("default")])
    chance = random.Random(7)
    told: list[tuple[str, str]] = []
    todo = list(numbers)
    environment = {**os.environ, "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": database_url}

    for last in (False, False, True):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.integration.triggers.firing", path],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            assert process.stdout is not None
            for number in [todo.pop() for _ in range(20)]:
                arrive(database, a_call(number))
                time.sleep(chance.uniform(0, 0.02))
            if last:
                deadline = time.monotonic() + PATIENCE_SECONDS
                while {number for number, _ in told} != set(numbers) and time.monotonic() < deadline:
                    told.append(tuple(json.loads(process.stdout.readline())))
            else:
                told.append(tuple(json.loads(process.stdout.readline())))
                time.sleep(chance.uniform(0, 0.3))
            process.kill()
            told += [tuple(json.loads(line)) for line in process.stdout if line.endswith("\n")]
    assert {number for number, _ in told} == set(numbers)
    # Whatever came twice has the same id.
    assert len(set(told)) == len(numbers)
