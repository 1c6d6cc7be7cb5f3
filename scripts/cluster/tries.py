"""Why tries of tasks failed, by their logs: what the kills explain, what a person has to look at, and what neither."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

RING, WAIT = "ring_then_wait.ring", "ring_then_wait.wait"
IN_DOUBT = "MessageUncertain"
BY_KILLS = frozenset(
    {
        # The ledger's server was killed.
        *("LedgerUnavailable", "LedgerUnreachable"),
        # An API server, or nginx before it: by way of the supervisor, or in the task itself.
        *("AirflowRuntimeError", "ServerResponseError", "ConnectError", "ReadError", "RemoteProtocolError"),
        *("ReadTimeout", "HTTPStatusError"),
        # Airflow took the try for dead, and its process learned of it.
        "AirflowTaskTerminated",
    }
)
"""Errors that a kill explains, whatever the task."""
OF_SENDS = frozenset({IN_DOUBT, "SendFailed", "SendStopped"})
"""What the kill of a worker leaves to the next try of a send. A wait that sends nothing has no part in it."""

_FAILED = "Task failed with exception"
_PLACE = re.compile(r"task_id=(?P<task_id>[^/]+)/map_index=(?P<map_index>\d+)/attempt=(?P<attempt>\d+)\.log$")


@dataclass(frozen=True, order=True)
class Failure:
    """A try that ended with an error. A killed one ends without a word, and is none."""

    task_id: str
    map_index: int
    attempt: int
    error: str

    @property
    def place(self) -> tuple[str, int]:
        """Which task instance it was."""
        return self.task_id, self.map_index

    @property
    def unexplained(self) -> bool:
        """Whether no kill leads to it."""
        return self.error not in (BY_KILLS if self.task_id == WAIT else BY_KILLS | OF_SENDS)


def failures_in(logs: Path) -> list[Failure]:
    """Return the failures of mapped tasks, from the folder of Airflow's logs, in the order of their tries."""
    found = []
    for file in logs.rglob("attempt=*.log"):
        if place := _PLACE.search(str(file)):
            found += [
                Failure(place["task_id"], int(place["map_index"]), int(place["attempt"]), error)
                for error in _errors(file.read_text(errors="replace"))
            ]
    return sorted(found)


def unexplained(failures: Iterable[Failure]) -> list[str]:
    """Return the failures that no kill leads to, in words."""
    return [
        f"{each.task_id} {each.map_index}: try {each.attempt} failed with {each.error}, which no kill explains"
        for each in failures
        if each.unexplained
    ]


def lost_tries(tasks: Iterable[dict[str, Any]], failures: Sequence[Failure]) -> str:
    """Return how many tries did not bring their task to its end, and why, in words."""
    lost = sum(max(task["try_number"] - 1, 0) for task in tasks)
    errors = ", ".join(f"{count} {error}" for error, count in Counter(each.error for each in failures).most_common())
    return f"{lost} tries were lost, {len(failures)} of them with an error ({errors or 'none'})"


def to_clear(tasks: Sequence[dict[str, Any]], failures: Iterable[Failure]) -> list[tuple[str, int]]:
    """
    Return the task instances that a person clears who has said what became of a message.

    :return: those that failed since they were in doubt, and the waits that were never begun because of them. What
        failed for anything else stays failed.
    """
    last = {each.place: each.error for each in failures}
    states = {(task["task_id"], task["map_index"]): task["state"] for task in tasks}
    doubted = [place for place, state in states.items() if state == "failed" and last.get(place) == IN_DOUBT]
    behind = [(WAIT, index) for task_id, index in doubted if task_id == RING]
    return doubted + [place for place in behind if states.get(place) == "upstream_failed"]


def _errors(log: str) -> Iterable[str]:
    for line in log.splitlines():
        if _FAILED not in line:
            continue
        try:
            said = json.loads(line)
        except ValueError:
            continue
        # The outermost comes first, its causes after it.
        detail = said.get("error_detail") or [{}]
        yield str(detail[0].get("exc_type", "an error without a name"))
