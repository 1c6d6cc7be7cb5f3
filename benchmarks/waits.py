"""
What waits cost: so many in a real ``airflow triggerer``, beside as many triggers that only sleep.

All its processes count, over some seconds in which nothing happens and some in which 50 outcomes come in a second.
The same waits in a process that does nothing else say what the watcher costs without Airflow's noise. Airflow's own
database is PostgreSQL throughout; the ledger is either. Each is one process, and they are measured one after another.
A wake-up counts from when the callback is about to be stored.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING

from benchmarks.tools.ledgers import DATABASES, awaited_messages, ledgers
from benchmarks.tools.noted import FIRED, STATEMENTS
from benchmarks.tools.processes import ROOT, cores, only_with, started, until
from benchmarks.tools.results import Results

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psutil

COUNTS = (1_000, 10_000)
IDLE_WINDOWS = 5
# Each outcome ends a wait, and there are a thousand at least.
BUSY_WINDOWS = 3
WINDOW_SECONDS = 6.0
SETTLE_SECONDS = 15.0
OUTCOMES_A_SECOND = 50
_BUSY_COLUMNS = ("busy cores", "busy statements/s", "wake-up p50 ms", "p99 ms")


@dataclass(frozen=True)
class Cost:
    """What one side took: cores and statements a second, while nothing happens and under load; and the wake-ups."""

    idle_cores: list[float]
    idle_statements: float = 0.0
    busy_cores: float = 0.0
    busy_statements: float = 0.0
    wakes_ms: tuple[float, ...] = ()

    def cores_over(self, other: Cost | None) -> float:
        """Return the cores beyond another side's, while nothing happens."""
        return median(self.idle_cores) - (median(other.idle_cores) if other else 0.0)

    def wake_ms(self, hundredth: int) -> str:
        """Return a percentile of the wake-ups."""
        return f"{self.wakes_ms[len(self.wakes_ms) * hundredth // 100]:,.0f}" if self.wakes_ms else "-"


