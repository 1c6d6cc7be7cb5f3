"""Where a message stands: its locks, and the state that its requests make of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.database import LOCKS, locks_of
from airflow_provider_ninebits.ledger.driver import Query, ask
from airflow_provider_ninebits.ledger.list_parameters import among
from airflow_provider_ninebits.ledger.states import MessageState, RequestState, message_state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.driver import BoundStatement


_message, _request, _recipient = schema.message.c, schema.request.c, schema.recipient.c
# Made once: to build a statement takes longer than to run it.
_NUMBERS = Query(select(_recipient.number).where(among(_recipient.message_id, "message_ids")).limit(LOCKS))
_LOCK_ROWS = Query(select(_message.id).where(among(_message.id, "message_ids")).order_by(_message.id).with_for_update())
_STATES = Query(
    select(_message.state.label("message"), _request.state.label("request"))
    .outerjoin_from(schema.message, schema.request, _request.message_id == _message.id)
    .where(_message.id == bindparam("message_id"))
)
_ENDED = (MessageState.REPLACED, MessageState.PURGED)
_HELD = (MessageState.SENDING, MessageState.ACCEPTED)


class Locked(NamedTuple):
    """
    What was found when messages were locked.

    :param at: the time on the ledger's clock, when what was read before may have changed; None: it has not, on SQLite,
        whose transaction had the one lock.
    :param rows: of what was asked then.
    """

    at: datetime | None
    rows: list[tuple[Any, ...]]


def lock_messages(
    connection: Connection,
    message_ids: Iterable[str],
    ref_id: str | None = None,
    *,
    recipients: int = 0,
    shared: bool = False,
    asking: BoundStatement | None = None,
) -> Locked:
    """
    Make this transaction the only one that changes these messages' requests, or matches callbacks of their numbers.

    Without the numbers, a callback that is matched at this moment would look at what the requests were, and overwrite
    what they become.

    :param ref_id: one that is about to be given to a request: until then no callback may bring it to another.
    :param recipients: how many one of them has; with as many as there are locks none of their numbers is read.
    :param asking: what is asked when they are had; PostgreSQL is told all at once.
    :param shared: for who changes nothing but requests and messages, each under its message's row: such as these need
        not wait for each other, only callbacks for them.
    """
    then = () if asking is None else (asking,)
    if connection.dialect.name == "sqlite":
        return Locked(None, *ask(connection, *then) or [[]])
    which = sorted(set(message_ids))
    names: set[str] | None = None
    if recipients < LOCKS:
        numbers = [number for (number,) in _NUMBERS.rows(connection, message_ids=which)]
        # That many numbers have nearly all of the locks, and a whole part's need not be read for the rest.
        names = None if len(numbers) == LOCKS else {*numbers, *([] if ref_id is None else [ref_id])}
    locks = (*locks_of(names, shared=shared), _LOCK_ROWS.asked(connection, message_ids=which))
    answers = ask(connection, *locks, *then)
    ((locked_at,),) = answers[len(locks) - 2]
    return Locked(locked_at.astimezone(UTC), *answers[len(locks) :] or [[]])


def lock_message_rows(connection: Connection, message_ids: Iterable[str]) -> None:
    """
    Lock the rows of messages, in the one order in which everybody does, and before their requests.

    Whoever changes the requests of a message, or reads them to decide on a change, holds its row: two answers for one
    message would else miss each other, and two callbacks could bring one request two names.
    """
    _LOCK_ROWS.rows(connection, message_ids=sorted(set(message_ids)))


def refresh_message_state(connection: Connection, message_id: str, *, plan_again: bool = False) -> MessageState:
    """Set a message's state to what its requests make of it, and return it."""
    rows = _STATES.rows(connection, message_id=message_id)
    requests = [RequestState(request) for _, request in rows if request is not None]
    state, change = changed_state(message_id, MessageState(rows[0][0]), requests, plan_again=plan_again)
    write(connection, change)
    return state


def changed_state(
    message_id: str, current: MessageState, requests: Iterable[RequestState], *, plan_again: bool
) -> tuple[MessageState, Change]:
    """
    Return the state that its requests make of a message, and what is to be written of it. Pure.

    :param current: the state that it has.
    :param plan_again: whether it is ``planned`` where all were refused: the last one was rate limited.
    """
    if current in _ENDED:
        # Its numbers are in another part, or gone: sent again from here, they would ring twice, or nobody knows whom.
        return current, Change(schema.message, ())
    state = message_state(requests)
    if plan_again and state is MessageState.REFUSED:
        state = MessageState.PLANNED
    # Accepted by evidence it keeps its lease: should the evidence turn out another's, its sender is at work still.
    lease: dict[str, Any] = {} if state in _HELD else {"lease_expires_at": None}
    row = {"id": message_id, "state": state.value, "revision": 1, **lease}
    return state, Change(schema.message, [row], key="id", adding=("revision",))
