"""Who is killed, when, and that each of them died in the middle of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import func, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.cluster.deployment import Cluster
    from scripts.cluster.run import Run

    Choice = Callable[["Killer", int], str | None]
    """Whom to kill now, the first or the second of them; None: nobody yet."""

_POLL_SECONDS = 0.05
_ASK_EVERY_SECONDS = 2.0
LEDGER = "the ledger's PostgreSQL"


@dataclass(frozen=True)
class Kill:
    """One that has happened, and what was under way then."""

    victim: str
    seconds: float
    sends: int
    open_calls: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:4.0f} s: {self.victim}, with {self.sends} sends taken and the outcome of {self.open_calls} "
            "calls not told yet"
        )


@dataclass
class Killer:
    """
    Kills one of each kind, and starts each again at once.

    :param run: the DAG run. It is not over as long as the outcome of a call has not been told.
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
        place = 1 + len(self.kills) // KINDS % 2
        for kind, choose in _ORDER:
            victim = self._when_it_hurts(kind, choose, place)
            if victim is None:
                self.found.append(f"the run was over before a {kind} was killed; give more sends or longer calls")
                return
            self._kill(victim)
            time.sleep(self.pause_seconds)

    def check_all_are_back(self) -> None:
        """
        Wait until everybody serves again.

        :raises RuntimeError: when somebody does not.
        """
        for part in self.cluster.parts.values():
            part.check_alive()
            part.wait_until_up()

    def _kill(self, victim: str) -> None:
        cluster, began = self.cluster, time.monotonic()
        # At once: a moment later the request that it is in may be over.
        part = cluster.parts.get(victim)
        if part is None:
            cluster.ledger_server.kill()
        else:
            part.check_alive()
            part.kill()
        summary, sends = cluster.nine_bits.summary(), len(cluster.nine_bits.requests())
        # Nobody waits until it serves again: on a busy machine all calls would be over meanwhile.
        if part is None:
            cluster.ledger_server.start()
        else:
            part.start()
        open_calls = summary["calls"] - summary["callbacks"]["delivered"]
        self.kills.append(Kill(victim, began - self.began, sends, open_calls))
        print(f"  {self.kills[-1]}", flush=True)

    def _when_it_hurts(self, kind: str, choose: Choice, place: int) -> str | None:
        """Return whom to kill, as soon as there is somebody; None: the run was over before."""
        asked_at = time.monotonic()
        while (victim := choose(self, place)) is None:
            now = time.monotonic()
            if now > self.deadline:
                raise TimeoutError(f"the moment to kill a {kind} does not come")
            # Not each time: a busy API server takes longer to answer than a request to be over.
            if now - asked_at > _ASK_EVERY_SECONDS:
                asked_at = now
                if self.run.over():
                    return None
            time.sleep(_POLL_SECONDS)
        return victim


def _worker_in_a_request(killer: Killer, _: int) -> str | None:
    """Return a worker that has sent a request and not recorded its answer."""
    cluster = killer.cluster
    message = schema.message.c
    try:
        with cluster.ledger.reading() as connection:
            sending = connection.execute(select(func.count()).where(message.state == "sending")).scalar_one()
    except LedgerUnreachable:
        return None
    simulator_port = urlsplit(cluster.nine_bits.base_url).port
    workers = [name for name in cluster.parts if name.startswith("worker")] if sending else []
    return next((name for name in workers if simulator_port in cluster.parts[name].asks_ports()), None)


def _triggerer_with_waits(killer: Killer, place: int) -> str | None:
    return f"triggerer {place}" if _calls_are_open(killer) and killer.run.count("deferred") else None


def _while_calls_are_open(name: str) -> Choice:
    return lambda killer, place: name.format(place) if _calls_are_open(killer) else None


def _calls_are_open(killer: Killer) -> bool:
    summary = killer.cluster.nine_bits.summary()
    return int(summary["calls"]) > int(summary["callbacks"]["delivered"])


# The worker first, in the middle of a request: it is what may ring somebody twice.
_ORDER: tuple[tuple[str, Choice], ...] = (
    ("worker", _worker_in_a_request),
    ("scheduler", _while_calls_are_open("scheduler")),
    ("Redis", _while_calls_are_open("Redis")),
    ("API server", _while_calls_are_open("API server {}")),
    ("triggerer", _triggerer_with_waits),
    ("receiver", _while_calls_are_open("receiver {}")),
    ("nginx", _while_calls_are_open("nginx")),
    (LEDGER, _while_calls_are_open(LEDGER)),
    ("DAG processor", _while_calls_are_open("DAG processor")),
)
KINDS = len(_ORDER)
