"""The callbacks that somebody sends to see whether they arrive: found, and taken out again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, literal_column, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now, lock_numbers

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

TRIAL_NUMBER = "999000009000000"
"""Country code 999 is nobody's: no send takes this number, so no callback with it finds a recipient."""
LEFT_BEHIND = timedelta(minutes=10)
"""A trial that is older was left by whoever gave up waiting for it."""

_callback = schema.callback.c
# Written out: bound, it would not be known to be what the index of these numbers is for.
_OURS = (_callback.number == TRIAL_NUMBER) & (_callback.match_state == literal_column("'unmatched'"))


def has_arrived(database: Database, ref_id: str) -> bool:
    """
    Return whether a trial is in this ledger.

    :param ref_id: its own.
    """
    with database.reading() as connection:
        return connection.execute(select(_callback.id).where(_OURS, _callback.ref_id == ref_id)).first() is not None


def take_out(database: Database, ref_id: str) -> int:
    """
    Delete a trial, and those that were left behind, so that nobody takes them for callbacks that settled nobody.

    :return: how many went.
    """
    with database.writing() as connection:
        gone = _delete(connection, ref_id)
    return gone


def _delete(connection: Connection, ref_id: str) -> int:
    # Whoever matches them now is done first.
    lock_numbers(connection, {TRIAL_NUMBER, ref_id})
    old = _callback.received_at < ledger_now(connection) - LEFT_BEHIND
    return connection.execute(delete(schema.callback).where(_OURS, (_callback.ref_id == ref_id) | old)).rowcount
