"""Who is killed, when, and that each of them died in the middle of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.cluster.deployment import Cluster
    from scripts.cluster.run import Run

    Moment = Callable[[Cluster, Run], bool]

_POLL_SECONDS = 0.1
LEDGER = "the ledger's PostgreSQL"


@dataclass(frozen=True)
class Kill:
    """
    One that has happened, and what was under way then.

    :param served_after_seconds: until it answered again; None: it answers nobody.
    """

    victim: str
    seconds: float
    sends: int
    open_calls: int
    served_after_seconds: float | None

    def __str__(self) -> str:
        again = (
            "" if self.served_after_seconds is None else f"; it served again after {self.served_after_seconds:.1f} s"
        )
        return (
            f"{self.seconds:4.0f} s: {self.victim}, with {self.sends} sends taken and the outcome of {self.open_calls} "
            f"calls not told yet{again}"
        )


@dataclass
class Killer:
    """
    Kills one of each kind, and starts each again at once.

    :param run: the DAG run; whoever is killed after its end was not killed in the middle.
    :param pause_seconds: between two of them.
    :param deadline: on the monotonic clock.
    """

    cluster: Cluster
    run: Run
    pause_seconds: float
    deadline: float
    began: float = field(default_factory=time.monotonic)
    kills: list[Kill] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def kill_one_of_each(self) -> None:
        """Kill them, each when it has something to lose."""
        number = 1 + len(self.kills) // len(_ORDER) % 2
        for kind, moment in _ORDER:
            victim = kind.format(number)
            self._wait_until(moment, victim)
            if self.run.over():
                self.found.append(f"the run was over before {victim} was killed; give more sends or longer calls")
                return
            self._kill(victim)
            time.sleep(self.pause_seconds)

    def _kill(self, victim: str) -> None:
        summary = self.cluster.nine_bits.summary()
        sends, open_calls = len(self.cluster.nine_bits.requests()), summary["calls"] - summary["callbacks"]["delivered"]
        began, answers = time.monotonic(), True
        if victim == LEDGER:
            self.cluster.ledger_server.kill()
            self.cluster.ledger_server.start()
        else:
            part = self.cluster.parts[victim]
            part.check_alive()
            part.kill()
            part.start()
            part.wait_until_up()
            answers = part.up_at is not None
        served_after_seconds = time.monotonic() - began if answers else None
        kill = Kill(victim, began - self.began, sends, open_calls, served_after_seconds)
        self.kills.append(kill)
        print(f"  {kill}", flush=True)

    def _wait_until(self, moment: Moment, victim: str) -> None:
        while not moment(self.cluster, self.run) and not self.run.over():
            if time.monotonic() > self.deadline:
                raise TimeoutError(f"the moment to kill {victim} does not come")
            time.sleep(_POLL_SECONDS)


def _a_request_is_under_way(cluster: Cluster, run: Run) -> bool:
    message = schema.message.c
    try:
        with cluster.ledger.reading() as connection:
            counted = select(func.count()).where(message.state == "sending")
            return bool(connection.execute(counted).scalar_one())
    except LedgerUnreachable:
        return False


def _calls_are_open(cluster: Cluster, run: Run) -> bool:
    summary = cluster.nine_bits.summary()
    return int(summary["calls"]) > int(summary["callbacks"]["delivered"])


def _a_wait_is_deferred(cluster: Cluster, run: Run) -> bool:
    return _calls_are_open(cluster, run) and run.count("deferred") > 0


# The worker first, in the middle of a request: it is what may ring somebody twice.
_ORDER: tuple[tuple[str, Moment], ...] = (
    ("worker {}", _a_request_is_under_way),
    ("scheduler", _calls_are_open),
    ("Redis", _calls_are_open),
    ("API server {}", _calls_are_open),
    ("triggerer {}", _a_wait_is_deferred),
    ("receiver {}", _calls_are_open),
    ("nginx", _calls_are_open),
    (LEDGER, _calls_are_open),
    ("DAG processor", _calls_are_open),
)
KINDS = len(_ORDER)
