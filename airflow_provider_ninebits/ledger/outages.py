"""What an error of the database means for whoever uses the ledger."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, ProgrammingError

from airflow_provider_ninebits.ledger.engines import LOCK_TIMEOUT_SECONDS, STATEMENT_TIMEOUT_SECONDS
from airflow_provider_ninebits.ledger.errors import LedgerError, LedgerUnreachable, LedgerUnusable

# PostgreSQL's error codes.
_INSUFFICIENT_PRIVILEGE = "42501"
_EXPLANATIONS = {
    "57014": f"no answer within {STATEMENT_TIMEOUT_SECONDS} s: it is overloaded, or another session blocks it",
    "55P03": f"a lock was not to be had within {LOCK_TIMEOUT_SECONDS} s: another session holds it (see pg_locks)",
}


def ledger_error(error: Exception, masked_url: str) -> LedgerError:
    """
    Return the ledger's error for one of the database or its driver.

    :return: :class:`LedgerUnusable` where trying again does not help, else :class:`LedgerUnreachable`.
    """
    origin = getattr(error, "orig", None) or error
    code = getattr(origin, "sqlstate", None)
    words = _first_line(origin)
    if code == _INSUFFICIENT_PRIVILEGE:
        return LedgerUnusable(
            f"the user of the ledger at {masked_url} may not do what it has to ({words}): it must own the ledger's "
            "tables, and may create them at first (GRANT CREATE ON SCHEMA public TO it, or let it own the database)"
        )
    if isinstance(error, ProgrammingError) and code is None and _is_about_connecting(error):
        return LedgerUnusable(f"[ninebits] sql_alchemy_conn ({masked_url}) is not understood: {words}")
    explanation = _EXPLANATIONS.get(code or "")
    return LedgerUnreachable(masked_url, f"{explanation} ({words})" if explanation else words)


def is_of_driver(error: BaseException) -> bool:
    """
    Return whether an error is PostgreSQL's driver's own, for what is asked past SQLAlchemy.

    Not where two processes did the same at once: who asked knows what that means.
    """
    # By name: the driver is not there where every ledger is SQLite.
    names = {each.__name__ for each in type(error).__mro__ if each.__module__.partition(".")[0] == "psycopg"}
    return "Error" in names and "IntegrityError" not in names


def _is_about_connecting(error: DBAPIError) -> bool:
    # SQLAlchemy names the statement that failed; while connecting there is none.
    return error.statement is None


def _first_line(error: BaseException) -> str:
    """Return the database's own words, without the statement and its parameters, which hold phone numbers."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
