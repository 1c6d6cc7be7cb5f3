"""``ninebits messages list``: filters that hold together, and pages that leave nobody out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ninebits.ledger import schema
from tests.integration.ledger.scenes import ADA, BEN, CAI, accepted, row, sending, set_columns, uncertain

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ninebits.ledger.database import Database

    Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("connected")


def listed(run: Run, *arguments: str) -> list[str]:
    status, out, _ = run("messages", "list", *arguments, "--output", "json")
    assert status == 0
    return [each["message_id"] for each in json.loads(out)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_page_after_page_is_the_whole_list(run: Run, database: Database, limit: int) -> None:
    requests = [sending(database, str(2348020000000 + place)) for place in range(6)]
    # Some in the same moment: then the id decides.
    moment = row(database, schema.message, id=requests[0].message_id)["created_at"]
    for request in requests[:4]:
        set_columns(database, schema.message, {"created_at": moment}, id=request.message_id)
    whole = listed(run)
    assert set(whole) == {request.message_id for request in requests}
    paged = page = listed(run, "--limit", str(limit))
    while page:
        page = listed(run, "--limit", str(limit), "--before", page[-1])
        paged = paged + page
    assert paged == whole


def test_a_page_before_a_message_that_is_not_there(run: Run) -> None:
    status, out, err = run("messages", "list", "--before", "nothing", "--output", "json")
    assert (status, out) == (3, "")
    assert "no message nothing" in err


def test_the_message_behind_a_ref_id(run: Run, database: Database) -> None:
    placed, other = accepted(database, "r1", ADA), accepted(database, "r2", BEN)
    assert listed(run, "--ref-id", "r1") == [placed.message_id]
    assert listed(run, "--ref-id", f"ledger:{other.message_id}") == [other.message_id]
    assert listed(run, "--ref-id", "r3") == []


def test_the_messages_of_a_dag_in_a_state(run: Run, database: Database) -> None:
    wanted, other_dag, other_state = uncertain(database, ADA), uncertain(database, BEN), accepted(database, "r1", CAI)
    for request, dag_id in ((wanted, "etl"), (other_dag, "alerts"), (other_state, "etl")):
        send_id = row(database, schema.message, id=request.message_id)["send_id"]
        set_columns(database, schema.send, {"dag_id": dag_id}, id=send_id)
    assert set(listed(run, "--dag-id", "etl")) == {wanted.message_id, other_state.message_id}
    assert listed(run, "--dag-id", "etl", "--state", "uncertain") == [wanted.message_id]
    assert listed(run, "--dag-id", "nothing") == []
