"""
What can go wrong with the ledger.

::

    LedgerError
    ├── LedgerUnreachable   the database does not answer or cannot take a write: try again
    ├── LedgerUnusable      a wrong URL, a missing driver, a schema newer than this code: somebody has to mend it
    ├── KeyInUse            an idempotency key that the ledger holds for another send
    ├── PlanRefused         more recipients than were meant, or none: what was given has to change
    ├── SendBusy            another process is sending the same: try again
    ├── NoSuchMessage       a message id that the ledger does not hold
    └── NoSuchCallback      a callback id that the ledger does not hold
"""

from __future__ import annotations


class LedgerError(Exception):
    """Base of all errors of the ledger."""


class LedgerUnreachable(LedgerError):
    """
    The database did not answer, or could not take the write.

    :param masked_url: where it was looked for, without password.
    :param cause: the database's own words.
    """

    def __init__(self, masked_url: str, cause: str) -> None:
        super().__init__(masked_url, cause)
        self.masked_url = masked_url
        self.cause = cause

    def __str__(self) -> str:
        return (
            f"the ledger at {self.masked_url} cannot be used from here ({self.cause}); "
            "check that it runs and that [ninebits] sql_alchemy_conn is right on this machine"
        )


class LedgerUnusable(LedgerError):
    """The ledger as it is configured cannot be used; trying again does not help."""


class KeyInUse(LedgerError):
    """The idempotency key belongs to a send with other numbers or other media."""


class PlanRefused(LedgerError):
    """What was given is not planned: nobody would be rung, or more than were meant. Nothing was recorded."""


class SendBusy(LedgerError):
    """Another process is sending the same parts; trying again later helps."""


class NoSuchMessage(LedgerError):
    """No message of the ledger has this id."""


class NoSuchCallback(LedgerError):
    """No callback of the ledger has this id."""
