"""Bodies of callbacks as strangers may write them."""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.api.callbacks import Call, read_callbacks
from airflow_provider_ninebits.ledger.database import ledger_now
from tests.integration.page.calls_made import SHOWN, ring, told

if TYPE_CHECKING:
    import httpx

    from airflow_provider_ninebits.ledger.database import Database
    from tests.integration.page.conftest import Somebody

STRANGER = "2349011111111"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r'"note":"\ud800"', r'"note": "\ud800"'),
        ('"total_amount":30.10', '"total_amount": 30.10'),
        ('"total_amount":1e400', '"total_amount": 1e400'),
        ('"note":1,"note":2', '"note": 1,\n  "note": 2'),
    ],
)
def test_whatever_a_call_has_in_it_its_pages_are_shown(
    page: httpx.Client, database: Database, somebody: Somebody, written: str, shown: str
) -> None:
    somebody.edits = {"ninebits_default", "other"}
    message_id = ring(database, "r", SHOWN)
    with database.reading() as connection:
        now = ledger_now(connection)
    for ref_id, number in (("r", SHOWN), (None, STRANGER)):
        raw = f'{{"to_number":"{number}",{written}}}'.encode()
        ((event, _),) = read_callbacks(raw)
        assert isinstance(event, Call)
        assert event.to_number == number
        told(database, ref_id, number, now, raw=raw)
    for path in (f"/messages/{message_id}", "/callbacks"):
        answer = page.get(path)
        assert answer.status_code == 200
        assert shown in unescape(answer.text)
