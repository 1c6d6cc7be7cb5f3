"""``make screenshot``: take the README's picture again, of a real run in a real Airflow."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from headless_chromium import chromium_path, headless_chromium
from local_airflow import ROOT, airflow_environment, free_port, local_airflow
from playwright.sync_api import Page

from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator

PICTURE = ROOT / "docs" / "images" / "send-and-wait.png"
DAG_ID = "ninebits_send_and_wait"


def main() -> int:
    """Run the example and take its picture."""
    chromium = chromium_path()
    if chromium is None:
        print("no Chromium on this machine; install the package chromium", file=sys.stderr)
        return 2
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="ninebits-screenshot-") as folder,
        running_simulator(SimulatorSettings(speed=10, seed=3)) as simulator,
    ):
        home, port = Path(folder), free_port()
        simulator.set_callback_url(f"http://ninebits:secret@127.0.0.1:{port}/ninebits/callback")
        environment = airflow_environment(home, port, dags=ROOT / "example_dags", simulator_url=simulator.base_url)
        with local_airflow(home, port, environment) as airflow, headless_chromium(chromium) as browser:
            run_id = airflow.trigger(DAG_ID)
            airflow.wait_for_run(DAG_ID, run_id)
            page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
            take(page, f"{airflow.url}/dags/{DAG_ID}/runs/{run_id}/tasks/wait/xcom", PICTURE)
    print(PICTURE)
    return 0


def take(page: Page, url: str, picture: Path) -> None:
    """Open a page of the UI, wait until it has loaded what it shows, and take its picture."""
    page.goto(url)
    page.get_by_role("button", name="Expand").first.click(timeout=60_000)
    page.get_by_text("ref_ids").first.wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=picture)


if __name__ == "__main__":
    sys.exit(main())
