"""What an Airflow shows of a ledger that another one uses too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.sends import AskedBy
from tests.integration.page.calls_made import ring, told

if TYPE_CHECKING:
    import httpx

    from airflow_provider_ninebits.ledger.database import Database
    from tests.integration.page.conftest import Somebody

THEIRS, OURS = "2348020000007", "2348020000008"


@pytest.mark.parametrize("path", ["/", "/statistics"])
def test_only_names_of_its_own_connections_are_offered(
    page: httpx.Client, database: Database, somebody: Somebody, path: str
) -> None:
    ring(database, "r-theirs", THEIRS, conn_id="theirs", asked_by=AskedBy("staging"))
    somebody.reads |= {"theirs"}
    text = page.get(path).text
    assert "<option>other</option>" in text
    assert "<option>ninebits_default</option>" in text
    assert "theirs" not in text
    # Whoever names it is told no less than before.
    assert "<option selected>theirs</option>" in page.get(f"{path}?conn_id=theirs").text


def test_an_ambiguous_callback_is_shown_where_its_recipient_was_rung_from(
    page: httpx.Client, database: Database, somebody: Somebody
) -> None:
    somebody.edits = {"ninebits_default", "other"}
    for deployment, number in (("staging", THEIRS), ("default", OURS)):
        for place in "12":
            ring(database, f"{deployment}-{place}", number, asked_by=AskedBy(deployment))
    with database.reading() as connection:
        now = ledger_now(connection)
    for number in (THEIRS, OURS):
        told(database, None, number, now)
    for query in ("", "?fate=ambiguous"):
        text = page.get(f"/callbacks{query}").text
        assert OURS in text
        assert THEIRS not in text
        assert "ambiguous <b>1</b>" in text
    (link,) = [
        part.partition('"')[0] for part in text.split('href="/prefix/ninebits/calls') if part.startswith("/messages/")
    ]
    assert page.get(link).status_code == 200
