"""
From the callback to the next task in a real Airflow, on one machine: where the time goes.

Airflow runs whole, with its defaults, LocalExecutor and PostgreSQL; the receiver runs alone, with its ledger on the
same server. Each DAG sends, waits, and goes on; the callback comes at any time once the task waits, and from there on
each step is timed: by Airflow's own log of its trigger, by a trigger of PostgreSQL on changes of tasks' states, and by
lines that the tasks write. The HTTP provider's deferrable sensor polls a server that tells of the same callbacks.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import httpx

from airflow_provider_ninebits.simulator import RunningSimulator, SimulatorSettings, running_simulator
from benchmarks.receiver import served
from benchmarks.tools.beside import PYTHON, airflow_command, environment_beside
from benchmarks.tools.ledgers import ledgers
from benchmarks.tools.outcomes_over_http import OutcomesOverHttp
from benchmarks.tools.results import Results
from benchmarks.tools.stages import Stages
from scripts.local_airflow import LocalAirflow, free_port, local_airflow

if TYPE_CHECKING:
    from collections.abc import Iterator

DAGS = Path(__file__).parent / "tools" / "waiting_dags"
# Of each DAG: how many runs, and how many seconds pass at most from its waiting to the callback.
PLAN = {
    "ours": (20, 10.0),
    "http_default": (20, 60.0),
    "http_5_s": (20, 10.0),
    "reschedule_default": (8, 60.0),
    "reschedule_10_s": (8, 10.0),
}
TITLES = {
    "ours": "CallbackSensor",
    "http_default": "HttpSensor",
    "http_5_s": "HttpSensor, 5 s",
    "reschedule_default": "reschedule",
    "reschedule_10_s": "reschedule, 10 s",
}
APART_SECONDS = 6.0
"""From the beginning of one run to that of the next."""
# A fresh deferral's event is held back for 7 s, so that Airflow hears of the deferral first; who is rung takes longer.
SETTLED_SECONDS = 8.0
WAITING = ("deferred", "up_for_reschedule")
LEGS = (
    ("the receiver stores the callback", "posted", "answered"),
    ("the wait hears of it", "answered", "heard"),
    ("the triggerer records the event", "heard", "wait scheduled"),
    ("the scheduler queues the task", "wait scheduled", "wait queued"),
    ("the executor starts it", "wait queued", "wait running"),
    ("its process loads Airflow and the DAG", "wait running", "wait begins"),
    ("it reads the outcome", "wait begins", "wait ends"),
    ("its end is recorded", "wait ends", "wait success"),
    ("the scheduler sees the next task", "wait success", "go_on scheduled"),
    ("and queues it", "go_on scheduled", "go_on queued"),
    ("the executor starts it", "go_on queued", "go_on running"),
    ("its process loads Airflow and the DAG", "go_on running", "next begins"),
)
OURS = ("posted", "answered", "wait begins")
"""Where the legs begin that are ours, in the first of the DAGs."""


@dataclass
class Scene:
    """An Airflow, and all that it waits for."""

    airflow: LocalAirflow
    simulator: RunningSimulator
    outcomes: OutcomesOverHttp
    stages: Stages
    receiver: httpx.Client

    def begin(self, dag_id: str, number: str) -> str:
        """Begin a run, which rings a number that answers; its callback comes when :meth:`call_back` says so."""
        answers = {"attempts": [{"answered": True, "talk_seconds": 7}], "lose_callback": True, "with_ref_id": True}
        self.simulator.script({"numbers": {number: answers}})
        return self.airflow.trigger(dag_id, {"number": number})

    def waits_since(self, run_id: str) -> float | None:
        """Return since when a run waits, in epoch seconds; None: it does not yet."""
        states = self.stages.states(run_id, "wait")
        return next((at for state, at in states if state in WAITING), None)

    def call_back(self, run_id: str, number: str) -> dict[str, float]:
        """Deliver the callback, as 9bits would, and return when it was posted and answered."""
        body = self.simulator.calls(number=number)[-1]["callback"]["body"]
        posted = time.time()
        self.receiver.post("/ninebits/callback", json=body).raise_for_status()
        answered = time.time()
        self.outcomes.tell(run_id)
        return {"posted": posted, "answered": answered}


def measure() -> list[Results]:
    """Run every DAG as often as planned, each in turn with the others."""
    with _scene() as scene:
        found = runs(scene)
        return [_legs(found), _ours(found["ours"])]


@dataclass
class Run:
    """One run of a DAG, whose callback comes some time after it has begun to wait."""

    dag_id: str
    number: str
    run_id: str
    after_seconds: float
    moments: dict[str, float] | None = None


def runs(scene: Scene) -> dict[str, list[dict[str, float]]]:
    """Run all DAGs, a few runs at a time, and return the moments of each run."""
    chance = random.Random(1)  # noqa: S311 (the same at each measuring)
    begun: list[Run] = []
    to_come = _in_turn()
    next_at = time.time()
    while to_come or any(run.moments is None for run in begun):
        if to_come and time.time() >= next_at:
            dag_id, number = to_come.pop(0), f"2348{len(begun):09}"
            after_seconds = SETTLED_SECONDS + chance.uniform(0, PLAN[dag_id][1])
            begun.append(Run(dag_id, number, scene.begin(dag_id, number), after_seconds))
            next_at = time.time() + APART_SECONDS
        for run in begun:
            if run.moments is None:
                since = scene.waits_since(run.run_id)
                if since is not None and time.time() > since + run.after_seconds:
                    run.moments = scene.call_back(run.run_id, run.number)
        time.sleep(0.1)
    found: dict[str, list[dict[str, float]]] = {dag_id: [] for dag_id in PLAN}
    for run in begun:
        found[run.dag_id].append(_counted(run.moments or {}, _after(scene, run.dag_id, run.run_id)))
    return found


def _counted(called_back: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Return all moments: what a rescheduled sensor was at when the callback came counts from there on."""
    return called_back | {stage: max(at, called_back["answered"]) for stage, at in after.items()}


