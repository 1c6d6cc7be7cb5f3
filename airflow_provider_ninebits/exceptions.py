"""
The errors that a task can raise.

Each class is there for another reaction of Airflow, or of whoever reads the log::

    AirflowException
    ├── SendFailed                 9bits took nothing; nobody was rung. A retry sends
    │   └── SendStopped            the task was told to stop between two parts; a retry goes on there
    └── AirflowFailException       a retry would not help, so there is none; ``soft_fail`` skips in each mode
        ├── MessageUncertain       nobody knows whether phones rang: a person says, or ``on_uncertain`` does
        ├── OpeningTooLate         the calling hours open too late; clearing the task later sends the rest
        ├── CallsUnanswered        the calls were made, and not answered as ``fail_on_unanswered`` wants it
        │   └── NobodyAnswered     every contact of an escalation was rung, and nobody has answered
        ├── UnknownRefId           the wait can never end: this ledger has not seen the ``ref_id``
        ├── KeyReused              the idempotency key stands for another send
        └── InvalidArgument        what was given cannot be sent or waited for (a ``ValueError`` too)
    RuntimeError
    └── LedgerUnavailable          an outage: retried, and never skipped

An outage is no AirflowException: ``soft_fail`` turns any of those into a skip when a deferred task is
resumed, and a database that is down must not look like people who did not pick up.

All keep what they were built from in ``args``, so that they survive being pickled between processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "CallsUnanswered",
    "InvalidArgument",
    "KeyReused",
    "LedgerUnavailable",
    "MessageUncertain",
    "NobodyAnswered",
    "OpeningTooLate",
    "SendFailed",
    "SendStopped",
    "UnknownRefId",
]


class SendFailed(AirflowException):
    """
    9bits refused the message, or was never reached: nothing was placed, nobody was rung.

    The task's next retry sends it; parts that were accepted before are not sent again.

    :param problem: what happened, to which message; masked
    :param status: the HTTP status, or None where no answer came
    """

    def __init__(self, problem: str, status: int | None = None) -> None:
        super().__init__(problem, status)
        self.problem = problem
        self.status = status

    def __str__(self) -> str:
        return self.problem


class SendStopped(SendFailed):
    """The task was told to stop; what was sent before is recorded, a retry sends the rest."""


class MessageUncertain(AirflowFailException):
    """
    A request was written and its answer is not known: phones may have rung.

    Not retried, since that could ring them twice. Clearing the task goes on where it stopped, once somebody
    has said what happened.

    :param message_ids: the ledger's ids of the messages in doubt
    :param problem: what happened to them
    """

    def __init__(self, message_ids: Sequence[str], problem: str = "no clear answer came to the request") -> None:
        super().__init__(tuple(message_ids), problem)
        self.message_ids = tuple(message_ids)
        self.problem = problem

    def __str__(self) -> str:
        ids = ", ".join(self.message_ids)
        return (
            f"It is uncertain whether 9bits placed the calls of message {ids}: {self.problem}. "
            "Find out whether the phones rang, and say so for each message: "
            "`ninebits messages resolve ID --placed [--ref-id REF]` or `ninebits messages resolve ID "
            "--not-placed`; then clear the task. on_uncertain can decide without a person."
        )


class OpeningTooLate(AirflowFailException):
    """
    The calling hours are over, and open again later than ``opening_timeout`` allows: nobody is rung at night.

    Not retried, since a retry would count that time anew. What was sent before stays sent; clearing the task sends the
    rest, in its hours.

    :param recipients: how many were not rung
    :param hours: the calling hours
    :param opens_at: when they open next, in ISO 8601; None: not within two weeks
    :param limit: until when they had to, in ISO 8601; None: whenever they do
    """

    def __init__(self, recipients: int, hours: str, opens_at: str | None, limit: str | None) -> None:
        super().__init__(recipients, hours, opens_at, limit)
        self.recipients = recipients
        self.hours = hours
        self.opens_at = opens_at
        self.limit = limit

    def __str__(self) -> str:
        when = "do not open within two weeks" if self.opens_at is None else f"open next at {self.opens_at}"
        too_late = "" if self.limit is None else f"; opening_timeout allows until {self.limit}"
        return (
            f"Recipients not rung: {self.recipients}. Their calling hours ({self.hours}) are over, and {when}"
            f"{too_late}. If they are still to be rung, clear the task: it sends to these alone, in their hours, with "
            "the opening_timeout that it then has; or give it other calling_hours first."
        )


class CallsUnanswered(AirflowFailException):
    """
    The calls were made, and ``fail_on_unanswered`` says that this outcome is a failure.

    Not retried: waiting again finds the same outcome.

    :param outcome: the outcome's JSON; ``calls`` is left out, since numbers do not belong in a log
    """

    def __init__(self, outcome: Mapping[str, Any]) -> None:
        self.outcome = {name: value for name, value in outcome.items() if name not in ("calls", "calls_truncated")}
        super().__init__(self.outcome)

    @property
    def counts(self) -> str:
        """How many recipients are in which state, in words."""
        counts = ", ".join(
            f"{self.outcome[state]} {state}"
            for state in ("answered", "unanswered", "failed", "pending")
            if self.outcome.get(state) is not None
        )
        return (
            f"Of {self.outcome.get('recipients')} recipients of {', '.join(self.outcome.get('ref_ids', ()))}: {counts}"
        )

    def __str__(self) -> str:
        return (
            f"{self.counts}. fail_on_unanswered makes that a failure; the outcome in full is in the ledger "
            "(NineBitsHook().outcome(ref_id))."
        )


class NobodyAnswered(CallsUnanswered):
    """
    Every contact of an escalation was rung as often as it says, and nobody has answered.

    Not retried. Clearing the task begins anew with the first contact.
    """

    def __str__(self) -> str:
        return (
            f"{self.counts}. Nobody answered: look after it yourself. Clearing the task rings the first contact again; "
            "the outcome is in XCom 'outcome'."
        )


class UnknownRefId(AirflowFailException):
    """
    The ledger has never seen the ``ref_id``, or has purged it, so no callback will ever settle the wait.

    Every send is recorded before its ``ref_id`` leaves the task that sent it. So if the ledger has never seen it,
    the ledger is the wrong one.

    :param ref_ids: what was waited for
    :param masked_url: the ledger that was looked into, without its password
    :param problem: how it is known, where it is not that the ledger has never seen it
    :param advice: what to do then
    """

    def __init__(
        self,
        ref_ids: Sequence[str],
        masked_url: str,
        problem: str = "has never been seen by this ledger",
        advice: str = "It was sent through another ledger: a SQLite file on another machine, mostly. Set [ninebits] "
        "sql_alchemy_conn (AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN) to one database for every worker, triggerer and "
        "receiver.",
    ) -> None:
        super().__init__(tuple(ref_ids), masked_url, problem, advice)
        self.ref_ids = tuple(ref_ids)
        self.masked_url = masked_url
        self.problem = problem
        self.advice = advice

    @classmethod
    def told(cls, unknown_ref_ids: Sequence[str], purged_ref_ids: Sequence[str], masked_url: str) -> UnknownRefId:
        """
        Return the error for what a look has not found.

        :param purged_ref_ids: those of them that were purged: they are named alone, since waiting does not help them
        """
        if not purged_ref_ids:
            return cls(unknown_ref_ids, masked_url)
        return cls(
            purged_ref_ids,
            masked_url,
            "was purged from this ledger",
            "What became of its calls is not known here any more. If somebody still waits for it, keep more days: "
            "`ninebits purge --older-than-days`.",
        )

    def __str__(self) -> str:
        return f"ref_id {', '.join(self.ref_ids)} {self.problem} ({self.masked_url}). {self.advice}"


class KeyReused(AirflowFailException):
    """The key stands for a send to other numbers, of other media, or purged half sent; nothing was sent."""


class InvalidArgument(AirflowFailException, ValueError):
    """What was given cannot be sent or waited for; nothing was sent. A retry would be given the same."""


class LedgerUnavailable(RuntimeError):
    """
    The ledger cannot be read or written from here: an outage.

    The task fails in every mode, and its retries try again.

    :param masked_url: the ledger, without its password; empty: not even that is known
    :param problem: the database's own words, without the URL
    :param advice: what to look at, where it is not whether the database is up
    """

    def __init__(
        self,
        masked_url: str,
        problem: str,
        advice: str = "Is its database up, and does [ninebits] sql_alchemy_conn "
        "(AIRFLOW__NINEBITS__SQL_ALCHEMY_CONN) name one that this machine reaches?",
    ) -> None:
        super().__init__(masked_url, problem, advice)
        self.masked_url = masked_url
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        where = f" at {self.masked_url}" if self.masked_url else ""
        return f"The ledger{where} cannot be used from here: {self.problem}. {self.advice}"