def measure() -> list[Results]:
    """Measure each number of waits on both databases, and as many idle triggers."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        urls = {database: stack.enter_context(ledgers(database, folder)) for database in DATABASES}
        alone = {
            (database, how_many): Waiting(folder, urls[database](f"alone_{how_many}"), how_many).measured_alone()
            for database in DATABASES
            for how_many in COUNTS
        }
        airflow = Airflow(folder, urls["PostgreSQL"]("airflow"))
        within: dict[tuple[str, int], Cost] = {}
        for how_many in COUNTS:
            within["idle", how_many] = airflow.measured_idle(how_many)
            for database in DATABASES:
                waiting = Waiting(folder, urls[database](f"triggerer_{how_many}"), how_many)
                within[database, how_many] = waiting.measured_in(airflow)
    return [_to_reach(within, alone), _in_a_triggerer(within), _alone(alone)]


def _to_reach(within: dict[tuple[str, int], Cost], alone: dict[tuple[str, int], Cost]) -> Results:
    few, many = COUNTS
    results = Results(f"{many:,} waits", ("what", "at most", *DATABASES))
    results.add(
        "cores of a triggerer beyond those of as many idle triggers",
        "0.05",
        *(f"{within[each, many].cores_over(within['idle', many]):.3f}" for each in DATABASES),
    )
    results.add("queries/s, at rest", "5", *(f"{within[each, many].idle_statements:.1f}" for each in DATABASES))
    results.add(
        f"queries/s, busy: at {OUTCOMES_A_SECOND} outcomes/s",
        "5",
        *(f"{within[each, many].busy_statements:.1f}" for each in DATABASES),
    )
    results.add(
        f"CPU over that of {few:,} waits, at {OUTCOMES_A_SECOND} outcomes/s",
        "1.5",
        *(f"{alone[each, many].busy_cores / alone[each, few].busy_cores:.2f}" for each in DATABASES),
    )
    results.add("wake-up p99 ms", "100; SQLite: 600", *(alone[each, many].wake_ms(99) for each in DATABASES))
    results.add("the same in a triggerer", "", *(within[each, many].wake_ms(99) for each in DATABASES))
    return results


def _in_a_triggerer(costs: dict[tuple[str, int], Cost]) -> Results:
    columns = ("triggers", "cores", "spread", "beyond idle", "statements/s", *_BUSY_COLUMNS)
    results = Results("In `airflow triggerer`", columns)
    for (side, how_many), cost in costs.items():
        idle = None if side == "idle" else costs["idle", how_many]
        what = "idle" if idle is None else f"waits, {side}"
        _add(results, f"{how_many:,} {what}", cost, idle, spread=True)
    return results


def _alone(costs: dict[tuple[str, int], Cost]) -> Results:
    results = Results("In a process that does nothing else", ("waits", "cores", "statements/s", *_BUSY_COLUMNS))
    for (database, how_many), cost in costs.items():
        _add(results, f"{how_many:,}, {database}", cost, None)
    return results


def _add(results: Results, side: str, cost: Cost, idle: Cost | None, *, spread: bool = False) -> None:
    cells = [side, f"{median(cost.idle_cores):.3f}"]
    if spread:
        cells += [f"{min(cost.idle_cores):.3f} to {max(cost.idle_cores):.3f}"]
        cells += [f"{cost.cores_over(idle):.3f}" if idle else "-"]
    if cost.wakes_ms:
        cells += [f"{cost.idle_statements:.1f}", f"{cost.busy_cores:.3f}", f"{cost.busy_statements:.0f}"]
        cells += [cost.wake_ms(50), cost.wake_ms(99)]
    results.add(*cells, *["-"] * (len(results.columns) - len(cells)))


class Waiting:
    """So many waits for as many messages of a ledger."""

    def __init__(self, folder: Path, ledger_url: str, how_many: int) -> None:
        self.ledger_url = ledger_url
        self._rung = awaited_messages(ledger_url, how_many)
        self._fired, self._statements = folder / "fired", folder / "statements"
        self.arguments = folder / "arguments"
        self.arguments.write_text("".join(json.dumps({"ref_ids": [ref_id]}) + "\n" for _, ref_id in self._rung))
        for file in (self._fired, self._statements):
            file.unlink(missing_ok=True)
        self.environment = {
            "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": ledger_url,
            FIRED: str(self._fired),
            STATEMENTS: str(self._statements),
        }

    def measured_alone(self) -> Cost:
        """Measure the waits in a process of their own."""
        command = [sys.executable, "-m", "benchmarks.tools.waits", "wait", str(self.arguments)]
        home = {"AIRFLOW_HOME": str(self._fired.parent / "airflow")}
        with started(command, {**home, **self.environment}, self._fired.parent / "waiting.log") as process:
            until(self._statements.exists, process, self._fired.parent / "waiting.log")
            return self._measured(process)

    def measured_in(self, airflow: Airflow) -> Cost:
        """Measure the waits in a triggerer."""
        with airflow.running("benchmarks.tools.waits.TimedTrigger", self.arguments, self.environment) as process:
            return self._measured(process)

    def _measured(self, process: psutil.Process) -> Cost:
        time.sleep(SETTLE_SECONDS)
        begun = self._asked()
        idle = cores(process, IDLE_WINDOWS, WINDOW_SECONDS)
        between = self._asked()
        stored_at: dict[str, float] = {}
        busy = cores(process, BUSY_WINDOWS, WINDOW_SECONDS, lambda: self._play(stored_at))
        busy_statements = (self._asked() - between) / (BUSY_WINDOWS * WINDOW_SECONDS)
        idle_statements = (between - begun) / (IDLE_WINDOWS * WINDOW_SECONDS)
        time.sleep(2.0)
        fired = dict(line.split() for line in self._fired.read_text().splitlines())
        if fired.keys() != stored_at.keys():
            raise RuntimeError(f"{len(stored_at)} outcomes came, and {len(fired)} waits were woken")
        wakes = sorted(1000 * (float(fired[ref_id]) - at) for ref_id, at in stored_at.items())
        # All windows together: the system counts in hundredths of a second, and a sweep comes in every second one.
        return Cost(idle, idle_statements, mean(busy), busy_statements, tuple(wakes))

    def _asked(self) -> int:
        return int(self._statements.read_text() or 0)

    def _play(self, stored_at: dict[str, float]) -> None:
        """Take callbacks as a receiver does, so many a second, for one window."""
        from airflow_provider_ninebits.ledger.callbacks import Arrival, store
        from airflow_provider_ninebits.ledger.database import Database
        from airflow_provider_ninebits.ledger.states import CallbackKind

        begun_at = time.monotonic()
        with closing(Database(self.ledger_url)) as ledger:
            for place in range(int(OUTCOMES_A_SECOND * WINDOW_SECONDS)):
                time.sleep(max(begun_at + place / OUTCOMES_A_SECOND - time.monotonic(), 0.0))
                number, ref_id = self._rung[len(stored_at)]
                # Before it is stored: the commit goes along with a statement, and the notice leaves with it.
                stored_at[ref_id] = time.time()
                store(
                    ledger,
                    [Arrival(CallbackKind.CALL, b"{}", identity=ref_id, ref_id=ref_id, number=number)],
                    window=timedelta(days=1),
                )


class Airflow:
    """An Airflow of which only the triggerer runs, with room for all."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._environment = {
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
            # The driver that is here; by default it would be another.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": database_url,
            "AIRFLOW__TRIGGERER__CAPACITY": str(2 * max(COUNTS)),
            # By default it takes 50 a second, and starting takes minutes.
            "AIRFLOW__TRIGGERER__MAX_TRIGGER_TO_SELECT_PER_LOOP": "1000",
        }
        self._run("airflow", "db", "migrate")

    def measured_idle(self, how_many: int) -> Cost:
        """Measure triggers that only sleep."""
        arguments = self._folder / "idle"
        arguments.write_text("".join(json.dumps({"place": place}) + "\n" for place in range(how_many)))
        with self.running("benchmarks.tools.waits.IdleTrigger", arguments, {}) as process:
            time.sleep(SETTLE_SECONDS)
            return Cost(cores(process, IDLE_WINDOWS, WINDOW_SECONDS))

    @contextmanager
    def running(self, classpath: str, arguments: Path, environment: dict[str, str]) -> Iterator[psutil.Process]:
        """Run a triggerer with triggers, and give it when all of them have started."""
        self._run("benchmarks.tools.waits", "rows", classpath, str(arguments))
        how_many = len(arguments.read_text().splitlines())
        log = self._folder / "triggerer.log"
        command = [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"]
        with started(command, {**self._environment, **environment}, log) as process:
            until(lambda: log.read_text(errors="replace").count(" starting") >= how_many, process, log)
            yield process

    def _run(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(
            command, env=only_with(self._environment), cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-3000:]}")
