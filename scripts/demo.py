"""
``make demo``: a real Airflow rings simulated phones, and you watch.

All that it writes is in one folder: .demo, or the one that the first argument names.
Exit status 0 only if the outcome in Airflow is what the simulator played.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from local_airflow import ROOT, LocalAirflow, airflow_environment, end_stale_group, free_port, local_airflow
from rich.console import Console
from rich.table import Table

from airflow_provider_ninebits.api.numbers import mask_number
from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator

DEMO = Path(sys.argv[1] if sys.argv[1:] else ROOT / ".demo").resolve()
DAG_ID = "ninebits_send_and_wait"
RUN_SECONDS = 240.0
NUMBERS = {
    "2348020000000": [{"answered": True, "ring_seconds": 3, "talk_seconds": 12}],
    "2348030000001": [{"answered": False, "ring_seconds": 6}, {"answered": True, "ring_seconds": 2, "talk_seconds": 7}],
    "2348050000002": [{"answered": False, "ring_seconds": 8}],
}


def main() -> int:
    """Run the demo."""
    console = Console()
    stay = sys.stdout.isatty()
    # Ctrl-C and a plain kill both unwind the stack below, which ends every process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    DEMO.mkdir(exist_ok=True)
    end_stale_group(DEMO / "airflow.pid")
    # What a start that crashed, or an older commit, has left would ring along with this one.
    shutil.rmtree(DEMO)
    DEMO.mkdir()
    with ExitStack() as stack:
        settings = SimulatorSettings(attempt_gap_seconds=4.0)
        simulator = stack.enter_context(running_simulator(settings, port=free_port(9009)))
        port = free_port(8080)
        simulator.set_callback_url(f"http://ninebits:secret@127.0.0.1:{port}/ninebits/callback")
        simulator.script({"numbers": {number: {"attempts": calls} for number, calls in NUMBERS.items()}})
        console.print(f"9bits is simulated on [bold]{simulator.base_url}[/]")
        console.print("Airflow is starting; that takes half a minute ...")
        environment = airflow_environment(
            DEMO,
            port,
            dags=ROOT / "example_dags",
            simulator_url=simulator.base_url,
            # A second attempt may follow an unanswered one: the outcome waits for it.
            options={"AIRFLOW__NINEBITS__ATTEMPT_WINDOW": "15"},
        )
        airflow = stack.enter_context(local_airflow(DEMO, port, environment))
        console.print(f"Airflow is up: [bold]{airflow.url}[/]")
        good = ring_and_watch(console, airflow, simulator)
        if stay:
            console.print(f"Look around in [bold]{airflow.url}/dags/{DAG_ID}[/]; Ctrl-C ends it all.")
            with suppress(KeyboardInterrupt):
                while True:
                    airflow.check_alive()
                    time.sleep(1)
    console.print("Everything has ended." if good else "[bold red]The outcome is not what the simulator played.[/]")
    return 0 if good else 1


def ring_and_watch(console: Console, airflow: LocalAirflow, simulator: Any) -> bool:
    """Trigger the DAG, show what happens while it happens, and compare the outcome."""
    run_id = airflow.trigger(DAG_ID, {"to": list(NUMBERS)})
    console.print(f"[bold]{DAG_ID}[/] is triggered ({airflow.url}/dags/{DAG_ID}/runs/{run_id})")
    shown: set[tuple[str, int, str]] = set()
    deadline = time.monotonic() + RUN_SECONDS
    while (state := airflow.run_state(DAG_ID, run_id)) not in ("success", "failed"):
        airflow.check_alive()
        show_news(console, simulator.calls(), shown)
        if time.monotonic() > deadline:
            console.print(f"[red]The run is still {state}: {airflow.task_states(DAG_ID, run_id)}[/]")
            return False
        time.sleep(0.5)
    show_news(console, simulator.calls(), shown)
    if state == "failed":
        console.print(f"[red]The run failed: {airflow.task_states(DAG_ID, run_id)}; logs are in {DEMO / 'logs'}[/]")
        return False
    outcome = airflow.xcom(DAG_ID, run_id, "wait")
    console.print(outcome_table(outcome))
    return matches(outcome, simulator.calls(), simulator.rung())


def show_news(console: Console, calls: list[dict[str, Any]], shown: set[tuple[str, int, str]]) -> None:
    """Print what has happened since the last look: phones that ring, callbacks that were taken."""
    for call in calls:
        callback = call["callback"] or {}
        steps = [("rings", True), ("callback", callback.get("state") == "delivered")]
        for step, reached in steps:
            key = (call["number"], call["attempt"], step)
            if not reached or key in shown:
                continue
            shown.add(key)
            number = mask_number(call["number"])
            if step == "rings":
                console.print(f"  {number} rings (attempt {call['attempt']})")
            else:
                told = "[green]answered[/]" if call["answered"] else "[yellow]not answered[/]"
                console.print(f"  {number} callback: {told}")


def outcome_table(outcome: dict[str, Any]) -> Table:
    """Return the outcome as a table, numbers masked."""
    table = Table(title=f"{outcome['answered']} of {outcome['recipients']} answered")
    for column in ("number", "state", "attempts", "seconds", "amount"):
        table.add_column(column, justify="left" if column in ("number", "state") else "right")
    for call in outcome["calls"]:
        table.add_row(
            mask_number(call["to_number"]),
            call["state"],
            str(call["attempts"]),
            str(call["call_duration"]),
            str(call["total_amount"]),
        )
    return table


def matches(outcome: dict[str, Any], calls: list[dict[str, Any]], rung: dict[str, int]) -> bool:
    """Return whether the outcome is what the simulator played: each number once, each state and attempt."""
    played = {n: {"answered": False, "attempts": 0} for n in NUMBERS}
    for call in calls:
        played[call["number"]]["answered"] |= call["answered"]
        played[call["number"]]["attempts"] += 1
    told = {
        call["to_number"]: {"answered": call["state"] == "answered", "attempts": call["attempts"]}
        for call in outcome["calls"]
    }
    return bool(outcome["settled"]) and told == played and len(rung) == len(NUMBERS)


if __name__ == "__main__":
    os.chdir(ROOT)
    with suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
