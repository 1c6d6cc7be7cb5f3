"""Recording what came of a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, or_, select

from airflow_provider_ninebits.ledger import notices, schema
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.columns import known_moment
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.driver import Query, ask
from airflow_provider_ninebits.ledger.errors import NoSuchMessage
from airflow_provider_ninebits.ledger.standing import changed_state, lock_messages, refresh_message_state
from airflow_provider_ninebits.ledger.states import MessageState, RequestState
from airflow_provider_ninebits.ledger.undoing import let_go_of_name, let_go_of_other_names, let_go_of_refused
from airflow_provider_ninebits.ledger.unmatched import waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

_request, _itself = schema.request.c, schema.request.alias("itself").c
# A request, the others of its message, and those that have its ref_id by another word than an answer.
_STANDING = Query(
    select(
        *(_request.id, _request.message_id, _request.state, _request.ref_id, _request.known_by, _request.started_at),
        *(schema.message.c.state, schema.message.c.recipients),
    )
    .join_from(schema.request, schema.message, schema.message.c.id == _request.message_id)
    .where(
        or_(
            _request.message_id
            == select(_itself.message_id).where(_itself.id == bindparam("request_id")).scalar_subquery(),
            (_request.ref_id == bindparam("name")) & _request.known_by.is_distinct_from("answer"),
        )
    )
)


@dataclass(frozen=True)
class Answer:
    """What came of a request; ``plan_again``: it was rate limited, and is to be made once more without asking."""

    state: RequestState
    ref_id: str | None = None
    status: int | None = None
    detail: str | None = None
    plan_again: bool = False


@dataclass(frozen=True)
class Recorded:
    """
    What the recording of an answer brought.

    :param state: the state of the request's message now.
    :param message_ids: the messages whose callbacks are to be tried again, by ``rematching.rematch``.
    :param ref_ids: those whose callbacks are: what is known now, and what is nobody's any more.
    """

    state: MessageState
    message_ids: frozenset[str]
    ref_ids: frozenset[str]


def settled_state(current: RequestState, reported: RequestState) -> RequestState:
    """
    Return a request's state after its answer.

    What is definite wins: an answer over a callback's evidence; evidence, or a person's word, over an uncertain answer.
    """
    if reported is RequestState.UNCERTAIN and current in (RequestState.ACCEPTED, RequestState.REFUSED):
        return current
    return reported


def record_answer(
    database: Database, request_id: int, answer: Answer, message_id: str | None = None, recipients: int = 0
) -> Recorded:
    """
    Record what came of a request. Recording the same answer again changes nothing.

    Callbacks that had shown something else are let go in the same transaction: a process that dies here leaves nothing
    behind that is not so. They, and those that waited for the answer, are matched by ``rematching.rematch``.

    :param message_id: the request's message, and how many recipients it has, where that is known.
    :raises NoSuchMessage: where a purge of unsettled messages took it meanwhile.
    """
    locked: frozenset[str] = frozenset() if message_id is None else frozenset({message_id})
    shared = answer.state is not RequestState.REFUSED
    while True:
        with database.writing() as connection:
            asked = _STANDING.asked(connection, request_id=request_id, name=answer.ref_id)
            if not locked:
                standing = _standing_of(ask(connection, asked)[0], request_id, answer.ref_id)
                locked, recipients = standing.message_ids, standing.recipients
            now, rows = lock_messages(
                connection, locked, answer.ref_id, recipients=recipients, shared=shared, asking=asked
            )
            standing = _standing_of(rows, request_id, answer.ref_id)
            if now is None or not (standing.message_ids - locked or (shared and standing.unsettled_by(answer))):
                return _record(connection, standing, answer, now or ledger_now(connection))
            # The ref_id is another request's by the word of a callback, say, whose message is not locked: again.
            locked, recipients = locked | standing.message_ids, standing.recipients
            shared = shared and not standing.unsettled_by(answer)


def _record(connection: Connection, standing: _Standing, answer: Answer, now: datetime) -> Recorded:
    change = _answered(standing.itself, answer, now)
    ref_ids = frozenset(ref_id for ref_id in (standing.itself.ref_id, answer.ref_id) if ref_id is not None)
    if standing.unsettled_by(answer):
        write(connection, change)
        return Recorded(_let_go(connection, standing, answer), standing.message_ids, ref_ids)
    # Acceptance alone changes no outcome, so there is no notice.
    state, of_message = standing.after(answer)
    # Asked while the locks are held: who comes after that knows of the answer.
    may_be_theirs = waiting(connection, ref_ids=ref_ids, message_ids=standing.message_ids, since=standing.began_at)
    (found,) = write(connection, change, of_message, asking=[may_be_theirs], last=True)
    return Recorded(state, standing.message_ids, ref_ids) if found else Recorded(state, frozenset(), frozenset())


class _Request(NamedTuple):
    """A request as it stands, and what its message has."""

    id: int
    message_id: str
    state: str
    ref_id: str | None
    known_by: str | None
    started_at: datetime | str
    message_state: str
    recipients: int


@dataclass(frozen=True)
class _Standing:
    """
    A request, and what an answer to it may concern.

    :param siblings: all requests of its message, itself included.
    :param adopters: the messages of those that have its ``ref_id`` by another word than an answer.
    """

    itself: _Request
    siblings: Sequence[_Request]
    adopters: Mapping[int, str]
    recipients: int

    @property
    def message_ids(self) -> frozenset[str]:
        """The messages whose callbacks the answer may concern."""
        return frozenset({self.itself.message_id, *self.adopters.values()})

    @property
    def began_at(self) -> datetime:
        """When the first request of its message began."""
        return min(known_moment(each.started_at) for each in self.siblings)

    def renamed_by(self, answer: Answer) -> bool:
        """Return whether an answer says another ``ref_id`` than the request was known by."""
        return answer.ref_id is not None and self.itself.ref_id not in (None, answer.ref_id)

    def unsettled_by(self, answer: Answer) -> bool:
        """Return whether an answer lets go of what callbacks have shown."""
        return bool(self.adopters) or answer.state is RequestState.REFUSED or self.renamed_by(answer)

    def after(self, answer: Answer) -> tuple[MessageState, Change]:
        """Return the message's state with an answer that lets go of no callback, and what is to be written of it."""
        states = [RequestState(each.state) for each in self.siblings if each is not self.itself]
        states.append(settled_state(RequestState(self.itself.state), answer.state))
        current = MessageState(self.itself.message_state)
        return changed_state(self.itself.message_id, current, states, plan_again=answer.plan_again)


