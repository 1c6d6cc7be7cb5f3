"""Which exit status an error has: scripts go by it."""

from __future__ import annotations

import pytest

from airflow_provider_ninebits.api.errors import AuthenticationFailed, NotConnected, RateLimited
from airflow_provider_ninebits.cli.statuses import BAD, NOT_FOUND, UNREACHABLE, USAGE, status_of
from airflow_provider_ninebits.configuration import DEPLOYMENT, InvalidOption
from airflow_provider_ninebits.exceptions import (
    InvalidArgument,
    KeyReused,
    LedgerUnavailable,
    MessageUncertain,
    SendFailed,
    UnknownRefId,
)
from airflow_provider_ninebits.ledger.errors import (
    LedgerUnreachable,
    LedgerUnusable,
    NoSuchCallback,
    NoSuchMessage,
    SendBusy,
)


def because(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MessageUncertain(["m"]), BAD),
        (SendBusy("it is being sent"), BAD),
        (SendFailed("planned anew by another try"), BAD),
        (because(SendFailed("refused", 401), AuthenticationFailed("no", 401)), BAD),
        (because(SendFailed("later", 429), RateLimited("later")), BAD),
        (because(SendFailed("busy"), SendBusy("busy")), BAD),
        (because(SendFailed("no such file"), FileNotFoundError("numbers.txt")), USAGE),
        (because(SendFailed("not connected"), NotConnected("refused the connection")), UNREACHABLE),
        (InvalidArgument("a bad number"), USAGE),
        (KeyReused("another send"), USAGE),
        (InvalidOption(DEPLOYMENT, "is empty"), USAGE),
        (LedgerUnusable("a wrong URL"), USAGE),
        (because(LedgerUnavailable("sqlite://", "a wrong URL"), LedgerUnusable("a wrong URL")), USAGE),
        (because(LedgerUnavailable("sqlite://", "down"), LedgerUnreachable("sqlite://", "down")), UNREACHABLE),
        (LedgerUnreachable("sqlite://", "down"), UNREACHABLE),
        (NoSuchMessage("m"), NOT_FOUND),
        (NoSuchCallback("1"), NOT_FOUND),
        (UnknownRefId(["r"], "sqlite://"), NOT_FOUND),
    ],
)
def test_what_people_are_told_has_a_status(error: Exception, status: int) -> None:
    assert status_of(error) == status


@pytest.mark.parametrize("bug", [KeyError("x"), TypeError("x"), AttributeError("x"), RuntimeError("x")])
def test_a_bug_has_none(bug: Exception) -> None:
    assert status_of(bug) is None
