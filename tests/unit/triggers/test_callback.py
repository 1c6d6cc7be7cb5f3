from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from airflow_provider_ninebits.exceptions import LedgerUnavailable
from airflow_provider_ninebits.hooks.waiting import read_event
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerUnusable
from airflow_provider_ninebits.triggers.callback import CallbackTrigger
from tests.integration.ledger.scenes import ADA, BEN, a_call, accepted, arrive, begun, set_columns
from tests.unit.triggers.outages import give_back, take_away

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 30.0


def again(trigger: CallbackTrigger) -> CallbackTrigger:
    """The trigger as another process makes it."""
    path, kwargs = trigger.serialize()
    assert path == "airflow_provider_ninebits.triggers.callback.CallbackTrigger"
    return CallbackTrigger(**kwargs)


async def fired(trigger: CallbackTrigger) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        events = [each async for each in again(trigger).run()]
    assert len(events) == 1
    return dict(events[0].payload)


async def waiting(trigger: CallbackTrigger) -> asyncio.Task[dict[str, Any]]:
    """The trigger after it has looked and found nothing: its watcher runs."""
    task = asyncio.create_task(fired(trigger))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(other.get_name() == "ninebits-watcher" for other in asyncio.all_tasks()):
            assert not task.done(), task.result()
            await asyncio.sleep(0.01)
    return task


@contextmanager
def failures() -> Iterator[list[object]]:
    """The statements that a database refuses meanwhile."""
    refused: list[object] = []

    def note(failure: object) -> None:
        refused.append(failure)

    event.listen(Engine, "handle_error", note)
    try:
        yield refused
    finally:
        event.remove(Engine, "handle_error", note)


def test_serialize_is_exactly_what_makes_it_again() -> None:
    trigger = CallbackTrigger(["a", "b"], "any", 60.0, 1000.5, 2000.5, ["b"])
    assert trigger.serialize() == (
        "airflow_provider_ninebits.triggers.callback.CallbackTrigger",
        {
            "ref_ids": ["a", "b"],
            "wait_for": "any",
            "attempt_window_seconds": 60.0,
            "first_look_at": 1000.5,
            "deadline": 2000.5,
            "settling": ["b"],
        },
    )
    assert again(trigger).serialize() == trigger.serialize()
    assert CallbackTrigger(["a"]).serialize()[1] == {
        "ref_ids": ["a"],
        "wait_for": "all",
        "attempt_window_seconds": None,
        "first_look_at": None,
        "deadline": None,
        "settling": None,
    }


