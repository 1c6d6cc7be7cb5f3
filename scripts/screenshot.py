"""``make screenshot``: take the pictures of the README and the docs again, of real runs in a real Airflow."""

from __future__ import annotations

import random
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from headless_chromium import chromium_path, headless_chromium
from local_airflow import ROOT, LocalAirflow, airflow_environment, free_port, local_airflow
from playwright.sync_api import Browser, Page

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.simulator import SimulatorSettings, running_simulator

PICTURES = ROOT / "docs" / "images"
DAG_ID = "ninebits_send_and_wait"
EARLIER_DAGS = ("appointment_reminders", "rent_due", "blood_donors", "wake_the_person_on_call")
HOURS = (8, 9, 9, 10, 11, 14, 15, 15, 16, 18)
PRICE = Decimal("12.5")


def main() -> int:
    """Run the example and take the pictures."""
    chromium = chromium_path()
    if chromium is None:
        print("no Chromium on this machine; install the package chromium", file=sys.stderr)
        return 2
    PICTURES.mkdir(parents=True, exist_ok=True)
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
            take_the_wait(page, f"{airflow.url}/dags/{DAG_ID}/runs/{run_id}/tasks/wait/xcom")
            add_a_month(f"sqlite:///{home / 'ninebits.db'}")
            for theme in ("light", "dark"):
                take_the_page(airflow, browser, theme)
    print(PICTURES)
    return 0


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
    for tab, name, height in (("Messages", "voice-calls", 860), ("Statistics", "voice-calls-statistics", 1180)):
        page.set_viewport_size({"width": 1380, "height": height})
        page.goto(f"{airflow.url}/plugin/voice-calls")
        frame = page.frame_locator("iframe")
        frame.get_by_role("link", name=tab).click(timeout=60_000)
        frame.locator("a[aria-current=page]", has_text=tab).wait_for(timeout=60_000)
        page.wait_for_load_state("networkidle")
        page.mouse.move(0, 0)
        page.screenshot(path=PICTURES / f"{name}{suffix}.png")


def add_a_month(url: str) -> None:
    """Add a month of calls to a ledger, as they may be: busy days and quiet ones, more answers in the evening."""
    chance = random.Random(7)
    now = datetime.now(UTC)
    with closing(Database(url)) as ledger, ledger.writing() as connection:
        for place in range(150):
            at = now - timedelta(days=30 * (place + 1) / 150, minutes=chance.randint(0, 59))
            if place > 5:
                at = min(at.replace(hour=chance.choice(HOURS)), now - timedelta(hours=1))
            _add(connection, chance, at, f"{chance.getrandbits(128):032x}", pending=place < 2)


def _add(connection: Any, chance: random.Random, at: datetime, name: str, *, pending: bool) -> None:
    dag_id = chance.choice(EARLIER_DAGS)
    how_many = 1 if dag_id == EARLIER_DAGS[-1] else chance.randint(20, 240)
    busy = 0.55 + 0.02 * (at.hour - 8)
    rung = []
    for _ in range(how_many):
        state = chance.choices(("answered", "unanswered", "failed"), (busy, 0.95 - busy, 0.05))[0]
        if pending and chance.random() < 0.4:
            state = "pending"
        after = timedelta(seconds=4 + chance.expovariate(1 / 22))
        rung.append(
            {
                "send_id": name,
                "message_id": name,
                "number": str(2348020000000 + chance.randint(0, 9_999_999)),
                "state": state,
                "attempts": int(state != "pending"),
                "answered_at": at + after if state == "answered" else None,
                "total_amount": PRICE if state == "answered" else None,
            }
        )
    numbers = {each["number"]: each for each in rung}
    counts = {s: sum(each["state"] == s for each in numbers.values()) for s in ("answered", "unanswered", "failed")}
    place = {"dag_id": dag_id, "run_id": f"scheduled__{at:%Y-%m-%dT%H:%M:%S}+00:00", "task_id": "ring"}
    write(
        connection,
        Change(schema.send, [{"id": name, "deployment": "default", **place, "map_index": -1, "created_at": at}]),
    )
    made = {"id": name, "send_id": name, "part": 0, "conn_id": "ninebits_default", "dag_id": dag_id, "created_at": at}
    media = {"media_url": "https://example.com/reminder.mp3", "state": "accepted", "recipients": len(numbers)}
    write(connection, Change(schema.message, [{**made, **media, **counts, "total_amount": PRICE * counts["answered"]}]))
    placed = {
        "conn_id": "ninebits_default",
        "state": "accepted",
        "ref_id": name[:25],
        "known_by": "answer",
        "status": 200,
    }
    write(connection, Change(schema.request, [{"message_id": name, **placed, "started_at": at}]))
    write(connection, Change(schema.recipient, list(numbers.values())))


if __name__ == "__main__":
    sys.exit(main())
