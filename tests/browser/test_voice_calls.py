"""The page "Voice calls", as it is seen in Airflow's UI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.sends import AskedBy
from tests.browser.conftest import PASSWORDS
from tests.integration.page.calls_made import HIDDEN, RUN_ID, SHOWN, SILENT, make_calls, ring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_airflow import LocalAirflow
    from playwright.sync_api import FrameLocator, Page

    from tests.browser.conftest import Opened

LONELY = "2348020000004"
MASKED = "234802***0001"
UNKNOWN = "2349099999999"

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", autouse=True)
def calls(airflow: LocalAirflow) -> None:
    """What the ledger of this Airflow holds."""
    ledger = Database(f"sqlite:///{airflow.home / 'ninebits.db'}")
    make_calls(ledger)
    ledger.close()


@pytest.fixture
def long_named(airflow: LocalAirflow) -> Iterator[str]:
    """The id of a message whose names are as long as they may be, without a place to break them at."""
    ledger = Database(f"sqlite:///{airflow.home / 'ninebits.db'}")
    names = ("D" * 250, f"manual__{'r' * 240}", "T" * 250)
    message_id = ring(ledger, "R" * 128, LONELY, asked_by=AskedBy("default", *names, -1))
    yield message_id
    # Others count what is listed.
    with ledger.writing() as connection:
        messages, sends = schema.message, schema.send
        send_id = connection.scalar(select(messages.c.send_id).where(messages.c.id == message_id))
        for table, key in ((schema.request, "message_id"), (schema.recipient, "message_id"), (messages, "id")):
            connection.execute(delete(table).where(table.c[key] == message_id))
        connection.execute(delete(sends).where(sends.c.id == send_id))
    ledger.close()


def in_airflow(page: Page) -> FrameLocator:
    """Return the page within Airflow's."""
    return page.frame_locator("iframe[title='Voice calls']")


def test_it_is_found_in_the_navigation_and_leads_to_a_message_and_to_the_run(airflow: LocalAirflow, page: Page) -> None:
    page.goto(airflow.url)
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Voice calls").click()
    listed = in_airflow(page)
    expect(listed.get_by_role("heading", name="Voice calls")).to_be_visible()
    expect(listed.get_by_role("row")).to_have_count(4)

    listed.get_by_role("row").nth(1).get_by_role("link").first.click()
    expect(listed.get_by_role("heading", name=re.compile("^Message of"))).to_be_visible()
    expect(listed.get_by_text(SHOWN, exact=True)).to_be_visible()
    listed.locator("details summary").first.click()
    expect(listed.locator("pre").first).to_contain_text("total_amount")

    # Airflow's frame keeps a page from leaving it by itself.
    listed.get_by_role("link", name="reminders").click()
    page.wait_for_url(f"**/dags/reminders/runs/{RUN_ID}/tasks/ring**")
    assert page.locator("iframe").count() == 0


def test_it_is_as_dark_as_airflow_is(airflow: LocalAirflow, page: Page) -> None:
    page.goto(f"{airflow.url}/plugin/voice-calls")
    body = in_airflow(page).locator("body")
    light = body.evaluate("body => getComputedStyle(body).backgroundColor")
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.reload()
    expect(body).not_to_have_css("background-color", light)