def _standing_of(rows: Iterable[tuple[Any, ...]], request_id: int, ref_id: str | None) -> _Standing:
    """
    Return a request as rows of :data:`_STANDING` say.

    :raises NoSuchMessage: where the request is not there any more.
    """
    found = [_Request(*row) for row in rows]
    itself = next((each for each in found if each.id == request_id), None)
    if itself is None:
        raise NoSuchMessage(
            "the message is not in the ledger any more: a purge took it while its request was under way. "
            "What 9bits answered is in this log only"
        )
    others = [each for each in found if each is not itself]
    return _Standing(
        itself,
        [each for each in found if each.message_id == itself.message_id],
        {o.id: o.message_id for o in others if ref_id is not None and o.ref_id == ref_id and o.known_by != "answer"},
        max(each.recipients for each in found),
    )


def _answered(before: _Request, answer: Answer, now: datetime) -> Change:
    named = answer.state is not RequestState.UNCERTAIN
    row = {
        "id": before.id,
        "state": settled_state(RequestState(before.state), answer.state).value,
        "finished_at": now,
        "status": answer.status,
        "detail": answer.detail,
        "ref_id": answer.ref_id if named else before.ref_id,
        "known_by": "answer" if named else before.known_by,
    }
    return Change(schema.request, [row], key="id")


def _let_go(connection: Connection, standing: _Standing, answer: Answer) -> MessageState:
    """Let go of the callbacks that had shown something else, and return the message's state."""
    request_id, message_id = standing.itself.id, standing.itself.message_id
    for adopter_id, adopters_message_id in standing.adopters.items():
        let_go_of_name(connection, adopters_message_id, adopter_id)
    if answer.state is RequestState.REFUSED:
        let_go_of_refused(connection, message_id, [request_id])
    elif answer.ref_id is not None and standing.renamed_by(answer):
        let_go_of_other_names(connection, message_id, request_id, answer.ref_id)
    # A ref_id means something else now, or callbacks are let go.
    notices.changed(connection, standing.message_ids)
    return refresh_message_state(connection, message_id, plan_again=answer.plan_again)
