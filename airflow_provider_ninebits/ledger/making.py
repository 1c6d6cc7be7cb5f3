"""Whether a ledger that has no tables yet could be made here. Nothing is left of the trial."""

from __future__ import annotations

import secrets
import tempfile
from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, MetaData, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.schema import CreateTable

from airflow_provider_ninebits.ledger.engines import checked_folder, new_engine
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable
from airflow_provider_ninebits.ledger.outages import ledger_error

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from airflow_provider_ninebits.ledger.database import Database

_PROBE_BYTES = 65536


def probe_making(database: Database) -> None:
    """
    Try whether the tables could be made, where there are none.

    :raises LedgerUnreachable: when they could not.
    :raises LedgerUnusable: when the folder is not there, or the user may make no tables.
    """
    if database.is_sqlite and not database.has_file():
        _probe_folder(database.url, database.masked_url)
    else:
        _probe_table(database)


def _probe_folder(url: URL, masked_url: str) -> None:
    folder = checked_folder(url)
    try:
        # Not os.access: it tells nothing of a file system that takes no files, and lets root pass.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(secrets.token_bytes(_PROBE_BYTES))
            probe.flush()
    except OSError as error:
        raise LedgerUnreachable(masked_url, f"its folder {folder} takes no new file ({error.strerror})") from error


def _probe_table(database: Database) -> None:
    probe = Table(f"ninebits_probe_{secrets.token_hex(8)}", MetaData(), Column("id", Integer))
    engine = new_engine(database.url)
    try:
        with engine.connect() as connection:
            if database.is_sqlite:
                # Else each statement would be committed by itself.
                connection.execute(text("BEGIN IMMEDIATE"))
            connection.execute(CreateTable(probe))
            connection.rollback()
    except (DBAPIError, PoolTimeout) as error:
        raise ledger_error(error, database.masked_url) from error
    finally:
        engine.dispose()