def _in_turn() -> list[str]:
    """Return the DAGs of all runs, those of each spread over the whole time: whatever else is busy hits all alike."""
    places = [((place + 0.5) / count, dag_id) for dag_id, (count, _) in PLAN.items() for place in range(count)]
    return [dag_id for _, dag_id in sorted(places)]


def _after(scene: Scene, dag_id: str, run_id: str) -> dict[str, float]:
    state = scene.airflow.wait_for_run(dag_id, run_id)
    if state != "success":
        raise RuntimeError(f"{dag_id} {run_id} is {state}: {scene.airflow.task_log(dag_id, run_id, 'wait')[-3000:]}")
    moments = scene.stages.moments(run_id)
    # A rescheduled sensor hears of it when it is scheduled again, and no triggerer has part in it.
    return moments | {"heard": moments.get("fired", moments["wait scheduled"])}


@contextmanager
def _scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url_of = stack.enter_context(ledgers("PostgreSQL", folder))
        airflow_url, ledger_url = url_of("airflow"), url_of("ledger")
        simulator = stack.enter_context(running_simulator(SimulatorSettings(api_key="demo-key", speed=100.0)))
        outcomes = stack.enter_context(OutcomesOverHttp())
        home, port = folder / "airflow", free_port()
        environment = environment_beside(
            home,
            port,
            airflow_url=airflow_url,
            ledger_url=ledger_url,
            dags=DAGS,
            simulator_url=simulator.base_url,
        )
        environment |= {"BENCH_NOTES": str(folder / "notes"), "AIRFLOW_CONN_HTTP_DEFAULT": outcomes.url}
        airflow_command(environment, "db", "migrate")
        stages = Stages(airflow_url, home / "logs", folder / "notes")
        stack.callback(stages.close)
        receiver_port = stack.enter_context(served(["airflow_provider_ninebits.webhook"], ledger_url, folder))
        receiver = stack.enter_context(
            httpx.Client(
                base_url=f"http://127.0.0.1:{receiver_port}", auth=("ninebits", "secret"), trust_env=False, timeout=30
            )
        )
        airflow = stack.enter_context(local_airflow(home, port, environment, python=str(PYTHON)))
        yield Scene(airflow, simulator, outcomes, stages, receiver)


def _legs(found: dict[str, list[dict[str, float]]]) -> Results:
    results = Results("From the callback to the next task, medians in ms", ("", *(TITLES[dag_id] for dag_id in found)))
    for title, begin, end in LEGS:
        results.add(title, *(_median_ms(runs, begin, end) for runs in found.values()))
    results.add("**all**", *(_median_ms(runs, "posted", "next begins") for runs in found.values()))
    results.add("all, p90", *(_quantile_ms(runs, "posted", "next begins", 0.9) for runs in found.values()))
    results.add("runs", *(str(len(runs)) for runs in found.values()))
    return results


def _ours(runs: list[dict[str, float]]) -> Results:
    results = Results("Of that in a deferrable CallbackSensor, in ms", ("", "median", "p90", "most"))
    for whose, mine in (("the provider's", True), ("Airflow's", False)):
        sums = [
            {
                "from": 0.0,
                "to": sum(each[end] - each[begin] for _, begin, end in LEGS if (begin in OURS) is mine),
            }
            for each in runs
        ]
        results.add(whose, *(_quantile_ms(sums, "from", "to", part) for part in (0.5, 0.9, 1.0)))
    return results


def _median_ms(runs: list[dict[str, float]], begin: str, end: str) -> str:
    return f"{1000 * median(each[end] - each[begin] for each in runs):,.0f}"


def _quantile_ms(runs: list[dict[str, float]], begin: str, end: str, part: float) -> str:
    ordered = sorted(each[end] - each[begin] for each in runs)
    return f"{1000 * ordered[min(int(len(ordered) * part), len(ordered) - 1)]:,.0f}"
