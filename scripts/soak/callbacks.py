"""Callbacks in disorder and with repeats, while receiver and database are killed again and again."""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.exceptions import LedgerUnavailable, MessageUncertain
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, SendBusy
from airflow_provider_ninebits.ledger.resolving import resolve
from scripts.soak.counting import Played, differences
from scripts.soak.kept import read_account
from scripts.soak.servers import PASSWORD, receiver, simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_ninebits.simulator import RunningSimulator
    from scripts.soak.servers import Postgres

MEDIA = "https://media.test/soak.mp3"
SPEED = 10
"""A callback that was not taken comes again after 3, 6, 12, ... seconds: a receiver is down for some of them."""
# Stamps are in whole seconds: two calls of one number less than that apart could be the same to the letter.
GAP_SECONDS = 1.2 * SPEED
SIMULATOR = (
    *("--speed", str(SPEED), "--ref-id", "mixed", "--answer-rate", "0.6", "--attempts", "2"),
    *("--attempt-gap-seconds", str(GAP_SECONDS), "--ring-seconds", "2-30", "--talk-seconds", "1-90"),
    *("--repeat-rate", "0.2", "--shuffle", "--early-rate", "0.02", "--api-answer", "--unanswered-shape", "zero"),
)
REGULARS = [str(2349000000000 + place) for place in range(100)]
"""Rung by every send, for several at once; only a ref_id tells whose callback it is, so theirs carry one."""
FRESH_IN_A_SEND = 900
SENDS_IN_A_WAVE = 20
"""The simulator remembers 50,000 calls, and a send makes 2,000 at most."""
MOST_WAITING = 1_000
LIVES_LONGER_THAN_DEAD = 2
TIMEOUT_SECONDS = 30


@dataclass
class CallbackReport:
    """What a run came to."""

    ledger: str
    calls: int = 0
    posts: int = 0
    sends: int = 0
    doubts: int = 0
    late: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    recoveries: int = 0
    seconds: float = 0.0
    found: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        killed = ", ".join(f"{count} times the {what}" for what, count in self.kills.items()) or "nobody"
        return (
            f"callbacks on {self.ledger}: {self.calls} calls of {self.sends} sends, brought in {self.posts} requests "
            f"in {self.seconds:.0f} s ({self.posts / max(self.seconds, 1):.0f} a second); killed: {killed}; "
            f"{self.recoveries} crash recoveries; {self.doubts} sends in doubt were resolved; {self.late} calls came "
            f"without a ref_id when their number had answered already, and are kept unmatched; "
            f"{len(self.found)} differences"
        )


