"""The page of alerts: what was rung for and held back, and who sees that."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING

from sqlalchemy import update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.alerts import Alert, ask, note_rung
from airflow_provider_ninebits.ledger.keys import alert_key
from airflow_provider_ninebits.page import alerts as alerts_page
from tests.integration.page.calls_made import RUN_ID, SHOWN

if TYPE_CHECKING:
    import httpx
    import pytest

    from airflow_provider_ninebits.ledger.database import Database
    from tests.integration.page.conftest import Somebody


def alarmed(
    database: Database,
    dedup_key: str | None = None,
    *,
    times: int = 1,
    dag_id: str = "reminders",
    task_id: str = "ring",
    deployment: str = "default",
) -> str:
    """Ring for an alert once, hold back all the others, and return its key."""
    text = dedup_key or f"{dag_id} {RUN_ID}"
    alert = Alert(alert_key(deployment, text), deployment, text, dag_id, RUN_ID, task_id)
    for _ in range(times):
        ruling = ask(database, alert, cooldown=timedelta(hours=1), owner="test", lease=timedelta(minutes=1))
        if ruling.ring is not None:
            note_rung(database, alert, ruling.ring)
    return alert.key


def cells(answer: httpx.Response) -> list[list[str]]:
    """Return what stands in each row."""
    assert answer.status_code == 200, answer.text
    rows = re.findall(r"<tr><td.*?</tr>", answer.text, re.DOTALL)
    return [[" ".join(re.sub("<.*?>", " ", cell).split()) for cell in row.split("</td>")[:-1]] for row in rows]


def test_it_says_what_rang_and_how_many_were_held_back(page: httpx.Client, database: Database) -> None:
    alarmed(database, times=5)
    answer = page.get("/alerts")
    [[about, rang_at, rings, held_back, in_all, last]] = cells(answer)
    assert (about, rings, held_back, in_all) == (f"reminders {RUN_ID}", "1", "4", "4")
    assert rang_at.startswith(str(datetime.now(UTC).year))
    assert last.endswith("reminders ring")
    # And where its messages are.
    found = re.search(r'href="/prefix/ninebits/calls(/\?dag_id=[^"]*)"', answer.text)
    assert found is not None
    assert RUN_ID in page.get(unescape(found.group(1))).text


def test_one_that_has_not_rung_yet_says_so(page: httpx.Client, database: Database) -> None:
    alert = Alert(alert_key("default", "a"), "default", "reminders a")
    ask(database, alert, cooldown=timedelta(hours=1), owner="test", lease=timedelta(minutes=1))
    [[about, rang_at, *_]] = cells(page.get("/alerts"))
    assert (about, rang_at) == ("reminders a ringing now", "not yet")


def test_pages_follow_each_other(page: httpx.Client, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts_page, "ALERTS", 2)
    for place in range(5):
        alarmed(database, f"alert {place}")
    path, seen = "/alerts", []
    while True:
        answer = page.get(path)
        seen.append([row[0] for row in cells(answer)])
        following = re.search(r'rel="next" href="([^"]*)"', answer.text)
        if following is None:
            break
        path = f"/alerts{unescape(following.group(1))}"
    assert seen == [["alert 4", "alert 3"], ["alert 2", "alert 1"], ["alert 0"]]
    assert page.get("/alerts?after=nonsense").status_code == 400


def test_old_ones_and_those_of_another_airflow_are_not_there(page: httpx.Client, database: Database) -> None:
    key = alarmed(database, "long ago")
    with database.writing() as connection:
        past = datetime.now(UTC) - timedelta(days=8)
        connection.execute(update(schema.alert).where(schema.alert.c.key == key).values(seen_at=past))
    alarmed(database, "elsewhere", deployment="another")
    alarmed(database, "here")
    assert [row[0] for row in cells(page.get("/alerts"))] == ["here"]


def test_who_may_not_read_a_connection_of_the_ledger_sees_none(
    page: httpx.Client, database: Database, somebody: Somebody
) -> None:
    alarmed(database)
    somebody.reads = {"ninebits_default"}
    answer = page.get("/alerts")
    assert cells(answer) == []
    assert "whoever may read all connections" in answer.text
    somebody.reads.clear()
    assert page.get("/alerts").status_code == 403


def test_a_dag_that_he_may_not_read_has_no_name(page: httpx.Client, database: Database, somebody: Somebody) -> None:
    alarmed(database, times=2)
    waiting = Alert(alert_key("default", "b"), "default", f"reminders {SHOWN}")
    ask(database, waiting, cooldown=timedelta(hours=1), owner="test", lease=timedelta(minutes=1))
    somebody.reads_dags.clear()
    answer = page.get("/alerts")
    assert len(cells(answer)) == 2
    assert answer.text.count("a DAG that you may not read") == 2
    assert "reminders" not in answer.text


def test_a_key_is_text_without_whole_numbers(page: httpx.Client, database: Database) -> None:
    alarmed(database, f"<b>{SHOWN}</b>")
    text = page.get("/alerts").text
    assert "&lt;b&gt;" in text
    assert SHOWN not in text
