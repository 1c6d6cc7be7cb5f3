"""Many rows in one statement hold what single ones would."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.states import CallbackKind, MatchState
from tests.integration.ledger.scenes import ADA, BEN, rows, sending

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def a_row(**values: Any) -> dict[str, Any]:
    return {
        "received_at": NOON,
        "kind": CallbackKind.CALL,
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
        a_row(identity="c", kind=CallbackKind.ANSWER, detail="größe \U0001f4de"),
    ]
    with database.writing() as connection:
        write(connection, Change(schema.callback, given))
    stored = rows(database, schema.callback)
    assert [{name: each[name] for name in given[0]} for each in stored] == given
    assert [each["id"] for each in stored] == sorted(each["id"] for each in stored)


def test_columns_that_are_null_in_every_row_stay_so(database: Database) -> None:
    with database.writing() as connection:
        write(connection, Change(schema.callback, [a_row(), a_row()]))
    assert [each["total_amount"] for each in rows(database, schema.callback)] == [None, None]


def test_rows_are_updated_by_their_key_and_others_are_not(database: Database) -> None:
    sending(database, ADA, BEN)
    first, second = rows(database, schema.recipient)
    with database.writing() as connection:
        write(
            connection,
            Change(
                schema.recipient,
                [
                    {"id": first["id"], "state": "answered", "attempts": 2, "answered_at": NOON, "total_amount": None},
                    {"id": 10**9, "state": "answered", "attempts": 9, "answered_at": None, "total_amount": Decimal(3)},
                ],
                key="id",
            ),
        )
    changed = {"state": "answered", "attempts": 2, "answered_at": NOON, "total_amount": None}
    assert rows(database, schema.recipient) == [{**first, **changed}, second]


def test_what_is_added_is_added_to_what_is_there(database: Database) -> None:
    sending(database, ADA)
    (message,) = rows(database, schema.message)
    added = {"id": message["id"], "answered": 2, "revision": 1, "last_callback_at": NOON}
    for _ in range(2):
        with database.writing() as connection:
            write(connection, Change(schema.message, [added], key="id", adding=("answered", "revision")))
    changed = {"answered": 4, "revision": message["revision"] + 2, "last_callback_at": NOON}
    assert rows(database, schema.message) == [{**message, **changed}]


def test_several_tables_are_written_at_once(database: Database) -> None:
    sending(database, ADA)
    (message,), (recipient,) = rows(database, schema.message), rows(database, schema.recipient)
    with database.writing() as connection:
        write(
            connection,
            Change(schema.message, [{"id": message["id"], "unanswered": 1}], key="id", adding=("unanswered",)),
            Change(schema.recipient, [{"id": recipient["id"], "state": "unanswered"}], key="id"),
            Change(schema.callback, [a_row(identity="a")]),
        )
    assert rows(database, schema.message) == [{**message, "unanswered": 1}]
    assert rows(database, schema.recipient) == [{**recipient, "state": "unanswered"}]
    assert [each["identity"] for each in rows(database, schema.callback)] == ["a"]


def test_a_moment_without_an_offset_is_refused(database: Database) -> None:
    naive = a_row(started_at=datetime(2026, 11, 24))  # noqa: DTZ001 (the point)
    with pytest.raises(ValueError, match="needs an offset"), database.writing() as connection:
        write(connection, Change(schema.callback, [naive]))
    assert rows(database, schema.callback) == []


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.writing() as connection:
        write(connection, Change(schema.callback, []), Change(schema.recipient, [], key="id"))
        write(connection)
    assert rows(database, schema.callback) == []
