"""A real Airflow with users who may edit connections, only read them, or neither, and Debian's Chromium."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from headless_chromium import chromium_path, headless_chromium  # noqa: E402
from local_airflow import LocalAirflow, airflow_environment, free_port, local_airflow  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from playwright.sync_api import Page

PASSWORDS = {"ada": "ada-is-admin", "vera": "vera-is-a-viewer", "rita": "rita-reads-connections"}


class Opened(Protocol):
    """Gives a page of a browser that was just started, for a while."""

    def __call__(self, username: str | None, **context: Any) -> AbstractContextManager[Page]: ...


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    """An Airflow with the provider in it, in which nothing has run yet."""
    if chromium_path() is None:
        pytest.skip("there is no Chromium here; on Debian: apt install chromium")
    home, port = tmp_path_factory.mktemp("airflow"), free_port()
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps(PASSWORDS))
    nobody = f"http://127.0.0.1:{free_port()}"
    options = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "ada:admin,vera:viewer,rita:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        # The files stay as they are.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    }
    environment = airflow_environment(home, port, dags=ROOT / "example_dags", simulator_url=nobody, options=options)
    with local_airflow(home, port, environment) as running:
        yield running


@pytest.fixture
def for_readers(airflow: LocalAirflow) -> Iterator[LocalAirflow]:
    """Another API server of it, which lets rita read connections: ``airflow standalone`` has its own auth manager."""
    # Airflow imports from here; the checkout must not be on its path for it.
    (airflow.home / "config").mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("read_only.py"), airflow.home / "config")
    port = free_port()
    options = {
        "AIRFLOW__CORE__AUTH_MANAGER": "read_only.ReadsConnections",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
    }
    with local_airflow(airflow.home, port, airflow.environment | options, part="api-server") as running:
        yield running


@pytest.fixture
def opened(airflow: LocalAirflow) -> Opened:
    """What opens a page as one of the users, or as nobody (None)."""

    @contextmanager
    def as_user(username: str | None, **context: Any) -> Iterator[Page]:
        with headless_chromium(str(chromium_path())) as browser:
            started = browser.new_context(**{"viewport": {"width": 1280, "height": 1100}, **context})
            if username is not None:
                session = {"name": "_token", "value": airflow.token(username), "url": airflow.url}
                started.add_cookies([{**session, "httpOnly": True}])  # type: ignore[list-item]
            page = started.new_page()
            page.set_default_timeout(60_000)
            yield page

    return as_user


@pytest.fixture
def page(opened: Opened) -> Iterator[Page]:
    """A page of the admin's."""
    with opened("ada") as page:
        yield page
