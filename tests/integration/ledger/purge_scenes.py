"""What the tests of purging play: time that passes, messages that are settled, and where numbers are left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.purging import Policy, Purged, purge
from airflow_provider_ninebits.ledger.retention import Windows
from tests.integration.ledger.scenes import ADA, BEN, CAI, WINDOW, Request, a_call, a_plan, arrive, claimed, plan, rows

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

MESSAGES, RECIPIENTS = 24, 1000
OLD = timedelta(days=90)
WINDOWS = Windows(match=WINDOW, attempt=timedelta())
NUMBERS = (ADA, BEN, CAI)
TIMES = {
    schema.task: ("seen_at",),
    schema.send: ("created_at",),
    schema.message: ("created_at", "last_callback_at", "lease_expires_at"),
    schema.request: ("started_at", "finished_at"),
    schema.recipient: ("started_at", "answered_at", "ended_at", "last_callback_at"),
    schema.callback: ("received_at", "started_at", "answered_at", "ended_at"),
    schema.receiver: ("started_at", "up_since", "heartbeat_at"),
    schema.alert: ("rang_at", "begun_at", "claimed_until", "held_back_at", "seen_at"),
    schema.escalation: ("created_at",),
}


def let_pass(database: Database, time: timedelta) -> None:
    """Let time pass: everything that the ledger holds becomes so much older."""
    for table, columns in TIMES.items():
        for found in rows(database, table):
            values = {name: found[name] - time for name in columns if found[name] is not None}
            key = next(iter(table.primary_key.columns))
            if not values:
                continue
            with database.writing() as connection:
                connection.execute(update(table).where(key == found[key.name]).values(values))


def purged(database: Database, older_than: timedelta = OLD, *, dry_run: bool = False, **policy: Any) -> Purged:
    return purge(database, Policy(older_than, WINDOWS, **policy), dry_run=dry_run, pause=lambda _: None)


def settled(database: Database, ref_id: str, *numbers: str, key: str | None = None) -> Request:
    """A message whose recipients have answered."""
    part = plan(database, a_plan(numbers or (ADA,), key=key)).parts[0]
    request = claimed(database, part.message_id)
    request.answered("accepted", ref_id)
    calls = [a_call(number, ref_id=ref_id, identity=f"{ref_id} {number}", amount="30") for number in numbers or (ADA,)]
    arrive(database, *calls)
    return request


def everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    return {table.name: rows(database, table) for table in TIMES}


def holding_a_number(database: Database) -> list[str]:
    """The columns of the whole ledger in which one of the numbers stands."""
    return sorted(
        {
            f"{table.name}.{name}"
            for table in schema.metadata.tables.values()
            for found in rows(database, table)
            for name, value in found.items()
            for number in NUMBERS
            if number in (value.decode() if isinstance(value, bytes) else str(value))
        }
    )


def number_of(key: int) -> str:
    """The number of a recipient that :func:`fill` makes."""
    return str(2348020000000 + key)


def fill(connection: Connection, messages: int = MESSAGES) -> None:
    """Put old and settled messages into a ledger, some rows to a statement."""
    old = datetime.now(UTC) - OLD - timedelta(days=1)
    for place in range(messages):
        _fill_message(connection, place, old)
        _fill_calls(connection, place, old)
    if connection.dialect.name == "postgresql":
        # The ids were given: the next ones come after them.
        connection.exec_driver_sql("SELECT setval('ninebits_recipient_id_seq', 1000000)")


def _fill_message(connection: Connection, place: int, old: datetime) -> None:
    connection.execute(
        insert(schema.send).values(id=f"s{place}", idempotency_key=f"k{place}", deployment="default", created_at=old)
    )
    connection.execute(
        insert(schema.message).values(
            id=f"m{place}",
            send_id=f"s{place}",
            part=0,
            conn_id="ninebits",
            media_url="https://media.test/a.mp3",
            state="accepted",
            recipients=RECIPIENTS,
            answered=RECIPIENTS,
            last_callback_at=old,
            created_at=old,
        )
    )
    connection.execute(
        insert(schema.request).values(
            message_id=f"m{place}", conn_id="ninebits", state="accepted", ref_id=f"r{place}", started_at=old
        )
    )


def _fill_calls(connection: Connection, place: int, old: datetime) -> None:
    ids: dict[str, Any] = {"send_id": f"s{place}", "message_id": f"m{place}"}
    first = 1 + place * RECIPIENTS
    numbers = [(key, number_of(key)) for key in range(first, first + RECIPIENTS)]
    connection.execute(
        insert(schema.recipient),
        [{"id": key, "number": number, "state": "answered", "attempts": 1, **ids} for key, number in numbers],
    )
    connection.execute(
        insert(schema.callback),
        [
            {
                "received_at": old,
                "kind": "call",
                "raw": b"{}" + number.encode(),
                "identity": f"i{key}",
                "number": number,
                "match_state": "matched",
                "recipient_id": key,
            }
            for key, number in numbers
        ],
    )
