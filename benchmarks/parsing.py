"""
What a DAG file pays for using the provider: its imports, and the parsing of 100 files.

**Imports**: fresh processes, in turn: ``airflow.sdk`` alone, and with what a DAG file can import from here. "Airflow's"
is what the base classes cost that ours stand on (``BaseTrigger``, ``BaseOperatorLink``, ``BaseNotifier``), imported
before by themselves, as any other trigger imports them; "ours" what comes on top of them. Both are in the process that
has made the import of ``airflow.sdk``.

**Parsing**: 100 files with operator and sensor beside 100 with two BashOperators, and 100 with a BashOperator and a
BashSensor of its output: a sensor costs more than an operator, whoever made it.

- As Airflow 3.3's DAG processor does it: a process that has Airflow and its plugins loaded imports what a file imports
  of ``airflow.*`` (by Airflow's own function), forks, and the child parses the one file and serializes its DAG (by
  Airflow's own function, too). What a file imports of other packages each child imports, unless a plugin has.
- As a test does it: one process, one DagBag, all files. "first file" is what the first one took beyond the others: the
  imports, once for all.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.tools.processes import said_by
from benchmarks.tools.results import Results

RUNS = 15
ROUNDS = 5
FILES = 100
SDK = "from airflow.sdk import DAG, task"
_BASES = {
    "trigger": "from airflow.triggers.base import BaseEventTrigger, BaseTrigger",
    "link": "from airflow.sdk.bases.operatorlink import BaseOperatorLink",
    "notifier": "from airflow.sdk import BaseNotifier",
    "watcher": "from airflow.sdk import AssetWatcher",
}
_TASKS_OF_OURS = """
from airflow_provider_ninebits.hooks.ninebits import NineBitsHook
from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor
"""
_CALLBACK_TRIGGER = "from airflow_provider_ninebits.triggers.callback import CallbackTrigger"
_EVENT_TRIGGER = "from airflow_provider_ninebits.triggers.events import CallbackEventTrigger"
_NOTIFIER = "from airflow_provider_ninebits.notifications.voice import NineBitsNotifier"
_ESCALATE = "from airflow_provider_ninebits.operators.escalation import EscalateVoiceOperator"
_ESCALATION_DAG = "from airflow_provider_ninebits.notifications.escalation import escalation_dag"
OURS = "\n".join([_TASKS_OF_OURS, _CALLBACK_TRIGGER, _EVENT_TRIGGER, _NOTIFIER, _ESCALATE, _ESCALATION_DAG])
"""Everything that a DAG file can import from here; a test compares it with the docs' reference."""
# What is imported, after which of Airflow's.
IMPORTS = {
    "airflow.sdk": ("", ""),
    "hook, operator, sensor": (_TASKS_OF_OURS, _BASES["link"]),
    "NineBitsNotifier": (_NOTIFIER, _BASES["notifier"]),
    "EscalateVoiceOperator": (_ESCALATE, _BASES["link"]),
    "all five": (
        "\n".join([_TASKS_OF_OURS, _NOTIFIER, _ESCALATE]),
        "\n".join([_BASES["link"], _BASES["notifier"]]),
    ),
    "CallbackEventTrigger": (_EVENT_TRIGGER, f"{_BASES['watcher']}\n{_BASES['trigger']}"),
    "escalation_dag": (_ESCALATION_DAG, "\n".join(_BASES.values())),
    "CallbackTrigger": (_CALLBACK_TRIGGER, _BASES["trigger"]),
    "all of it": (OURS, "\n".join(_BASES.values())),
}
TASKS = {
    "BashOperator": (
        "from airflow.providers.standard.operators.bash import BashOperator",
        "BashOperator(task_id='send', bash_command='true') >> BashOperator(task_id='wait', bash_command='true')",
    ),
    "BashOperator, BashSensor": (
        "from airflow.providers.standard.operators.bash import BashOperator\n"
        "from airflow.providers.standard.sensors.bash import BashSensor",
        "send = BashOperator(task_id='send', bash_command='true')\n"
        "    BashSensor(task_id='wait', bash_command=send.output)",
    ),
    "SendVoiceOperator, CallbackSensor": (
        "from airflow_provider_ninebits.operators.voice import SendVoiceOperator\n"
        "from airflow_provider_ninebits.sensors.callback import CallbackSensor",
        "send = SendVoiceOperator(task_id='send', to=['2348020000000'], media_url='https://media.test/a.mp3')\n"
        "    CallbackSensor(task_id='wait', ref_id=send.output)",
    ),
}
_IMPORT = """
import json, time
{sdk}
began, cpu = time.perf_counter(), time.process_time()
{airflows}
half, half_cpu = time.perf_counter(), time.process_time()
{ours}
print(json.dumps([1000 * each for each in (
    half - began, time.perf_counter() - half, half_cpu - cpu, time.process_time() - half_cpu, time.process_time()
)]))
"""


