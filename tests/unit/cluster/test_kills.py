"""Who is killed has something to lose, by what Airflow and the ledger say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from scripts.cluster import kills
from scripts.cluster.kills import Killer, Victim


def killer(**cluster: Any) -> Killer:
    given = {"nine_bits": SimpleNamespace(summary=lambda: {"callbacks": {"delivered": 20}}), **cluster}
    run = SimpleNamespace(sends=2, numbers=10)
    return Killer(SimpleNamespace(**given), run, (0.0, 0.0), 0.0)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills.time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("held", "delivered", "victim"),
    [
        ({"triggerer 1": 4, "triggerer 2": 3}, 0, Victim("triggerer 1", ", which held 4 waits")),
        ({"triggerer 2": 3}, 0, Victim("triggerer 2", ", which held 3 waits")),
        ({}, 0, None),
        # All calls are over: whoever waits still has nothing to lose.
        ({"triggerer 1": 4}, 9, None),
    ],
)
def test_a_triggerer_is_killed_that_holds_waits(held: dict[str, int], delivered: int, victim: Victim | None) -> None:
    summary = {"calls": 9, "callbacks": {"delivered": delivered}}
    given = killer(nine_bits=SimpleNamespace(summary=lambda: summary), waits_held=lambda: held)
    assert dict(kills._ORDER)["triggerer"](given, 1) == victim


@pytest.mark.parametrize(
    ("under_way", "killed", "found"),
    [
        # Half done: before and after. One was answered after all; one has begun since, and somebody lives who sends it.
        ([{1, 2}, {1}], 1, 0),
        ([{1}, set(), {2}, {2}], 2, 0),
        ([{1}, {2}] * 3, 3, 1),
    ],
)
def test_workers_are_killed_until_a_request_is_left_half_done(
    under_way: list[set[int]], killed: int, found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, said, victims = killer(), iter(under_way), []
    monkeypatch.setattr(Killer, "_under_way", lambda _: next(said))
    monkeypatch.setattr(Killer, "_when_it_hurts", lambda *_: Victim("worker 1"))
    monkeypatch.setattr(Killer, "_kill", lambda _, victim: victims.append(victim))
    given._kill_a_worker_in_a_request(1)
    assert (len(victims), len(given.found)) == (killed, found)


@pytest.mark.parametrize(
    ("longest_seconds", "naps"),
    [
        # One of ten ends the second call of twenty; the last two are not looked at.
        (600.0, [6.0, 2.0, 2.0]),
        # A slow machine does not come that far.
        (0.0, [6.0]),
    ],
)
def test_the_next_one_is_killed_as_soon_as_as_much_of_the_run_is_over_as_of_the_kills(
    longest_seconds: float, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, slept = iter([0, 1, 2, 3]), list[float]()
    given = killer(nine_bits=SimpleNamespace(summary=lambda: {"callbacks": {"delivered": next(told)}}))
    given.pauses_seconds, given.kills = (6.0, longest_seconds), [kills.Kill(Victim("worker 1"), 0.0, 0, 0)]
    clock = iter([0.0, 6.0, 8.0, 10.0, 12.0])
    monkeypatch.setattr(kills.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(kills.time, "sleep", slept.append)
    given._rest(6.0)
    assert slept == naps
