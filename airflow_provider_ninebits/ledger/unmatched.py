"""Which callbacks are tried again, when something became known that may make them somebody's."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, exists, literal_column, or_, select, tuple_, union_all

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callback_table import is_dead_letter
from airflow_provider_ninebits.ledger.columns import UtcDateTime
from airflow_provider_ninebits.ledger.driver import Query
from airflow_provider_ninebits.ledger.entries import request_facts
from airflow_provider_ninebits.ledger.list_parameters import among, among_found
from airflow_provider_ninebits.ledger.states import RequestState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import timedelta

    from sqlalchemy import Select
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.driver import BoundStatement

_callback, _recipient, _request = schema.callback.c, schema.recipient.c, schema.request.c
_UNMATCHED = select(_callback.id).where(_callback.match_state == literal_column("'unmatched'"))
_WITH_REFS = _UNMATCHED.where(among(_callback.ref_id, "ref_ids"))
_OF_NUMBERS = Query(_UNMATCHED.where(among(_callback.number, "numbers")))
_OF_MESSAGES = _UNMATCHED.where(
    among_found(_callback.number, select(_recipient.number).where(among(_recipient.message_id, "message_ids")))
)
# In the order of the index of those few: by their ids SQLite read all callbacks there are.
_HOPEFUL = (
    _UNMATCHED.add_columns(_callback.received_at)
    .where(
        is_dead_letter,
        tuple_(_callback.received_at, _callback.id)
        > tuple_(bindparam("after", type_=UtcDateTime()), bindparam("after_id")),
        or_(
            exists().where(_recipient.number == _callback.number),
            (_callback.kind == literal_column("'answer'")) & exists().where(_request.ref_id == _callback.ref_id),
        ),
    )
    .order_by(_callback.received_at, _callback.id)
)
_MOST_ANSWERS = 100
# An id that no callback has stands for answers that wait until one request alone can adopt them.
_ANSWERS_WAIT = 0
_SOME_ANSWER: Select[Any] = select(literal_column(str(_ANSWERS_WAIT))).where(
    exists().where(_callback.match_state == literal_column("'unmatched'"), _callback.kind == literal_column("'answer'"))
)
_BY_ANSWER = Query(
    union_all(
        _WITH_REFS,
        _OF_MESSAGES,
        _SOME_ANSWER,
    )
)


# From the callbacks that came lately, which are fewer than a part's thousand numbers.
_LATELY = Query(
    union_all(
        _UNMATCHED.where(
            is_dead_letter,
            _callback.received_at >= bindparam("since"),
            or_(
                among(_callback.ref_id, "ref_ids"),
                exists().where(among(_recipient.message_id, "message_ids"), _recipient.number == _callback.number),
            ),
        ),
        _SOME_ANSWER,
    )
)


class Place(NamedTuple):
    """Where a callback stands among those that wait, in the order in which they came."""

    received_at: datetime
    callback_id: int


FIRST = Place(datetime.min.replace(tzinfo=UTC), 0)
"""Before all of them."""


def unmatched_ids(
    connection: Connection,
    *,
    window: timedelta,
    ref_ids: Collection[str] = (),
    message_ids: Collection[str] = (),
    numbers: Collection[str] = (),
) -> list[int]:
    """
    Return the unmatched callbacks that may be somebody's now.

    :param ref_ids: those that are known now.
    :param message_ids: messages of whose requests something became known.
    :param numbers: numbers whose recipients changed.
    """
    ids: set[int] = set()
    if numbers:
        ids.update(row[0] for row in _OF_NUMBERS.rows(connection, numbers=numbers))
    if ref_ids or message_ids:
        ids.update(row[0] for row in _BY_ANSWER.rows(connection, ref_ids=ref_ids, message_ids=message_ids))
        if _ANSWERS_WAIT in ids:
            ids.remove(_ANSWERS_WAIT)
            ids.update(answers_for_one_request(connection, window))
    return sorted(ids)


def waiting(
    connection: Connection, *, ref_ids: Collection[str], message_ids: Collection[str], since: datetime
) -> BoundStatement:
    """
    Return what has rows where an unmatched callback may be one of :func:`unmatched_ids`; mostly there is none.

    :param since: those that came before are none of these messages': no request of theirs had begun.
    """
    return _LATELY.asked(connection, ref_ids=ref_ids, message_ids=message_ids, since=since)


def hopeful(connection: Connection, *, after: Place, limit: int) -> list[Place]:
    """
    Return the unmatched callbacks that have somebody whose they may be, oldest first, a page of them.

    Where others use the account too, most that are unmatched are theirs, and stay so.

    :param after: the last of the page before; :data:`FIRST`: there is none.
    """
    rows = connection.execute(_HOPEFUL.limit(limit), {"after": after.received_at, "after_id": after.callback_id})
    return [Place(row.received_at, row.id) for row in rows]


def answers_for_one_request(connection: Connection, window: timedelta) -> list[int]:
    """
    Return the API answers with an unknown ``ref_id`` that only one request can adopt now (rule 0 of matching).

    They have no number: the request that stood in their way may be any other of the connection. One of them names the
    request, so no more than some are looked at.
    """
    request, callback = schema.request.c, schema.callback.c
    nameless = [
        request_facts(row)
        for row in connection.execute(
            select(schema.request).where(request.ref_id.is_(None), request.state != RequestState.REFUSED)
        )
    ]
    if not nameless:
        return []
    begun = [facts.started_at for facts in nameless]
    answers = connection.execute(
        select(callback.id, callback.conn_path, callback.received_at, callback.ref_id)
        .where(
            callback.match_state == "unmatched",
            callback.kind == "answer",
            callback.received_at.between(min(begun), max(begun) + window),
            callback.ref_id.not_in(select(request.ref_id).where(request.ref_id.is_not(None))),
        )
        .order_by(callback.id)
    )
    of_one = (
        answer.id
        for answer in answers
        # Asked of the database, it implied the index of those with a ref_id.
        if answer.ref_id is not None
        and sum(
            answer.conn_path in (None, facts.conn_id) and facts.may_have_answered(answer.received_at, window)
            for facts in nameless
        )
        == 1
    )
    return list(islice(of_one, _MOST_ANSWERS))
