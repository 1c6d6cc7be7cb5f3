"""Senders that are killed at random moments, and what their retries do."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_provider_ninebits.api.numbers import mask_number
from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.resolving import resolve
from scripts.soak.servers import simulator
from tests.integration.hooks.killing import End, Order, worker
from tests.integration.hooks.playing import Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_ninebits.simulator import RunningSimulator

NUMBERS_IN_A_SEND = 2001
"""Three parts, the last of a single number."""
AT_ONCE = 4
TIMEOUT_SECONDS = 5
MOST_TRIES = 30
KILLED_SHARE = 0.75
# The answer to a request comes that much after its calls: a moment in which nobody but 9bits knows of them.
ANSWER_DELAY_SECONDS = 0.1
LAST_MOMENT = 1.1


@dataclass
class SendReport:
    """
    What a run came to.

    :param kills: by what the ledger said of the send when its worker had been killed.
    """

    ledger: str
    sends: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    doubts: int = 0
    seconds: float = 0.0
    found: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        where = ", ".join(f"{times} {place}" for place, times in self.kills.most_common())
        return (
            f"sends on {self.ledger}: {self.sends} sends of {NUMBERS_IN_A_SEND} numbers in {self.seconds:.0f} s, "
            f"{self.kills.total()} kills ({where}); {self.doubts} stops with the uncertain error; "
            f"{len(self.found)} numbers or sends that are not right"
        )


@dataclass
class _Soak:
    nine_bits: RunningSimulator
    ledger: Database
    report: SendReport
    kills_wanted: int
    deadline: float
    # How long an undisturbed try takes: a kill comes at any moment of it.
    try_seconds: float = 3.0
    places: Iterator[int] = field(default_factory=count)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send_until_enough_were_killed(self, _: int) -> None:
        while self.report.kills.total() < self.kills_wanted and time.monotonic() < self.deadline:
            with self.lock:
                place = next(self.places)
                self.report.sends += 1
            self.send(place, numbers_of(place))

    def send(self, place: int, to: list[str]) -> None:
        """Try a send until it is through, as Airflow and a person would; kill most of the tries."""
        task = Task(run_id=f"soak {place}")
        for _ in range(MOST_TRIES):
            end = self.attempt(task, to)
            if end is None:
                task = task.retried()
            elif end.raised == "MessageUncertain":
                self.resolve_doubts(task)
                task = task.retried().cleared()
            else:
                self.check(place, end)
                return
        self.report.found.append(f"send {place} did not come to its end in {MOST_TRIES} tries")

    def attempt(self, task: Task, to: list[str]) -> End | None:
        began = time.monotonic()
        with worker(Order(task, to)) as trying:
            if random.random() > KILLED_SHARE or self.report.kills.total() >= self.kills_wanted:
                end = trying.end()
                if end.returned is not None and task.try_number == 1:
                    self.try_seconds = time.monotonic() - began
                return end
            ended = trying.end_within(random.uniform(0, self.try_seconds * LAST_MOMENT))
        if ended is None:
            with self.lock:
                self.report.kills[self.standing(task)] += 1
        return ended

    def standing(self, task: Task) -> str:
        """Return where a send is, in words."""
        states = Counter(state for _, state in self.messages(task))
        if not states:
            return "before the ledger's row"
        if states["sending"]:
            return "while a part was being sent"
        if not states["planned"]:
            return "after the last answer"
        return "between two parts" if states["accepted"] else "planned"

    def messages(self, task: Task) -> list[tuple[str, str]]:
        message, send = schema.message.c, schema.send.c
        with self.ledger.reading() as connection:
            rows = connection.execute(
                select(message.id, message.state)
                .join_from(schema.message, schema.send, message.send_id == send.id)
                .where(send.run_id == task.run_id)
            ).all()
        return [(row.id, row.state) for row in rows]

    def resolve_doubts(self, task: Task) -> None:
        """Say of each doubtful message what a person would find in 9bits' dashboard."""
        self.report.doubts += 1
        recipient = schema.recipient.c
        for message_id, state in self.messages(task):
            if state not in ("sending", "uncertain"):
                continue
            with self.ledger.reading() as connection:
                number = connection.execute(
                    select(recipient.number).where(recipient.message_id == message_id).limit(1)
                ).scalar_one()
            calls = self.nine_bits.calls(number=number)
            ref_id = calls[0]["ref_id"] if calls else None
            resolve(self.ledger, message_id, placed=bool(calls), ref_id=ref_id, window=timedelta(days=1))

    def check(self, place: int, end: End) -> None:
        """Look whether a try that ended by itself says what 9bits said."""
        if end.raised is not None:
            self.report.found.append(f"send {place} ended with {end.raised}: {end.says}")
            return
        said = {call["ref_id"] for number in numbers_of(place)[::1000] for call in self.nine_bits.calls(number=number)}
        if set(end.returned) != said:
            self.report.found.append(f"send {place} returned {end.returned}, 9bits said {sorted(said)}")


def soak_sends(folder: Path, ledger_url: str, *, kills: int, deadline: float) -> SendReport:
    """
    Kill senders at random moments, let them be tried again, and count who was rung.

    :param kills: how many at least.
    :param deadline: on the monotonic clock; a run that is not over by then has failed.
    """
    report = SendReport("SQLite" if ledger_url.startswith("sqlite") else "PostgreSQL")
    began = time.monotonic()
    ledger = Database(ledger_url)
    with simulator(folder, "--speed", "1000") as nine_bits:
        for _ in range(5):
            orders = {"kind": "delay", "seconds": ANSWER_DELAY_SECONDS, "times": 10_000}
            nine_bits.script({"faults": [orders]})
        connection = {"conn_type": "ninebits", "password": "a-key", "host": nine_bits.base_url}
        os.environ["AIRFLOW_CONN_NINEBITS_DEFAULT"] = json.dumps(connection | {"extra": {"timeout": TIMEOUT_SECONDS}})
        os.environ["AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN"] = ledger_url
        soak = _Soak(nine_bits, ledger, report, kills, deadline)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(soak.send_until_enough_were_killed, range(AT_ONCE)))
        report.found += _wrongly_rung(nine_bits.rung(), report.sends)
    ledger.close()
    if report.kills.total() < kills:
        report.found.append(f"only {report.kills.total()} kills before the time was up")
    report.seconds = time.monotonic() - began
    return report


def numbers_of(place: int) -> list[str]:
    """Return the numbers of a send, which are no other's."""
    first = 2348000000000 + place * NUMBERS_IN_A_SEND
    return [str(first + offset) for offset in range(NUMBERS_IN_A_SEND)]


def _wrongly_rung(rung: dict[str, int], sends: int) -> list[str]:
    wanted = {number for place in range(sends) for number in numbers_of(place)}
    return [
        f"{mask_number(number)} was rung {rung.get(number, 0)} times"
        for number in sorted(wanted | rung.keys())
        if rung.get(number, 0) != (number in wanted)
    ]
