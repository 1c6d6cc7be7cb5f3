"""What a form sends: all that the URL asks for already, but what is changed in it."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.ledger.browsing import Key
from airflow_provider_ninebits.page.filters import write_key
from tests.integration.page.test_page import listed

if TYPE_CHECKING:
    import httpx

    from tests.integration.page.conftest import Somebody

Pairs = list[tuple[str, str]]


class Form(HTMLParser):
    """The only form of a page, filled in as it was loaded."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: Pairs = []
        self._choice: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attrs)
        if tag == "input":
            self.fields.append((given["name"], given["value"]))
        elif tag == "select":
            self._choice = given["name"]
        elif tag == "option" and "selected" in given and self._choice:
            self.fields.append((self._choice, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._choice = None

    def handle_data(self, data: str) -> None:
        if self._choice and self.fields and self.fields[-1] == (self._choice, ""):
            self.fields[-1] = (self._choice, data)

    def sent(self, **changes: str) -> Pairs:
        """Return what its button sends, once some fields were filled in."""
        assert set(changes) <= {name for name, _ in self.fields}
        return [(name, changes.get(name, value)) for name, value in self.fields]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/", [("ref_id", "r-shown"), ("ref_id", "r-outside"), ("ref_id", "r-hidden")]),
        ("/", [("ref_id", "r-shown")]),
        ("/", [("dag_id", "reminders"), ("run_id", "scheduled__1"), ("task_id", "ring"), ("map_index", "-1")]),
        ("/", [("state", "answered"), ("conn_id", "other"), ("tz", "Africa/Lagos"), ("refresh", "off")]),
        ("/", [("since", "2026-01-31"), ("until", "2026-01-31T14:00"), ("number", "2348020000001")]),
        ("/statistics", [("days", "7"), ("conn_id", "other"), ("tz", "Africa/Lagos")]),
        ("/statistics", [("since", "2026-01-31"), ("until", "2026-02-01"), ("dag_id", "reminders")]),
    ],
)
def test_it_asks_for_what_is_asked_for(page: httpx.Client, somebody: Somebody, path: str, asked: Pairs) -> None:
    somebody.edits = {"ninebits_default", "other"}
    answer = page.get(path, params=asked)
    assert answer.status_code == 200
    assert sorted(pair for pair in Form(answer.text).sent() if pair[1]) == sorted(asked)


def test_a_dag_among_several_ref_ids(page: httpx.Client, messages: list[str]) -> None:
    answer = page.get("/", params={"ref_id": ["r-shown", "r-outside"]})
    narrowed = page.get("/", params=Form(answer.text).sent(dag_id="reminders"))
    assert listed(narrowed) == [messages[2]]
    assert "2 given" in narrowed.text


def test_a_place_in_one_list_is_none_in_another(page: httpx.Client) -> None:
    after = write_key(Key(datetime.now(UTC), "0" * 32))
    assert "after" not in dict(Form(page.get("/", params={"after": after}).text).fields)


def test_a_dag_within_seven_days(page: httpx.Client) -> None:
    answer = page.get("/statistics?days=7")
    shown = page.get("/statistics", params=Form(answer.text).sent(dag_id="reminders"))
    assert 'aria-current="true">7 days</a>' in shown.text