def test_filters_stand_in_the_url_and_are_usable_with_a_keyboard_alone(airflow: LocalAirflow, page: Page) -> None:
    page.goto(f"{airflow.url}/ninebits/calls/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.get_by_label("Number").focus()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.type(f"+{SHOWN}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**number=%2B{SHOWN}**")
    expect(page.get_by_role("row")).to_have_count(2)
    assert outline == "solid"
    page.get_by_role("link", name="Clear").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(4)


def test_it_does_not_load_again_under_anybodys_hands(airflow: LocalAirflow, page: Page) -> None:
    page.clock.install()
    page.goto(f"{airflow.url}/ninebits/calls/")
    page.evaluate("window.loadedOnce = true")
    statistics, said = page.get_by_role("link", name="Statistics"), page.get_by_role("status")
    expect(said).to_be_empty()

    statistics.focus()
    expect(said).to_have_text("Paused while a link or a field has the focus.")
    page.clock.run_for(30_000)
    expect(statistics).to_be_focused()
    statistics.blur()
    expect(said).to_be_empty()

    details = "<details><summary>More</summary>of it</details>"
    page.locator("main").evaluate("(main, details) => main.insertAdjacentHTML('beforeend', details)", details)
    page.get_by_text("More", exact=True).click()
    page.get_by_text("More", exact=True).blur()
    expect(said).to_have_text("Paused while details are open.")
    page.clock.run_for(30_000)
    assert page.evaluate("window.loadedOnce")
    page.get_by_text("More", exact=True).click()
    # A click on text leaves the focus with what is around it.
    page.get_by_role("columnheader").first.click()
    expect(said).to_be_empty()
    with page.expect_event("load"):
        page.clock.run_for(10_000)
    assert page.evaluate("window.loadedOnce") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone_that_has_no_javascript(
    airflow: LocalAirflow, opened: Opened, theme: str, long_named: str
) -> None:
    with opened("ada", viewport={"width": 360, "height": 800}, java_script_enabled=False, color_scheme=theme) as phone:
        for path in (
            "",
            "alerts",
            "callbacks",
            "statistics",
            "?state=pending",
            "?dag_id=reminders",
            f"messages/{long_named}",
        ):
            phone.goto(f"{airflow.url}/ninebits/calls/{path}")
            expect(phone.get_by_role("heading", name="Voice calls")).to_be_visible()
            assert [
                each
                for each in phone.locator("body *:visible").all()
                if (box := each.bounding_box())
                and box["x"] + box["width"] > 361
                and not each.evaluate("each => each.closest('pre, .hidden, thead, svg')")
            ] == []
        phone.goto(f"{airflow.url}/ninebits/calls/")
        phone.get_by_role("row").nth(2).get_by_role("link").first.click()
        expect(phone.get_by_text(SHOWN, exact=True)).to_be_visible()


def test_who_may_not_read_connections_sees_no_message(airflow: LocalAirflow, opened: Opened) -> None:
    with opened("vera") as page:
        page.goto(f"{airflow.url}/plugin/voice-calls")
        expect(in_airflow(page).get_by_role("heading", name="Not for you to see")).to_be_visible()
        for path in ("", "statistics", "callbacks", "messages/whatever"):
            answer = page.goto(f"{airflow.url}/ninebits/calls/{path}")
            assert answer is not None
            assert answer.status in (403, 404)
            assert not {SHOWN, HIDDEN, "reminders"} & set(re.findall(r"\w+", page.content()))


def test_who_may_only_read_connections_sees_no_whole_number_and_finds_nothing_by_one(
    for_readers: LocalAirflow, opened: Opened
) -> None:
    with opened("rita") as page:
        page.goto(f"{for_readers.url}/plugin/voice-calls")
        listed = in_airflow(page)
        expect(listed.get_by_role("heading", name="Voice calls")).to_be_visible()
        expect(listed.get_by_role("row")).to_have_count(4)
        listed.get_by_role("row").nth(1).get_by_role("link").first.click()
        expect(listed.get_by_text(MASKED, exact=True)).to_be_visible()
        expect(listed.get_by_text("Numbers are masked")).to_be_visible()
        listed.locator("details summary").first.click()
        expect(listed.locator("pre").first).to_contain_text(MASKED)
        for path in ("", "callbacks", "statistics", link_of(listed)):
            answer = page.goto(f"{for_readers.url}/ninebits/calls/{path}")
            assert answer is not None
            assert answer.status == 200
            assert not {SHOWN, SILENT, HIDDEN, UNKNOWN} & set(re.findall(r"\w+", page.content()))
        for number in (SHOWN, UNKNOWN):
            answer = page.goto(f"{for_readers.url}/ninebits/calls/?number={number}")
            assert answer is not None
            assert answer.status == 403
            expect(page.get_by_role("heading", name="Not for you to see")).to_be_visible()


def link_of(listed: FrameLocator) -> str:
    """Return where the frame is, below the page's own address."""
    return str(listed.locator("body").evaluate("() => location.pathname")).partition("/calls/")[2]


def test_who_is_not_logged_in_is_led_to_the_login_and_back(airflow: LocalAirflow, opened: Opened) -> None:
    with opened(None) as page:
        page.goto(f"{airflow.url}/ninebits/calls/?state=answered")
        page.get_by_role("textbox").first.fill("ada")
        page.locator("input[type=password]").fill(PASSWORDS["ada"])
        page.get_by_role("button", name=re.compile("sign in|log in", re.IGNORECASE)).click()
        page.wait_for_url("**/ninebits/calls/?state=answered")
        expect(page.get_by_role("heading", name="Voice calls")).to_be_visible()
