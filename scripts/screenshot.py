"""
``make screenshot``: take the pictures of the README and the docs again, of real runs in a real Airflow.

Every page as a whole, wide and narrow, light and dark, goes into ``build/pictures`` for a person to look at.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Literal

from headless_chromium import chromium_path, headless_chromium
from local_airflow import ROOT, LocalAirflow, airflow_environment, free_port, local_airflow
from month_of_calls import add_a_month, add_alerts, add_callbacks_without_a_recipient
from playwright.sync_api import Browser, FrameLocator, Page

from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator

PICTURES = ROOT / "docs" / "images"
TO_LOOK_AT = ROOT / "build" / "pictures"
DAG_ID = "ninebits_send_and_wait"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (1380, 360)
LONGEST = 2400


def main() -> int:
    """Run the example and take the pictures."""
    chromium = chromium_path()
    if chromium is None:
        print("no Chromium on this machine; install the package chromium", file=sys.stderr)
        return 2
    for pictures in (PICTURES, TO_LOOK_AT):
        pictures.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="ninebits-screenshot-") as folder,
        running_simulator(SimulatorSettings(speed=10, seed=3)) as simulator,
    ):
        home, port = Path(folder), free_port()
        simulator.set_callback_url(f"http://ninebits:secret@127.0.0.1:{port}/ninebits/callback")
        environment = airflow_environment(home, port, dags=ROOT / "example_dags", simulator_url=simulator.base_url)
        with local_airflow(home, port, environment) as airflow, headless_chromium(chromium) as browser:
            take_all(airflow, browser)
    print(PICTURES, TO_LOOK_AT, sep="\n")
    return 0


def take_all(airflow: LocalAirflow, browser: Browser) -> None:
    """Run the example, and take the pictures before, after it, and with a month of calls."""
    tabs = ("alerts", "callbacks", "statistics")
    take_whole_pages(airflow, browser, {"empty": "", **{f"empty-{tab}": tab for tab in tabs}})
    run_id = airflow.trigger(DAG_ID)
    airflow.wait_for_run(DAG_ID, run_id)
    page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
    take_the_wait(page, f"{airflow.url}/dags/{DAG_ID}/runs/{run_id}/tasks/wait/xcom")
    ledger_url = f"sqlite:///{airflow.home / 'ninebits.db'}"
    add_a_month(ledger_url)
    add_alerts(ledger_url)
    add_callbacks_without_a_recipient(ledger_url)
    for theme in THEMES:
        take_the_page(airflow, browser, theme)
    page.goto(f"{airflow.url}/ninebits/calls/?dag_id={DAG_ID}")
    of_the_run = page.locator("tbody a").first.get_attribute("href") or ""
    page.close()
    places = {"messages": "", **{tab: tab for tab in tabs}, "refusal": "?number=12x"}
    filtered = {"several": "?ref_id=a&ref_id=b&dag_id=rent_due", "message": of_the_run.partition("/calls/")[2]}
    take_whole_pages(airflow, browser, places | filtered)


def take_whole_pages(airflow: LocalAirflow, browser: Browser, places: dict[str, str]) -> None:
    """Take pictures of pages as far down as somebody may look, without Airflow around them, for a person to look at."""
    for theme in THEMES:
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 400}, color_scheme=theme)
            for name, place in places.items():
                page.set_viewport_size({"width": width, "height": 400})
                page.goto(f"{airflow.url}/ninebits/calls/{place}")
                for details in page.locator("main tbody details").all()[:2]:
                    details.locator("summary").click()
                height = min(page.evaluate("document.documentElement.scrollHeight"), LONGEST)
                page.set_viewport_size({"width": width, "height": height})
                page.screenshot(path=TO_LOOK_AT / f"{name}-{width}-{theme}.png")
            page.close()


def take_the_wait(page: Page, url: str) -> None:
    """Open what a wait returned, and take its picture."""
    page.goto(url)
    page.get_by_role("button", name="Expand").first.click(timeout=60_000)
    page.get_by_text("ref_ids").first.wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURES / "send-and-wait.png")


def take_the_page(airflow: LocalAirflow, browser: Browser, theme: str) -> None:
    """Open "Voice calls" within Airflow, and take a picture of its messages and its statistics."""
    suffix = "" if theme == "light" else "-dark"
    page = browser.new_page(viewport={"width": 1380, "height": 860}, color_scheme="dark" if suffix else "light")
    page.goto(airflow.url)
    page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    for tab, name, height in (
        ("Messages", "voice-calls", 860),
        ("Statistics", "voice-calls-statistics", 1180),
        ("Without a recipient", "voice-calls-callbacks", 600),
    ):
        frame = open_the_tab(page, airflow, tab, height)
        if tab == "Without a recipient":
            frame.locator("tbody details summary").first.click()
            page.mouse.move(0, 0)
        page.screenshot(path=PICTURES / f"{name}{suffix}.png")
    frame = open_the_tab(page, airflow, "Messages", 860)
    frame.get_by_role("row").nth(1).get_by_role("link").first.click()
    frame.get_by_role("heading", name="Requests to 9bits").wait_for()
    frame.locator("tbody details summary").first.click()
    page.mouse.move(0, 0)
    page.screenshot(path=PICTURES / f"voice-calls-message{suffix}.png")
    page.close()


def open_the_tab(page: Page, airflow: LocalAirflow, tab: str, height: int) -> FrameLocator:
    """Open a tab of "Voice calls", and return its frame when it is to be seen."""
    page.set_viewport_size({"width": 1380, "height": height})
    page.goto(f"{airflow.url}/plugin/voice-calls")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name=tab).click(timeout=60_000)
    frame.locator("a[aria-current=page]", has_text=tab).wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    return frame


if __name__ == "__main__":
    sys.exit(main())
