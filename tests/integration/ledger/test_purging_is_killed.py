"""A purge that is killed between two batches, or in one: nothing is half there, and the next purge finishes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import purging, schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.purging import Policy, Purged, purge
from tests.integration.ledger.purge_scenes import OLD, WINDOWS, holding_a_number, let_pass, purged
from tests.integration.ledger.scenes import ADA, BEN, CAI, a_call, a_plan, arrive, claimed, plan, rows

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SENDS = 3
PARTS = ((ADA, BEN), (CAI,))


def purge_in_small_batches(url: str, mask: bool, batches: Connection) -> None:
    """What the process does that is killed: it tells of each batch, and goes on at once."""
    purging.SENDS_IN_A_BATCH = 2
    purging.RECIPIENTS_IN_A_BATCH = 2
    database = Database(url)
    purge(database, Policy(OLD, WINDOWS, mask=mask), pause=lambda _: batches.send("a batch is done"))
    batches.send("all is done")


def filled(database: Database) -> None:
    for place in range(SENDS):
        for part in plan(database, a_plan(*PARTS, key=f"k{place}")).parts:
            claimed(database, part.message_id).answered("accepted", f"r{place}-{part.part}")
            arrive(
                database, *(a_call(n, ref_id=f"r{place}-{part.part}", identity=f"{place}{n}") for n in PARTS[part.part])
            )
    let_pass(database, OLD)


def killed_after(batches: int, url: str, mask: bool) -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=purge_in_small_batches, args=(url, mask, there))
    process.start()
    try:
        for _ in range(batches):
            assert here.poll(60)
            assert here.recv() == "a batch is done"
    finally:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)


def assert_nothing_is_half_there(database: Database) -> None:
    requests, recipients = rows(database, schema.request), rows(database, schema.recipient)
    callbacks = rows(database, schema.callback)
    for message in rows(database, schema.message):
        theirs = [each for each in recipients if each["message_id"] == message["id"]]
        assert len(theirs) == message["recipients"]
        assert len([each for each in requests if each["message_id"] == message["id"]]) == 1
        for each in theirs:
            [callback] = [called for called in callbacks if called["recipient_id"] == each["id"]]
            assert (callback["number"] is None) == each["number"].startswith("masked:")
    messages = {message["id"] for message in rows(database, schema.message)}
    receipts = [receipt["message_id"] for receipt in rows(database, schema.receipt)]
    assert len(receipts) == len(set(receipts))
    assert messages.isdisjoint(receipts)
    assert len(messages) + len(receipts) == SENDS * len(PARTS)


def assert_every_key_gives_its_receipts(database: Database) -> None:
    for place in range(SENDS):
        again = plan(database, a_plan(*PARTS, key=f"k{place}"), replan=True)
        assert [part.ref for part in again.parts] == [f"r{place}-0", f"r{place}-1"]


@pytest.mark.slow
@pytest.mark.parametrize("mask", [False, True], ids=["purged", "masked"])
@pytest.mark.parametrize("batches", [1, 2, 3, 5])
def test_the_next_one_finishes(database: Database, batches: int, mask: bool) -> None:
    filled(database)
    killed_after(batches, database.url.render_as_string(hide_password=False), mask)

    assert_nothing_is_half_there(database)
    assert_every_key_gives_its_receipts(database)

    purged(database, mask=mask)

    assert_nothing_is_half_there(database)
    assert_every_key_gives_its_receipts(database)
    assert holding_a_number(database) == []
    assert purged(database, mask=mask) == Purged()


def test_one_that_keeps_more_days_masks_what_was_to_be_masked(database: Database) -> None:
    filled(database)
    killed_after(2, database.url.render_as_string(hide_password=False), mask=True)

    purged(database, OLD + timedelta(days=1))

    assert len(rows(database, schema.message)) == SENDS * len(PARTS)
    assert "masking" not in {send["purge_state"] for send in rows(database, schema.send)}
