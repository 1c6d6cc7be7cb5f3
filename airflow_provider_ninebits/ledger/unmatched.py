"""Which callbacks are tried again, when something became known that may make them somebody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.book import request_facts
from airflow_provider_ninebits.ledger.states import RequestState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import timedelta

    from sqlalchemy.engine import Connection


def unmatched_ids(
    connection: Connection,
    *,
    ref_ids: Collection[str],
    message_ids: Collection[str],
    numbers: Collection[str],
    window: timedelta,
) -> list[int]:
    """
    Return the unmatched callbacks that may be somebody's now.

    :param ref_ids: those that are known now.
    :param message_ids: messages of whose requests something became known.
    :param numbers: numbers whose recipients changed.
    """
    callback, recipient = schema.callback.c, schema.recipient.c
    unmatched = callback.match_state == "unmatched"
    ids: set[int] = set()
    if ref_ids:
        ids.update(connection.execute(select(callback.id).where(unmatched, callback.ref_id.in_(ref_ids))).scalars())
    if numbers:
        ids.update(connection.execute(select(callback.id).where(unmatched, callback.number.in_(numbers))).scalars())
    if message_ids:
        theirs = select(recipient.number).where(recipient.message_id.in_(message_ids))
        ids.update(connection.execute(select(callback.id).where(unmatched, callback.number.in_(theirs))).scalars())
    if ref_ids or message_ids:
        ids.update(_answers_for_one_request(connection, window))
    return sorted(ids)


def _answers_for_one_request(connection: Connection, window: timedelta) -> list[int]:
    """
    Return the API answers with an unknown ``ref_id`` that only one request can adopt now (rule 0 of matching).

    They have no number: the request that stood in their way may be any other of the connection.
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
        select(callback.id, callback.conn_path, callback.received_at).where(
            callback.match_state == "unmatched",
            callback.kind == "answer",
            callback.received_at.between(min(begun), max(begun) + window),
            callback.ref_id.is_not(None),
            callback.ref_id.not_in(select(request.ref_id).where(request.ref_id.is_not(None))),
        )
    )
    return [
        answer.id
        for answer in answers
        if sum(
            answer.conn_path in (None, facts.conn_id) and facts.may_have_answered(answer.received_at, window)
            for facts in nameless
        )
        == 1
    ]
