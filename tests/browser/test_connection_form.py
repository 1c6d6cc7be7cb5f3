"""The connection form, as a person fills it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from local_airflow import LocalAirflow
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.timeout(300)]


def opened_form(page: Page, url: str) -> Locator:
    """Return the dialog for a new connection of our type."""
    page.goto(f"{url}/connections")
    page.get_by_role("button", name="Add Connection").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("combobox").first.click()
    page.keyboard.type("9bits")
    page.keyboard.press("Enter")
    form.get_by_text("API key").wait_for()
    return form


def unfold_extra_fields(form: Locator) -> None:
    """Show the extra fields, which folds the standard ones."""
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    form.locator("input[name=element_timeout]").wait_for()
    form.locator("input[name=password]").wait_for(state="hidden")


def asked_for(form: Locator) -> dict[str | None, str | None]:
    """Return the fields that are to be seen, each with its placeholder."""
    fields = form.locator("input[name], textarea[name]").all()
    return {each.get_attribute("name"): each.get_attribute("placeholder") for each in fields if each.is_visible()}


def test_the_form_asks_for_key_base_url_and_our_extras_with_help(airflow: LocalAirflow, page: Page) -> None:
    form = opened_form(page, airflow.url)
    assert form.locator("input[name=password]").get_attribute("type") == "password"
    # The first two belong to every connection.
    assert asked_for(form) == {
        "connection_id": None,
        "description": "",
        "host": "https://api.9bits.net",
        "password": "from the 9bits dashboard: settings > security",
    }
    unfold_extra_fields(form)
    assert set(asked_for(form)) == {
        "connection_id",
        *("element_timeout", "element_max_parallel_requests"),
        *("element_calling_hours", "element_calling_days", "element_timezone"),
    }
    assert "What takes longer leaves the message uncertain" in form.inner_text()


def test_a_connection_that_was_filled_in_is_the_one_that_is_stored(airflow: LocalAirflow, page: Page) -> None:
    form = opened_form(page, airflow.url)
    form.locator("input[name=connection_id]").fill("from_the_form")
    form.locator("input[name=host]").fill("http://127.0.0.1:9009")
    form.locator("input[name=password]").fill("key-of-the-form")
    unfold_extra_fields(form)
    form.locator("input[name=element_timeout]").fill("12")
    form.get_by_role("button", name="Save").click()
    form.wait_for(state="hidden")

    stored = airflow.api.get("/api/v2/connections/from_the_form").raise_for_status().json()
    assert (stored["conn_type"], stored["host"]) == ("ninebits", "http://127.0.0.1:9009")
    assert '"timeout": 12' in stored["extra"]
    assert "key-of-the-form" not in str(stored)
    page.get_by_text("from_the_form").first.wait_for()
    assert "key-of-the-form" not in page.content()
