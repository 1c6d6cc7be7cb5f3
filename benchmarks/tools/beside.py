"""
An Airflow from the environment of ``requirements/bench.txt``, with its own tables on PostgreSQL.

What is measured beside lives there, and not in ``.venv``: Airflow finds every provider that is installed.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from sqlalchemy.engine import make_url

from scripts.local_airflow import airflow_environment, end_group

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".tools" / "bench" / "bin" / "python"
START_SECONDS = 120.0


def environment_beside(
    home: Path, port: int, *, airflow_url: str, ledger_url: str, dags: Path, simulator_url: str = "http://127.0.0.1:9"
) -> dict[str, str]:
    """
    Return the environment of that Airflow: its defaults, but for where things are.

    :param airflow_url: the database of Airflow's own tables, as :func:`ledgers` gives one.
    """
    if not PYTHON.exists():
        raise RuntimeError(f"{PYTHON} is not there; `make bench NAME=...` makes it")
    own = make_url(airflow_url)
    urls = [own.set(drivername=f"postgresql+{driver}") for driver in ("psycopg2", "asyncpg")]
    sync_url, async_url = (url.render_as_string(hide_password=False) for url in urls)
    environment = airflow_environment(
        home,
        port,
        dags=dags,
        simulator_url=simulator_url,
        options={
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sync_url,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": async_url,
            "AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN": ledger_url,
        },
    )
    # The tests' haste is none of a benchmark's.
    for option in ("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "AIRFLOW__CORE__PARALLELISM"):
        environment.pop(option)
    environment["PATH"] = f"{PYTHON.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return environment


def airflow_command(environment: dict[str, str], *arguments: str) -> None:
    """Run one command of that Airflow to its end."""
    done = subprocess.run(
        [str(PYTHON), "-m", "airflow", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"airflow {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


@contextmanager
def api_server(environment: dict[str, str], home: Path, port: int) -> Iterator[str]:
    """Run that Airflow's API server, with one worker, while the block lasts, and give its URL."""
    url = f"http://127.0.0.1:{port}"
    log_file = home / "api-server.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "airflow", "api-server", "--workers", "1"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not _is_up(url):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log_file.read_text()[-4000:])
            time.sleep(0.2)
        yield url
    finally:
        end_group(process)


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v2/version", trust_env=False, timeout=30).status_code == 200
    except httpx.TransportError:
        return False
