"""A DAG file is parsed again and again, by every task too: what it imports is what each of them waits for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"alembic", "fastapi", "phonenumbers", "requests", "starlette", "uvicorn"}


def loaded_after(statements: str, home: Path) -> set[str]:
    """The heavy libraries that a fresh process has loaded after the statements."""
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{statements}\nimport json, sys\nprint(json.dumps(sorted({HEAVY!r} & set(sys.modules))))",
        ],
        env={**os.environ, "AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(process.stdout.splitlines()[-1]))


def test_heavy_libraries_are_seen_where_they_are_loaded(tmp_path: Path) -> None:
    assert loaded_after("import requests", tmp_path) == {"requests"}


@pytest.mark.parametrize(
    "statement",
    [
        "from airflow_provider_ninebits.operators.voice import SendVoiceOperator",
        "from airflow_provider_ninebits.sensors.callback import CallbackSensor",
        "from airflow_provider_ninebits.notifications.voice import NineBitsNotifier",
        "from airflow_provider_ninebits.operators.escalation import EscalateVoiceOperator",
        "from airflow_provider_ninebits.notifications.escalation import escalation_dag; escalation_dag()",
        "from airflow_provider_ninebits.triggers.events import CallbackEventTrigger; CallbackEventTrigger()",
        "import airflow_provider_ninebits.plugin",
        "import airflow_provider_ninebits; airflow_provider_ninebits.get_provider_info()",
        # Every `airflow` command builds this tree.
        "import argparse; from airflow_provider_ninebits.cli.tree import add_commands;"
        " add_commands(argparse.ArgumentParser())",
    ],
)
def test_what_every_process_imports_loads_nothing_heavy(statement: str, tmp_path: Path) -> None:
    assert loaded_after(statement, tmp_path) == set()


def test_the_tree_of_commands_loads_no_airflow_and_nothing_heavy_of_any_kind(tmp_path: Path) -> None:
    tree = (
        "import argparse, sys\n"
        "from airflow_provider_ninebits.cli import definition\n"
        "definition.add_commands(argparse.ArgumentParser())\n"
        "assert not {'airflow', 'httpx', 'rich', 'sqlalchemy', 'yaml'} & set(sys.modules)\n"
    )
    assert loaded_after(tree, tmp_path) == set()


def test_a_parsed_dag_with_operator_sensor_and_notifier_has_loaded_nothing_heavy(tmp_path: Path) -> None:
    dag = (
        "from airflow.sdk import DAG\n"
        "from airflow_provider_ninebits.operators.voice import SendVoiceOperator\n"
        "from airflow_provider_ninebits.notifications.voice import NineBitsNotifier\n"
        "from airflow_provider_ninebits.sensors.callback import CallbackSensor\n"
        "failed = NineBitsNotifier(to='2348020000000', media_url='https://example.com/a.mp3')\n"
        "with DAG('reminder', schedule=None, on_failure_callback=failed):\n"
        "    send = SendVoiceOperator(task_id='send', to=['2348020000000'], media_url='https://example.com/a.mp3')\n"
        "    CallbackSensor(task_id='wait', ref_id=send.output)\n"
    )
    assert loaded_after(dag, tmp_path) == set()
