"""The calls of one message, page by page, with the callbacks that told of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.dead_letters import KeptCallback, kept_callback, kept_callbacks
from airflow_provider_ninebits.ledger.outcome import CallOutcome
from airflow_provider_ninebits.ledger.outcomes import call_outcome

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.states import RecipientState

CALLBACKS = 500
"""How many callbacks are shown with one page of calls, at most."""

_recipient, _callback = schema.recipient.c, schema.callback.c


@dataclass(frozen=True)
class Call:
    """A recipient, what became of it, and its callbacks, oldest first: one for each attempt."""

    outcome: CallOutcome
    callbacks: tuple[KeptCallback, ...]


@dataclass(frozen=True)
class CallPage:
    """
    A page of a message's calls, in the order in which their numbers were given.

    :param after: where the next one begins; None: there is none.
    """

    calls: tuple[Call, ...]
    after: int | None


def read_calls(
    connection: Connection,
    message_id: str,
    *,
    state: RecipientState | None = None,
    after: int | None = None,
    limit: int = 100,
) -> CallPage:
    """
    Return a page of a message's calls.

    :param state: only those in this state; None: all of them.
    :param after: the key that the page before gave; None: from the first on.
    """
    statement = select(schema.recipient).where(_recipient.message_id == message_id)
    if state is not None:
        statement = statement.where(_recipient.state == state)
    # Sorted here: a message has a thousand at most, and told to sort, a database may read all others in their order.
    rows = sorted(connection.execute(statement).all(), key=lambda row: row.id)
    rows = [row for row in rows if after is None or row.id > after]
    callbacks = _callbacks_of(connection, [row.id for row in rows[:limit]])
    calls = tuple(Call(call_outcome(row), tuple(callbacks.get(row.id, ()))) for row in rows[:limit])
    return CallPage(calls, rows[limit - 1].id if len(rows) > limit else None)


def answers_of(connection: Connection, message_id: str) -> list[KeptCallback]:
    """Return the API answers that came back about a message's requests, oldest first."""
    asked = select(schema.request.c.id).where(schema.request.c.message_id == message_id)
    return _kept(connection, _callback.request_id.in_(asked) & _callback.recipient_id.is_(None))


def _callbacks_of(connection: Connection, recipient_ids: list[int]) -> dict[int, list[KeptCallback]]:
    found = defaultdict(list)
    if recipient_ids:
        rows = connection.execute(_read(_callback.recipient_id.in_(recipient_ids))).all()
        for row in rows:
            found[row.recipient_id].append(kept_callback(row))
    return found


def _kept(connection: Connection, condition: ColumnElement[bool]) -> list[KeptCallback]:
    return [kept_callback(row) for row in connection.execute(_read(condition))]


def _read(condition: ColumnElement[bool]) -> Any:
    return kept_callbacks().where(condition).order_by(_callback.id).limit(CALLBACKS)
