"""An outage of the ledger, told as the error that a task raises for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_ninebits.exceptions import LedgerUnavailable
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.engines import PATIENT_SECONDS
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable, LedgerUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator


def opened_ledger(sql_alchemy_conn: str) -> Database:
    """
    Return the ledger's database, which is opened at its first use.

    :raises LedgerUnavailable: for a URL that no ledger can have.
    """
    try:
        # A send may have more threads than connections: while the ledger is slow they wait, and do not fail.
        return Database(sql_alchemy_conn, pool_timeout_seconds=PATIENT_SECONDS)
    except LedgerUnusable as error:
        raise _unavailable(error, masked_url(sql_alchemy_conn)) from error


@contextmanager
def ledger_errors(database: Database) -> Iterator[None]:
    """Tell an outage of the ledger as the error that a task raises for it."""
    try:
        yield
    except (LedgerUnreachable, LedgerUnusable) as error:
        raise _unavailable(error, database.masked_url) from error


def masked_url(url: str) -> str:
    """
    Return a database URL that may be logged and shown.

    :param url: a SQLAlchemy URL
    :return: the same with ``***`` for its password, in the authority or in the query; what is no URL is
        masked whole, since the password may be anywhere in it
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return "***"
    if "@" in (parsed.host or ""):
        # An @ that is not escaped: a part of the password is taken for the host.
        return "***"
    # libpq takes `?password=` and `?sslpassword=` as well.
    secrets = {name: "***" for name in parsed.query if "password" in name.lower()}
    return parsed.update_query_dict(secrets).render_as_string().replace("=%2A%2A%2A", "=***")


def _unavailable(error: LedgerUnreachable | LedgerUnusable, masked_url: str) -> LedgerUnavailable:
    """Return the task's error for one of the ledger's."""
    if isinstance(error, LedgerUnusable):
        return LedgerUnavailable(masked_url, str(error), "Trying again does not help before that is mended.")
    return LedgerUnavailable(masked_url, error.cause)
