"""A real Airflow, and Debian's Chromium that looks at it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from headless_chromium import chromium_path, headless_chromium  # noqa: E402
from local_airflow import LocalAirflow, airflow_environment, free_port, local_airflow  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    """An Airflow with the provider in it, in which nothing has run yet."""
    if chromium_path() is None:
        pytest.skip("there is no Chromium here; on Debian: apt install chromium")
    home, port = tmp_path_factory.mktemp("airflow"), free_port()
    nobody = f"http://127.0.0.1:{free_port()}"
    environment = airflow_environment(home, port, dags=ROOT / "example_dags", simulator_url=nobody)
    with local_airflow(home, port, environment) as running:
        yield running


@pytest.fixture
def page(airflow: LocalAirflow) -> Iterator[Page]:
    """A page of a browser that was just started."""
    with headless_chromium(str(chromium_path())) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1100})
        page.set_default_timeout(60_000)
        yield page
