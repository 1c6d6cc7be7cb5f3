"""Send, wait for the callback, go on: once with each kind of wait. Who runs what when is noted in a file."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from airflow.providers.http.sensors.http import HttpSensor
from airflow.sdk import DAG, task

from airflow_provider_ninebits.operators.voice import SendVoiceOperator
from airflow_provider_ninebits.sensors.callback import CallbackSensor

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

MEDIA = "https://media.test/reminder.mp3"
WAIT = {"task_id": "wait", "timeout": 900}


def note(context: Any, what: str) -> None:
    """Append a line; short ones of several processes do not mix."""
    with open(os.environ["BENCH_NOTES"], "a") as notes:
        notes.write(f"{context['run_id']} {what} {time.time()}\n")


class NotedCallbackSensor(CallbackSensor):
    """Ours."""

    def execute(self, context: Context) -> Any:
        """Look, and wait."""
        note(context, "wait begins")
        try:
            return super().execute(context)
        finally:
            note(context, "wait ends")

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Go on."""
        note(context, "wait begins")
        try:
            return super().execute_complete(context, event)
        finally:
            note(context, "wait ends")


class NotedHttpSensor(HttpSensor):
    """The one of the HTTP provider, which cannot tell an outcome: it is there (200), or it is not (404)."""

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> None:
        """Go on."""
        note(context, "wait begins")
        super().execute_complete(context, event)
        note(context, "wait ends")


def _callback(**how: Any) -> BaseOperator:
    return NotedCallbackSensor(ref_id="{{ ti.xcom_pull('send') }}", **WAIT, **how)


def _http(**how: Any) -> BaseOperator:
    return NotedHttpSensor(endpoint="/outcome/{{ run_id }}", deferrable=True, **WAIT, **how)


WAITS = {
    "ours": lambda: _callback(deferrable=True),
    "http_default": _http,
    "http_5_s": lambda: _http(poke_interval=5),
    "reschedule_default": lambda: _callback(mode="reschedule"),
    "reschedule_10_s": lambda: _callback(mode="reschedule", poke_interval=10),
}


def sends_and_waits(dag_id: str) -> None:
    """Make a DAG that rings one number, and goes on when it has answered."""
    with DAG(dag_id, schedule=None, max_active_runs=64):
        send = SendVoiceOperator(task_id="send", to="{{ dag_run.conf['number'] }}", media_url=MEDIA)

        @task
        def go_on(**context: Any) -> None:
            note(context, "next begins")

        send >> WAITS[dag_id]() >> go_on()


for name in WAITS:
    sends_and_waits(name)
