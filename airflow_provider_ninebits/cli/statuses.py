"""The exit statuses, and which of them an error has."""

from __future__ import annotations

from typing import Final

GOOD: Final = 0
BAD: Final = 1
"""The answer is bad: not everybody answered, a message was refused, is in doubt or under way, a person said no."""
USAGE: Final = 2
NOT_FOUND: Final = 3
UNREACHABLE: Final = 4
"""The ledger or 9bits."""
INTERRUPTED: Final = 130
"""What a shell shows of a process that Ctrl-C has ended."""
PIPE_CLOSED: Final = 141
"""What it shows of one that wrote to a pipe which nobody reads any more."""


def status_of(error: Exception) -> int | None:
    """Return the exit status of an error that people are told in a sentence; None: it is a bug, with a traceback."""
    from airflow_provider_ninebits.exceptions import (
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

    match error:
        case NoSuchMessage() | NoSuchCallback() | UnknownRefId():
            return NOT_FOUND
        case LedgerUnreachable():
            return UNREACHABLE
        case LedgerUnavailable():
            return USAGE if isinstance(error.__cause__, LedgerUnusable) else UNREACHABLE
        case SendFailed():
            return _status_of_failed(error.__cause__)
        case MessageUncertain() | SendBusy():
            return BAD
        case KeyReused() | LedgerUnusable() | ValueError():
            return USAGE
    return None


def _status_of_failed(cause: BaseException | None) -> int:
    """Return the status of a send of which nothing was placed."""
    from airflow_provider_ninebits.api.errors import NotConnected

    if isinstance(cause, NotConnected):
        return UNREACHABLE
    # Without access to a file of numbers nothing was asked of 9bits: the option names what is not there.
    return USAGE if isinstance(cause, OSError) else BAD
