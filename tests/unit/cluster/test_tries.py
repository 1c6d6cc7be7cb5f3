"""A try that failed is explained by a kill, is one for a person, or is a difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.cluster.tries import RING, WAIT, Failure, failures_in, lost_tries, to_clear, unexplained


def written(logs: Path, task_id: str, map_index: int, attempt: int, *lines: str) -> None:
    folder = logs / "dag_id=ring" / "run_id=one" / f"task_id={task_id}" / f"map_index={map_index}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"attempt={attempt}.log").write_text("".join(f"{line}\n" for line in lines))


def failed(*errors: str) -> str:
    detail = [{"exc_type": error, "exc_value": "..."} for error in errors]
    return json.dumps({"level": "error", "event": "Task failed with exception", "error_detail": detail})


def task(task_id: str, map_index: int, state: str, try_number: int = 1) -> dict[str, Any]:
    return {"task_id": task_id, "map_index": map_index, "state": state, "try_number": try_number}


def test_the_outermost_error_of_each_try_is_read(tmp_path: Path) -> None:
    written(tmp_path, WAIT, 3, 2, '{"event": "Task instance in failure state"}', failed("ValueError", "KeyError"))
    written(tmp_path, WAIT, 3, 1, "no JSON: Task failed with exception", failed("ConnectError"))
    written(tmp_path, RING, 0, 1, '{"event": "Done"}')
    assert failures_in(tmp_path) == [Failure(WAIT, 3, 1, "ConnectError"), Failure(WAIT, 3, 2, "ValueError")]


@pytest.mark.parametrize(
    ("task_id", "error", "explained"),
    [
        (WAIT, "LedgerUnavailable", True),
        (WAIT, "TaskDeferralError", False),
        (WAIT, "UnknownRefId", False),
        # A wait sends nothing that could be in doubt.
        (WAIT, "MessageUncertain", False),
        (RING, "MessageUncertain", True),
        ("ring_and_wait", "MessageUncertain", True),
        ("ring_and_wait", "TaskDeferralError", False),
    ],
)
def test_what_no_kill_leads_to_is_a_difference(task_id: str, error: str, explained: bool) -> None:
    found = unexplained([Failure(task_id, 3, 2, error)])
    assert found == ([] if explained else [f"{task_id} 3: try 2 failed with {error}, which no kill explains"])


def test_tries_are_counted() -> None:
    tasks = [task(WAIT, 0, "success", 3), task(WAIT, 1, "success"), task(RING, 0, "success", 2), task(RING, 1, "", 0)]
    failures = [Failure(WAIT, 0, 1, "ConnectError"), Failure(WAIT, 0, 2, "ConnectError")]
    assert lost_tries(tasks, failures) == "3 tries were lost, 2 of them with an error (2 ConnectError)"


def test_only_what_was_in_doubt_is_cleared() -> None:
    tasks = [
        task(RING, 0, "failed", 2),
        task(WAIT, 0, "upstream_failed"),
        task(RING, 1, "failed"),
        task(WAIT, 1, "upstream_failed"),
        task(RING, 2, "success"),
        task(WAIT, 2, "failed"),
        task("ring_and_wait", 0, "failed"),
        # It was in doubt once, and failed for good for something else.
        task("ring_and_wait", 1, "failed", 2),
        task("ring_and_wait", 2, "success", 2),
    ]
    failures = [
        *(Failure(RING, 0, 1, "SendStopped"), Failure(RING, 0, 2, "MessageUncertain")),
        Failure(RING, 1, 1, "ValueError"),
        Failure(WAIT, 2, 1, "UnknownRefId"),
        Failure("ring_and_wait", 0, 1, "MessageUncertain"),
        *(Failure("ring_and_wait", 1, 1, "MessageUncertain"), Failure("ring_and_wait", 1, 2, "KeyError")),
        Failure("ring_and_wait", 2, 1, "MessageUncertain"),
    ]
    assert to_clear(tasks, failures) == [(RING, 0), ("ring_and_wait", 0), (WAIT, 0)]