class Killer:
    """
    A thread that kills one victim after the other, and starts each again at once.

    On a busy machine a start takes longer: then they live longer too, since a callback comes eight times and no more.
    """

    def __init__(self, victims: dict[str, tuple[Callable[[], None], Callable[[], None]]], every_seconds: float) -> None:
        self._victims = victims
        self._every_seconds = every_seconds
        self._over = threading.Event()
        self._resting = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="killer", daemon=True)
        self.kills = dict.fromkeys(victims, 0)
        self.failure: Exception | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Kill while the block lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Kill nobody while the block lasts."""
        with self._resting:
            yield

    def _work(self) -> None:
        dead_seconds = 0.0
        for name in itertools.cycle(self._victims):
            pause_seconds = self._every_seconds * random.uniform(0.7, 1.3)
            if self._over.wait(max(pause_seconds, LIVES_LONGER_THAN_DEAD * dead_seconds)):
                return
            kill, start = self._victims[name]
            with self._resting:
                began = time.monotonic()
                try:
                    kill()
                    start()
                except Exception as error:
                    self.failure = error
                    return
                self.kills[name] += 1
                dead_seconds = time.monotonic() - began


def soak_callbacks(
    folder: Path, ledger_url: str, *, callbacks: int, every_seconds: float, deadline: float, server: Postgres | None
) -> CallbackReport:
    """
    Play callbacks, kill meanwhile, and compare.

    :param callbacks: how many at least, repeats not counted.
    :param every_seconds: between two kills.
    :param deadline: on the monotonic clock; a run that is not over by then has failed.
    :param server: the ledger's, to be killed too.
    :raises TimeoutError: at the deadline.
    """
    report = CallbackReport("SQLite" if server is None else "PostgreSQL")
    began = time.monotonic()
    played = Played()
    with ExitStack() as stack:
        nine_bits = stack.enter_context(simulator(folder, *SIMULATOR))
        taker = stack.enter_context(receiver(folder, ledger_url))
        nine_bits.set_callback_url(f"http://ninebits:{PASSWORD}@127.0.0.1:{taker.port}/ninebits/callback")
        victims = {"receiver": (taker.kill, taker.start)}
        if server is not None:
            victims["database"] = (server.kill, server.start)
        killer = Killer(victims, every_seconds)
        _point_hook_to(nine_bits, ledger_url)
        hook = NineBitsHook()
        stack.callback(hook.close)
        answers: list[str] = []
        with killer.at_work():
            while len(played.account.calls) < callbacks:
                _wave(nine_bits, hook, report, callbacks - len(played.account.calls), killer, deadline)
                answers += [each["ref_id"] for each in nine_bits.requests() if each["ref_id"] is not None]
                played.add(_all_calls(nine_bits))
                nine_bits.reset()
                print(f"  {len(played.account.calls)} calls after {time.monotonic() - began:.0f} s", flush=True)
        report.seconds = time.monotonic() - began
        report.kills = killer.kills
        report.recoveries = 0 if server is None else server.recoveries()
        if not all(killer.kills.values()):
            report.found.append(f"not everybody was killed: {killer.kills}")
        kept = read_account(hook.database)
        report.late = len(kept.unmatched)
        report.found += differences(played.close(answers), kept)
    report.calls, report.posts = len(played.account.calls), played.posts
    return report


def _wave(
    nine_bits: RunningSimulator,
    hook: NineBitsHook,
    report: CallbackReport,
    wanted: int,
    killer: Killer,
    deadline: float,
) -> None:
    """Send for a while, and wait until all of it was played and brought."""
    nine_bits.script({"numbers": {number: {"with_ref_id": True} for number in REGULARS}})
    for _ in range(SENDS_IN_A_WAVE):
        if nine_bits.summary()["calls"] >= wanted:
            break
        first = 2348000000000 + report.sends * FRESH_IN_A_SEND
        numbers = [*REGULARS, *(str(first + place) for place in range(FRESH_IN_A_SEND))]
        _send(nine_bits, hook, numbers, f"send {report.sends}", report, deadline)
        report.sends += 1
        _wait(lambda: nine_bits.summary()["callbacks"]["waiting"] < MOST_WAITING, killer, deadline)
    # What is left are redeliveries, for which nobody needs to be killed any more.
    with killer.resting():
        _wait(lambda: bool(nine_bits.summary()["idle"]), killer, deadline)


def _send(
    nine_bits: RunningSimulator,
    hook: NineBitsHook,
    numbers: list[str],
    key: str,
    report: CallbackReport,
    deadline: float,
) -> None:
    """Send, again and again with the same key while the ledger is away; doubts are resolved as a person would."""
    while True:
        try:
            hook.send_voice(numbers, MEDIA, idempotency_key=key)
            return
        except MessageUncertain as doubt:
            calls = nine_bits.calls(number=numbers[-1])
            ref_id = calls[0]["ref_id"] if calls else None
            report.doubts += 1
            try:
                resolve(hook.database, *doubt.message_ids, placed=bool(calls), ref_id=ref_id, window=timedelta(days=1))
            except (LedgerUnreachable, SendBusy):
                time.sleep(0.5)
        except LedgerUnavailable:
            time.sleep(0.5)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{key} does not come to an end")


def _wait(condition: Callable[[], bool], killer: Killer, deadline: float) -> None:
    while not condition():
        if killer.failure is not None:
            raise killer.failure
        if time.monotonic() > deadline:
            raise TimeoutError("the callbacks do not come to an end")
        time.sleep(0.3)


def _all_calls(nine_bits: RunningSimulator) -> Iterator[dict[str, object]]:
    for offset in itertools.count(0, 5000):
        page = nine_bits.calls(offset=offset, limit=5000)
        yield from page
        if len(page) < 5000:
            return


def _point_hook_to(nine_bits: RunningSimulator, ledger_url: str) -> None:
    connection = {"conn_type": "ninebits", "password": "a-key", "host": nine_bits.base_url}
    os.environ["AIRFLOW_CONN_NINEBITS_DEFAULT"] = json.dumps(connection | {"extra": {"timeout": TIMEOUT_SECONDS}})
    os.environ["AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN"] = ledger_url