async def test_what_is_settled_already_fires_at_once(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    arrive(ledger, a_call(ADA, ref_id="r1"))
    assert await fired(CallbackTrigger(["r1"])) == {"status": "over"}


async def test_a_callback_that_comes_while_it_waits_fires_it(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    task = await waiting(CallbackTrigger(["r1"]))
    arrive(ledger, a_call(ADA))
    assert await task == {"status": "over"}


async def test_all_parts_are_waited_for(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    accepted(ledger, "r2", BEN)
    task = await waiting(CallbackTrigger(["r1", "r2"], deadline=time.time() + PATIENCE_SECONDS))
    arrive(ledger, a_call(ADA))
    assert not task.done()
    arrive(ledger, a_call(BEN, answered=False))
    assert await task == {"status": "over"}


async def test_any_is_over_with_the_first_who_answers(ledger: Database) -> None:
    accepted(ledger, "r1", ADA, BEN)
    task = await waiting(CallbackTrigger(["r1"], wait_for="any"))
    arrive(ledger, a_call(BEN))
    assert await task == {"status": "over"}


async def test_a_deadline_in_the_past_times_out_at_once(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    assert await fired(CallbackTrigger(["r1"], deadline=time.time() - 3600)) == {"status": "timed_out"}


async def test_an_outcome_that_came_before_a_past_deadline_counts(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    arrive(ledger, a_call(ADA))
    assert await fired(CallbackTrigger(["r1"], deadline=time.time() - 3600)) == {"status": "over"}


async def test_a_deadline_that_comes_while_it_waits(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    assert await fired(CallbackTrigger(["r1"], deadline=time.time() + 0.2)) == {"status": "timed_out"}


async def test_the_minute_of_an_unknown_ref_id_counts_from_the_first_look_whatever_restarts_came(
    ledger: Database,
) -> None:
    trigger = CallbackTrigger(["never-sent"], first_look_at=time.time() - 61, deadline=time.time() + 3600)
    assert await fired(trigger) == {"status": "unknown"}


async def test_an_unknown_ref_id_may_become_known_within_its_minute(ledger: Database) -> None:
    task = asyncio.create_task(fired(CallbackTrigger(["r1"])))
    await asyncio.sleep(0)
    accepted(ledger, "r1", ADA)
    arrive(ledger, a_call(ADA))
    assert await task == {"status": "over"}


async def test_one_unknown_of_several_is_unknown(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    trigger = CallbackTrigger(["r1", "never-sent"], first_look_at=time.time() - 61)
    assert await fired(trigger) == {"status": "unknown"}


async def test_an_unanswered_call_is_over_when_its_attempt_window_closes(ledger: Database) -> None:
    request = accepted(ledger, "r1", ADA)
    began = begun(ledger, request, timedelta(hours=2))
    arrive(ledger, a_call(ADA, answered=False))
    set_columns(ledger, schema.recipient, {"last_callback_at": began}, message_id=request.message_id)
    assert await fired(CallbackTrigger(["r1"], attempt_window_seconds=7199)) == {"status": "over"}
    trigger = CallbackTrigger(["r1"], attempt_window_seconds=9999, deadline=time.time() - 1)
    assert await fired(trigger) == {"status": "timed_out"}


async def test_the_attempt_window_is_the_option_unless_the_wait_has_its_own(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__ATTEMPT_WINDOW", "3600")
    accepted(ledger, "r1", ADA)
    arrive(ledger, a_call(ADA, answered=False))
    past = time.time() - 1
    assert await fired(CallbackTrigger(["r1"], deadline=past)) == {"status": "timed_out"}
    assert await fired(CallbackTrigger(["r1"], attempt_window_seconds=0, deadline=past)) == {"status": "over"}


async def test_a_ledger_that_stays_away_ends_the_wait_with_an_error_and_no_exception(
    ledger: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__OUTAGE_TOLERANCE", "1")
    accepted(ledger, "r1", ADA)
    task = await waiting(CallbackTrigger(["r1"]))
    take_away(ledger)
    ended = await task
    assert ended["status"] == "error"
    assert "ninebits.db" in ended["masked_url"]
    assert "ninebits.db" not in ended["message"]
    failures = [message for message in caplog.messages if "could not be read" in message]
    assert [f"({count} times" in message for count, message in enumerate(failures, 1)] == [True] * len(failures)
    assert len(failures) > 5


async def test_a_ledger_that_is_away_from_the_start_ends_the_same_way(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__OUTAGE_TOLERANCE", "0")
    accepted(ledger, "r1", ADA)
    take_away(ledger)
    assert (await fired(CallbackTrigger(["r1"])))["status"] == "error"


async def test_an_option_that_cannot_be_used_is_an_event_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__ATTEMPT_WINDOW", "soon")
    ended = await fired(CallbackTrigger(["r1"]))
    assert ended["status"] == "error"
    with pytest.raises(LedgerUnavailable) as told:
        read_event(ended)
    assert str(told.value).startswith(
        "The ledger cannot be used from here: in the triggerer, [ninebits] attempt_window "
    )
    assert str(told.value).endswith("Trying again does not help before that is mended.")


async def test_a_ledger_that_somebody_has_to_mend_is_told_as_in_a_worker(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unusable(*_: object) -> None:
        raise LedgerUnusable("it is of a newer version")

    monkeypatch.setattr("airflow_provider_ninebits.ledger.looks.look_for", unusable)
    accepted(ledger, "r1", ADA)
    with pytest.raises(LedgerUnavailable) as told:
        read_event(await fired(CallbackTrigger(["r1"])))
    assert str(told.value) == (
        f"The ledger at {ledger.masked_url} cannot be used from here: in the triggerer, it is of a newer version. "
        "Trying again does not help before that is mended."
    )


async def test_so_is_one_whose_url_no_ledger_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN", "postgresql://airflow:se@cret@db/x")
    with pytest.raises(LedgerUnavailable) as told:
        read_event(await fired(CallbackTrigger(["r1"])))
    assert "has an @ in its user or password" in str(told.value)
    assert str(told.value).endswith("Trying again does not help before that is mended.")
    assert "cret" not in str(told.value)


async def test_a_blip_is_survived(ledger: Database, caplog: pytest.LogCaptureFixture) -> None:
    accepted(ledger, "r1", ADA)
    task = await waiting(CallbackTrigger(["r1"]))
    take_away(ledger)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "could not be read (1 times" not in caplog.text:
            await asyncio.sleep(0.001)
    give_back(ledger)
    arrive(ledger, a_call(ADA))
    assert await task == {"status": "over"}


async def test_a_first_look_in_a_blip_is_survived(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    arrive(ledger, a_call(ADA))
    take_away(ledger)
    with failures() as failed:
        task = asyncio.create_task(fired(CallbackTrigger(["r1"])))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not failed:
                await asyncio.sleep(0.01)
    give_back(ledger)
    assert await task == {"status": "over"}


async def test_a_cancelled_wait_leaves_nothing_behind(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    task = await waiting(CallbackTrigger(["r1"]))
    [watching] = [other for other in asyncio.all_tasks() if other.get_name() == "ninebits-watcher"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(PATIENCE_SECONDS):
        await watching


async def test_a_wait_that_is_cancelled_leaves_the_others_waiting(ledger: Database) -> None:
    accepted(ledger, "r1", ADA)
    other = await waiting(CallbackTrigger(["r1"]))
    task = asyncio.create_task(fired(CallbackTrigger(["r1"])))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    arrive(ledger, a_call(ADA))
    assert await other == {"status": "over"}


async def test_in_a_triggerer_it_holds_back_until_airflow_has_heard_of_the_deferral(
    ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(ledger, "r1", ADA)
    arrive(ledger, a_call(ADA, ref_id="r1"))
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "9")
    held: list[float] = []

    async def hold(seconds: float) -> None:
        # The watcher rests a moment too, after a look.
        if seconds > 1:
            held.append(seconds)

    monkeypatch.setattr("airflow_provider_ninebits.triggers.callback.asyncio.sleep", hold)
    trigger = CallbackTrigger(["r1"])
    trigger.trigger_id = 7
    assert [event.payload async for event in trigger.run()] == [{"status": "over"}]
    # Less what it has waited by itself.
    assert len(held) == 1
    assert 9 < held[0] <= 11
