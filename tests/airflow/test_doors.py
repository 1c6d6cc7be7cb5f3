"""The receiver where Airflow's API server has mounted it: the same table of credentials, and the same answers."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.integration.webhook.attempts import ATTEMPTS, EXPECTED, ROUTES, Answer, Door

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.airflow.conftest import Stage

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


@pytest.fixture
def door(stage: Stage) -> Iterator[Door]:
    with contextlib.closing(Door(stage.airflow.url)) as opened:
        yield opened


@pytest.mark.parametrize("route", ROUTES)
def test_who_is_let_in(door: Door, route: str) -> None:
    assert door.knock_with_all(route) == EXPECTED


def test_401_says_the_same_whatever_was_wrong(door: Door) -> None:
    def without_its_time(answer: Answer) -> Answer:
        moving = ("date", "correlation-id")
        return Answer(
            answer.status, tuple(pair for pair in answer.headers if pair[0].lower() not in moving), answer.body
        )

    wrong = [attempt for attempt in ATTEMPTS.values() if not attempt.taken]
    [answer] = {without_its_time(door.knock(route, attempt)) for route in ROUTES for attempt in wrong}
    assert (answer.status, answer.body) == (401, b"{}")


def test_what_cannot_be_read_is_kept(door: Door, stage: Stage) -> None:
    body = b"\xff\x00 kept by the API server's receiver"
    assert door.knock("/ninebits/callback", ATTEMPTS["the new password"], body).status == 200
    with contextlib.closing(sqlite3.connect(stage.airflow.home / "ninebits.db")) as ledger:
        rows = ledger.execute("select match_state from ninebits_callback where raw = ?", (body,)).fetchall()
    assert rows == [("unreadable",)]
