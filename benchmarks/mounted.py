"""
The receiver mounted in Airflow's API server, beside what else can be mounted there, and beside itself alone.

One API server with one worker, its tables on PostgreSQL, serves all routes that are mounted; the same sender asks them
in turn over 32 connections, with the same bytes. The trivial route reads the body and answers: no plugin can be faster.
``airflow-provider-inbound-webhooks`` checks the same ``Authorization`` header and tells repeats; it is measured with a
DAG that is scheduled on what comes (else it keeps no payload), and without one. Meanwhile another connection asks the
trivial route 25 times a second, and a task in the server's event loop notes how late it is woken.
"""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import create_engine

from benchmarks import receiver
from benchmarks.tools.beside import airflow_command, api_server, environment_beside
from benchmarks.tools.ledgers import accept_messages, callbacks_of, ledgers
from benchmarks.tools.pings import Pings
from benchmarks.tools.results import Results
from scripts.local_airflow import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 5
SECONDS = 5.0
CONNECTIONS = 32
CALM_PER_SECOND = 40
RECIPIENTS = 32_000
MOST_IN_A_ROUND = 4_000
TOOLS = Path(__file__).parent / "tools"
BESIDE = "inbound-webhooks"
MOUNTED = {
    "trivial route": "/bench/",
    "receiver": "/ninebits/callback",
    BESIDE: "/webhooks/ninebits",
    f"{BESIDE}, no DAG": "/webhooks/silent",
}
ALONE = "receiver, alone"
IDLE = "nobody"


