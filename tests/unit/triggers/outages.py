"""An outage of a real ledger: its tables are there, but not under their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ninebits.ledger.database import Database


def take_away(ledger: Database) -> None:
    with ledger.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE ninebits_message RENAME TO taken_away")


def give_back(ledger: Database) -> None:
    with ledger.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE taken_away RENAME TO ninebits_message")
