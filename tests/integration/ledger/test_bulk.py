"""Many rows in one statement hold what single ones would."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.bulk import insert_rows, update_rows
from airflow_provider_ninebits.ledger.states import Kind, MatchState
from tests.integration.ledger.scenes import ADA, BEN, rows, sending

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def a_row(**values: Any) -> dict[str, Any]:
    return {
        "received_at": NOON,
        "kind": Kind.CALL,
        "raw": b"\x00\xff{}'\"\\",
        "identity": None,
        "number": None,
        "inbound": False,
        "started_at": None,
        "total_duration": None,
        "total_amount": None,
        "detail": None,
        "match_state": MatchState.UNMATCHED,
        **values,
    }


def test_rows_are_inserted_as_they_are_and_in_their_order(database: Database) -> None:
    given = [
        a_row(identity="a", number=ADA, total_amount=Decimal("0.000000001"), started_at=NOON, total_duration=7),
        a_row(detail='quotes ", \\ and {braces}, NULL', inbound=True),
        a_row(identity="c", kind=Kind.ANSWER, detail="größe \U0001f4de"),
    ]
    with database.writing() as connection:
        insert_rows(connection, schema.callback, given)
    stored = rows(database, schema.callback)
    assert [{name: each[name] for name in given[0]} for each in stored] == given
    assert [each["id"] for each in stored] == sorted(each["id"] for each in stored)


def test_columns_that_are_null_in_every_row_stay_so(database: Database) -> None:
    with database.writing() as connection:
        insert_rows(connection, schema.callback, [a_row(), a_row()])
    assert [each["total_amount"] for each in rows(database, schema.callback)] == [None, None]


def test_rows_are_updated_by_their_key_and_others_are_not(database: Database) -> None:
    sending(database, ADA, BEN)
    first, second = rows(database, schema.recipient)
    with database.writing() as connection:
        update_rows(
            connection,
            schema.recipient,
            [
                {"id": first["id"], "state": "answered", "attempts": 2, "answered_at": NOON, "total_amount": None},
                {"id": 10**9, "state": "answered", "attempts": 9, "answered_at": None, "total_amount": Decimal(3)},
            ],
        )
    changed = {"state": "answered", "attempts": 2, "answered_at": NOON, "total_amount": None}
    assert rows(database, schema.recipient) == [{**first, **changed}, second]


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.writing() as connection:
        insert_rows(connection, schema.callback, [])
        update_rows(connection, schema.recipient, [])
    assert rows(database, schema.callback) == []