def measure() -> list[Results]:
    """Ask each route as fast as it answers, and then slowly."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ninebits-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url_of = stack.enter_context(ledgers("PostgreSQL", folder))
        with mounted_routes(folder, url_of) as ask:
            rounds = []
            for turn in range(ROUNDS):
                asked = {side: ask(side) for side in MOUNTED}
                asked[ALONE] = receiver.one_round(
                    "receiver", url_of(f"alone_{turn}"), folder, with_ref_id=turn % 2 == 0
                )
                rounds.append(asked)
            calm = {IDLE: ask(IDLE)} | {side: ask(side, CALM_PER_SECOND) for side in MOUNTED}
        return [_speeds(rounds), _meanwhile(rounds, calm)]


@contextmanager
def mounted_routes(folder: Path, url_of: Callable[[object], str]) -> Iterator[Callable[..., dict[str, Any]]]:
    """Run an API server that has all routes, and give what asks one of them for some seconds."""
    ledger_url, airflow_url, port = url_of("mounted"), url_of("airflow"), free_port()
    environment = environment_beside(
        folder / "airflow", port, airflow_url=airflow_url, ledger_url=ledger_url, dags=TOOLS / "mounted_dags"
    )
    environment |= _inbound_webhooks() | {"AIRFLOW__CORE__PLUGINS_FOLDER": str(TOOLS / "plugins")}
    airflow_command(environment, "db", "migrate")
    airflow_command(environment, "dags", "reserialize")
    rung = accept_messages(ledger_url, RECIPIENTS)
    bodies = callbacks_of(rung[::2], with_ref_id=True) + callbacks_of(rung[1::2], with_ref_id=False)
    random.Random(1).shuffle(bodies)  # noqa: S311 (the same at each run)
    given = dict.fromkeys((*MOUNTED, IDLE), 0)

    def ask(side: str, per_second: float | None = None) -> dict[str, Any]:
        # Each side is sent each body once: who is asked again must not find repeats alone.
        start, given[side] = given[side], given[side] + MOST_IN_A_ROUND
        file = folder / "bodies"
        file.write_bytes(b"\n".join(bodies[start : given[side]]))
        return one_round(url, MOUNTED.get(side), file, per_second)

    with api_server(environment, folder, port) as url:
        yield ask
    _check_deliveries(airflow_url)


def one_round(url: str, path: str | None, bodies: Path, per_second: float | None) -> dict[str, Any]:
    """
    Ask one route for some seconds, and return what the sender measured, and what others did meanwhile.

    :param path: None: nobody is asked.
    :param per_second: None: as fast as it answers.
    """
    loop_url = f"{url}/bench/loop"
    httpx.get(loop_url, trust_env=False, timeout=30)
    with Pings(f"{url}/bench/") as pings:
        if path is None:
            measured: dict[str, Any] = {}
            time.sleep(SECONDS)
        else:
            measured = _sent(f"{url.replace('//', '//ninebits:secret@')}{path}", bodies, per_second)
    late_ms = httpx.get(loop_url, trust_env=False, timeout=30).json()["late_ms"]
    return measured | {
        "ping_p50_ms": pings.quantile_ms(0.5),
        "ping_p99_ms": pings.quantile_ms(0.99),
        "loop_p99_ms": late_ms[len(late_ms) * 99 // 100],
        "loop_most_ms": late_ms[-1],
    }


def _sent(url: str, bodies: Path, per_second: float | None) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.tools.load", url, str(bodies), "--seconds", str(SECONDS)]
    command += ["--connections", str(CONNECTIONS)]
    if per_second is not None:
        command += ["--per-second", str(per_second)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    # 202 is what inbound-webhooks says to what it takes, and 200 to a repeat.
    if not measured["statuses"].keys() <= {"200", "202"}:
        raise RuntimeError(f"{url} answered {measured['statuses']}")
    return measured


def _inbound_webhooks() -> dict[str, str]:
    """
    Return the options of inbound-webhooks for 9bits' callbacks, by its docs: a secret header, a name for what comes.

    9bits has no id for a delivery. Its own repeats are told by the id and the whole body, so the number will do.
    """
    connection = {
        "conn_type": "inbound_webhook",
        "password": base64.b64encode(b"ninebits:secret").decode(),
        "extra": {
            "source_type": "token_header",
            "token_header": "Authorization",
            "token_prefix": "Basic ",
            "event_field": "call_direction",
            "delivery_id_field": "to_number",
        },
    }
    return {
        "AIRFLOW__INBOUND_WEBHOOKS__WEBHOOK_NAMES": "ninebits,silent",
        "AIRFLOW_CONN_WEBHOOK_NINEBITS": json.dumps(connection),
        "AIRFLOW_CONN_WEBHOOK_SILENT": json.dumps(connection),
    }


def _check_deliveries(airflow_url: str) -> None:
    """Make sure that inbound-webhooks did what it is measured for: the payload and an event, where there is a DAG."""
    engine = create_engine(airflow_url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            # What is left out is JSON's null there, and not SQL's.
            "SELECT webhook, outcome, bool_and(payload::text <> 'null') FROM inbound_webhooks_delivery "
            "GROUP BY webhook, outcome"
        ).all()
    engine.dispose()
    if {tuple(row) for row in rows} != {("ninebits", "accepted", True), ("silent", "no_subscribers", False)}:
        raise RuntimeError(f"inbound-webhooks has kept {rows}")


def _speeds(rounds: list[dict[str, dict[str, Any]]]) -> Results:
    results = Results(
        "Mounted in the API server, PostgreSQL, 32 connections",
        ("side", "callbacks a second", "spread", "p50 ms", "p99 ms", f"times {BESIDE}"),
    )
    for side in (*MOUNTED, ALONE):
        speeds = [each[side]["per_second"] for each in rounds]
        results.add(
            side,
            f"{median(speeds):,.0f}",
            f"{min(speeds):,.0f} to {max(speeds):,.0f}",
            _median_of(rounds, side, "p50_ms"),
            _median_of(rounds, side, "p99_ms"),
            f"{median(each[side]['per_second'] / each[BESIDE]['per_second'] for each in rounds):.1f}",
        )
    return results


def _meanwhile(rounds: list[dict[str, dict[str, Any]]], calm: dict[str, dict[str, Any]]) -> Results:
    results = Results(
        "What else the API server answers meanwhile",
        ("who takes callbacks", "how many a second", "trivial route p50 ms", "p99 ms", "loop late p99 ms", "most ms"),
    )
    measured = ("ping_p50_ms", "ping_p99_ms", "loop_p99_ms", "loop_most_ms")
    for side, found in calm.items():
        results.add(side, f"{found.get('per_second', 0):,.0f}", *(f"{found[name]:.1f}" for name in measured))
    for side in MOUNTED:
        results.add(side, "all it can", *(_median_of(rounds, side, name) for name in measured))
    return results


def _median_of(rounds: list[dict[str, dict[str, Any]]], side: str, name: str) -> str:
    return f"{median(each[side][name] for each in rounds):,.1f}"