def measure() -> list[Results]:
    """Measure imports and parsing."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        }
        return [_imports(environment), _parsing(environment, folder)]


def _imports(environment: dict[str, str]) -> Results:
    runs: dict[str, list[list[float]]] = {side: [] for side in IMPORTS}
    for turn in range(RUNS + 1):
        for side, (ours, airflows) in IMPORTS.items():
            found = said_by(environment, "-c", _IMPORT.format(sdk=SDK, ours=ours, airflows=airflows))
            # The first round writes airflow.cfg and the compiled files.
            if turn:
                runs[side].append(found)
    results = Results(
        "Imports after airflow.sdk, ms",
        ("imported", "Airflow's", "ours", "spread", "Airflow's, CPU", "ours, CPU", "spread of it", "the process, CPU"),
    )
    for side, found in runs.items():
        airflows, ours, airflows_cpu, ours_cpu, whole_cpu = ([run[column] for run in found] for column in range(5))
        results.add(
            side,
            f"{median(airflows):.1f}",
            *_told(ours),
            f"{median(airflows_cpu):.1f}",
            *_told(ours_cpu),
            f"{median(whole_cpu):.0f}",
        )
    return results


def _told(runs: list[float]) -> tuple[str, str]:
    return f"{median(runs):.1f}", f"{min(runs):.1f}-{max(runs):.1f}"


def _parsing(environment: dict[str, str], folder: Path) -> Results:
    for place, side in enumerate(TASKS):
        _write_files(folder / str(place), side)
    results = Results(
        f"{FILES} DAG files",
        (
            *("how", "with", "ms a file", "spread", "CPU ms a file", "over BashOperator", "CPU over it"),
            *("ms a file over it", "first file"),
        ),
    )
    for how in ("forked for each file", "one DagBag"):
        rounds: dict[str, list[list[float]]] = {side: [] for side in TASKS}
        for _ in range(ROUNDS):
            for place, side in enumerate(TASKS):
                rounds[side].append(said_by(environment, "-m", "benchmarks.parsing", how, str(folder / str(place))))
        base = [median([each[column] for each in rounds["BashOperator"]]) for column in range(2)]
        for side, found in rounds.items():
            wall, cpu, first = ([each[column] for each in found] for column in range(3))
            results.add(
                how,
                side,
                f"{median(wall):.2f}",
                f"{min(wall):.2f}-{max(wall):.2f}",
                f"{median(cpu):.2f}",
                f"{median(wall) / base[0]:.3f}",
                f"{median(cpu) / base[1]:.3f}",
                f"{median(wall) - base[0]:+.2f}",
                f"{median(first):.1f}" if how == "one DagBag" else "",
            )
    return results


def _write_files(folder: Path, side: str) -> None:
    folder.mkdir()
    imports, tasks = TASKS[side]
    for place in range(FILES):
        (folder / f"dag_{place}.py").write_text(
            f"from airflow.sdk import DAG\n{imports}\n\nwith DAG('dag_{place}', schedule=None):\n    {tasks}\n"
        )


def parse(how: str, folder: Path) -> list[float]:
    """
    Parse all files of a folder.

    :return: the milliseconds that one takes, those of CPU, and how many more the first one took.
    """
    parsed = _fork_for_each if how == "forked for each file" else _one_dag_bag
    files = sorted(folder.glob("*.py"))
    wall, cpu, first = parsed(folder, files)
    return [1000 * wall / len(files), 1000 * cpu / len(files), 1000 * first]


def _fork_for_each(folder: Path, files: list[Path]) -> tuple[float, float, float]:
    import structlog
    from airflow.dag_processing import manager  # noqa: F401 (what the DAG processor has loaded)
    from airflow.dag_processing.processor import DagFileParseRequest, _parse_file, _pre_import_airflow_modules
    from airflow.jobs.job import Job
    from airflow.listeners.listener import get_listener_manager

    log = structlog.get_logger()
    # As the DAG processor does when it starts: plugins are loaded, and their listeners hear of it.
    get_listener_manager().hook.on_starting(component=Job.__new__(Job))
    wall, cpu = 0.0, 0.0
    for file in files:
        began = time.perf_counter()
        _pre_import_airflow_modules(str(file), log)
        child = os.fork()
        if not child:
            request: Any = DagFileParseRequest(file=str(file), bundle_path=folder, bundle_name="bench")
            found = _parse_file(request, log)
            os._exit(0 if found is not None and len(found.serialized_dags) == 1 else 1)
        _, status, usage = os.wait4(child, 0)
        if status:
            raise RuntimeError(f"{file} was not parsed")
        wall += time.perf_counter() - began
        cpu += usage.ru_utime + usage.ru_stime
    return wall, cpu, 0.0


def _one_dag_bag(folder: Path, files: list[Path]) -> tuple[float, float, float]:
    from airflow.dag_processing.dagbag import DagBag

    began, cpu = time.perf_counter(), time.process_time()
    bag = DagBag(str(folder))
    if len(bag.dags) != len(files):
        raise RuntimeError(f"{len(bag.dags)} DAGs: {bag.import_errors}")
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    took = sorted(each.duration.total_seconds() for each in bag.dagbag_stats)
    # The first file makes the imports, so it takes longest.
    return wall, cpu, took[-1] - median(took)


if __name__ == "__main__":
    print(json.dumps(parse(sys.argv[1], Path(sys.argv[2]))))
