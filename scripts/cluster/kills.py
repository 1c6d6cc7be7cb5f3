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

    Choice = Callable[["Killer", int], "Victim | None"]
    """Whom to kill now, the first or the second of them; None: nobody yet."""

_POLL_SECONDS = 0.05
_ASK_EVERY_SECONDS = 2.0
_MOST_WORKERS = 3
_ANSWERED_SECONDS = 9.0
"""So long after it was sent each request has its answer recorded, by whoever lives."""
LEDGER = "the ledger's PostgreSQL"


@dataclass(frozen=True)
class Victim:
    """Whom to kill, and what it has in hand."""

    name: str
    having: str = ""


@dataclass(frozen=True)
class Kill:
    """One that has happened, and what was under way then."""

    victim: Victim
    seconds: float
    sends: int
    open_calls: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:4.0f} s: {self.victim.name}{self.victim.having}, with {self.sends} sends taken and the "
            f"outcome of {self.open_calls} calls not told yet"
        )


@dataclass
class Killer:
    """
    Kills one of each kind, and starts each again at once.

    :param run: the DAG run. It is not over as long as the outcome of a call has not been told.
    :param pauses_seconds: between two of them, at least and at most. In between the next one comes as soon as as much
        of the run is over as of the kills, so that a fast machine is not through before the last.
    :param deadline: on the monotonic clock.
    """

    cluster: Cluster
    run: Run
    pauses_seconds: tuple[float, float]
    deadline: float
    rounds_in_all: int = 1
    began: float = field(default_factory=time.monotonic)
    rounds: int = 0
    kills: list[Kill] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def kill_one_of_each(self) -> None:
        """Kill them, each when it has something to lose."""
        place = 1 + self.rounds % 2
        self.rounds += 1
        self._kill_a_worker_in_a_request(place)
        for kind, choose in _ORDER:
            if not self._kill_one(kind, choose, place):
                return
            self._rest(self.pauses_seconds[0])

    def check_all_are_back(self) -> None:
        """
        Wait until everybody serves again.

        :raises RuntimeError: when somebody does not.
        """
        for part in self.cluster.parts.values():
            part.check_alive()
            part.wait_until_up()

    def _kill_a_worker_in_a_request(self, place: int) -> None:
        """Kill a worker, and another one where no request was left half done: it may end in the moment before."""
        for _ in range(_MOST_WORKERS):
            if not self._kill_one("worker", _worker_in_a_request, place):
                return
            under_way = self._under_way()
            self._rest(max(self.pauses_seconds[0], _ANSWERED_SECONDS))
            # By then a callback may have shown what became of the message; its request got no answer all the same.
            if left := under_way & self._under_way():
                print(f"  {len(left)} requests were left half done by it", flush=True)
                return
        self.found.append(f"{_MOST_WORKERS} workers were killed, and no request was left half done by any")

    def _rest(self, shortest_seconds: float) -> None:
        """Wait until it is the next one's turn."""
        began, longest_seconds = time.monotonic(), max(shortest_seconds, self.pauses_seconds[1])
        time.sleep(shortest_seconds)
        share_of_kills = len(self.kills) / (self.rounds_in_all * KINDS + 1)
        while time.monotonic() - began < longest_seconds and self._share_told() < share_of_kills:
            time.sleep(_ASK_EVERY_SECONDS)

    def _share_told(self) -> float:
        """Return how much of the run is over, by the calls whose outcome was told."""
        told = self.cluster.nine_bits.summary()["callbacks"]["delivered"]
        return float(told) / (self.run.sends * self.run.numbers)

    def _under_way(self) -> set[int]:
        """Return the requests of which nobody has recorded the end; whose sender is dead stay so."""
        request = schema.request.c
        with self.cluster.ledger.reading() as connection:
            return set(connection.execute(select(request.id).where(request.finished_at.is_(None))).scalars())

    def _kill_one(self, kind: str, choose: Choice, place: int) -> bool:
        """Kill one of a kind when it has something to lose, and say whether there was one."""
        victim = self._when_it_hurts(kind, choose, place)
        if victim is None:
            self.found.append(f"the run was over before a {kind} was killed; give more sends or longer calls")
            return False
        self._kill(victim)
        return True

    def _kill(self, victim: Victim) -> None:
        cluster, began = self.cluster, time.monotonic()
        # At once: a moment later the request that it is in may be over.
        part = cluster.parts.get(victim.name)
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

    def _when_it_hurts(self, kind: str, choose: Choice, place: int) -> Victim | None:
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


def _worker_in_a_request(killer: Killer, _: int) -> Victim | None:
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
    return next((Victim(name) for name in workers if simulator_port in cluster.parts[name].asks_ports()), None)


def _triggerer_with_waits(killer: Killer, place: int) -> Victim | None:
    """Return a triggerer to which Airflow has given waits of calls that are not over."""
    held = killer.cluster.waits_held() if _calls_are_open(killer) else {}
    name = f"triggerer {place}" if f"triggerer {place}" in held else next(iter(held), None)
    return None if name is None else Victim(name, f", which held {held[name]} waits")


def _while_calls_are_open(name: str) -> Choice:
    return lambda killer, place: Victim(name.format(place)) if _calls_are_open(killer) else None


def _calls_are_open(killer: Killer) -> bool:
    summary = killer.cluster.nine_bits.summary()
    return int(summary["calls"]) > int(summary["callbacks"]["delivered"])


# A worker comes before all of them, in the middle of a request: it is what may ring somebody twice.
_ORDER: tuple[tuple[str, Choice], ...] = (
    ("scheduler", _while_calls_are_open("scheduler")),
    ("Redis", _while_calls_are_open("Redis")),
    ("API server", _while_calls_are_open("API server {}")),
    ("triggerer", _triggerer_with_waits),
    ("receiver", _while_calls_are_open("receiver {}")),
    ("nginx", _while_calls_are_open("nginx")),
    (LEDGER, _while_calls_are_open(LEDGER)),
    ("DAG processor", _while_calls_are_open("DAG processor")),
)
KINDS = 1 + len(_ORDER)
