"""Receivers and senders that work on one ledger at the same time, each in a process of its own."""

from __future__ import annotations

import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from airflow_provider_ninebits.api.answers import Receipt
from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.database import Database
from tests.integration.ledger.scenes import WINDOW, a_call, a_plan, an_answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.queues import Queue

    from airflow_provider_ninebits.api.messages import VoiceMessage
    from airflow_provider_ninebits.ledger.callbacks import Arrival

THREADS_OF_A_RECEIVER = 4
PATIENCE_SECONDS = 100


def receive(url: str, callbacks: Queue[Arrival | None], failures: Queue[str]) -> None:
    """A receiver: store what comes until None does, once for each of its threads."""
    database = Database(url)

    def work(_: int) -> None:
        told = False
        while (arrival := callbacks.get(timeout=PATIENCE_SECONDS)) is not None:
            try:
                store(database, [arrival], window=WINDOW)
            except Exception:
                # One is enough: who fills the queue cannot end before somebody reads it.
                if not told:
                    failures.put(traceback.format_exc(limit=-3))
                told = True

    with ThreadPoolExecutor(THREADS_OF_A_RECEIVER) as pool:
        list(pool.map(work, range(THREADS_OF_A_RECEIVER)))
    database.close()


def send(
    url: str,
    sends: list[tuple[tuple[str, ...], bool]],
    callbacks: Queue[Arrival | None],
    failures: Queue[str],
) -> None:
    """A worker: send these, each to some numbers, with callbacks that have a ``ref_id`` or not."""
    # It takes Airflow with it, which receivers are spared.
    from airflow_provider_ninebits.hooks.sending import Sender

    database = Database(url)
    for numbers, with_ref_id in sends:
        sender = Sender(database, Ringing(callbacks, with_ref_id), timedelta(days=1), 20.0)  # type: ignore[arg-type]
        try:
            sender.send(a_plan(numbers), media_url="https://media.test/a.mp3", resend=False, replan=False)
        except Exception:
            failures.put(traceback.format_exc(limit=-3))
            break
    database.close()


class Ringing:
    """9bits: everybody has answered, and their callbacks are under way, twice, before the request is answered."""

    def __init__(self, callbacks: Queue[Arrival | None], with_ref_id: bool) -> None:
        self._callbacks = callbacks
        self._with_ref_id = with_ref_id

    def send_voice(self, message: VoiceMessage, may_write: Callable[[], bool]) -> Receipt:
        assert may_write()
        ref_id = uuid4().hex
        for number in message.to:
            call = a_call(number, ref_id=ref_id if self._with_ref_id else None, identity=uuid4().hex, amount="1.5")
            self._callbacks.put(call)
            self._callbacks.put(call)
        if self._with_ref_id:
            self._callbacks.put(an_answer(ref_id, 200, identity=uuid4().hex))
        return Receipt(ref_id=ref_id, status=200)
