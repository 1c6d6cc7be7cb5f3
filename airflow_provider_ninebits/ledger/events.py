"""
Events: what subscriptions are kept, and what has been queued for them.

An event stays until it is taken out by who has handed it on. So a process that dies in between finds it again, with the
same id; and there is no position that could pass by one which was committed late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, delete, exists, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.erasing import MASK_PREFIX
from airflow_provider_ninebits.ledger.event_queue import ABANDONED_AFTER_DAYS
from airflow_provider_ninebits.ledger.list_parameters import among
from airflow_provider_ninebits.ledger.outcome import CallOutcome
from airflow_provider_ninebits.ledger.receipts import LEDGER_REF_PREFIX
from airflow_provider_ninebits.ledger.states import RecipientState, RequestState
from airflow_provider_ninebits.ledger.wanted import TOLD_STATES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import FromClause, Row, Select
    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.wanted import Wanted

ABANDONED_AFTER = timedelta(days=ABANDONED_AFTER_DAYS)
_TOGETHER = 500

_subscription, _event = schema.subscription.c, schema.event.c
_send, _message, _recipient, _request = schema.send.c, schema.message.c, schema.recipient.c, schema.request.c
_REF_ID = (
    select(_request.ref_id)
    .where(_request.message_id == _message.id, _request.ref_id.is_not(None), _request.state != RequestState.REFUSED)
    .order_by(_request.id.desc())
    .limit(1)
    .correlate(schema.message)
    .scalar_subquery()
)
_waiting = schema.event.alias("waiting")
# Of each subscription by itself: a backlog of one must not keep the others out.
_OLDEST = (
    select(_waiting.c.id)
    .where(_waiting.c.subscription_id == _subscription.id)
    .order_by(_waiting.c.id)
    .limit(bindparam("limit", type_=Integer()))
    .correlate(schema.subscription)
)
_lateral = _OLDEST.lateral("oldest")


def _queued(found: FromClause) -> Select[Any]:
    return (
        select(
            schema.event,
            _recipient.number,
            _message.conn_id,
            _send.deployment,
            _send.dag_id,
            _send.run_id,
            _send.task_id,
            _send.map_index,
            _REF_ID.label("ref_id"),
        )
        .select_from(found)
        .outerjoin(
            schema.recipient, (_recipient.id == _event.recipient_id) & (_recipient.message_id == _event.message_id)
        )
        .outerjoin(schema.message, _message.id == _recipient.message_id)
        .outerjoin(schema.send, _send.id == _recipient.send_id)
        .where(among(_subscription.id, "subscription_ids"))
        .order_by(_event.id)
    )


# Each would read the whole queue for what the other does by its index.
_QUEUED = {
    "postgresql": _queued(
        schema.subscription.join(_lateral, true()).join(schema.event, _event.id == _lateral.c.id),
    ),
    "sqlite": _queued(schema.subscription.join(schema.event, _event.id.in_(_OLDEST))),
}


@dataclass(frozen=True)
class RecipientEvent:
    """
    A recipient has reached a state.

    :param event_id: the same each time that this is told, whoever is told.
    :param dag_id: who sent, as are ``run_id``, ``task_id`` and ``map_index``; None: outside of a task.
    :param call: what was known of the recipient when it reached the state.
    """

    event_id: str
    ref_id: str
    conn_id: str
    deployment: str
    dag_id: str | None
    run_id: str | None
    task_id: str | None
    map_index: int | None
    call: CallOutcome

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "event_id": self.event_id,
            "ref_id": self.ref_id,
            "conn_id": self.conn_id,
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "task_id": self.task_id,
            "map_index": self.map_index,
            "call": self.call.as_dict(),
        }


@dataclass(frozen=True)
class Queued:
    """
    What was queued for a subscription.

    :param id: by which it is taken out.
    :param event: None: there is nothing to tell any more, since the recipient is gone.
    """

    id: int
    subscription_id: str
    event: RecipientEvent | None


def subscribe(database: Database, wanted: Sequence[Wanted]) -> dict[str, datetime | None]:
    """
    Keep what somebody wants from here on; of what is kept already, note that they still wait.

    :return: when each was seen last, by its name; None: it is new, and nothing that came before is told.
    :raises LedgerUnreachable: when the ledger cannot be written.
    """
    with database.writing() as connection:
        now = ledger_now(connection)
        rows = [
            {
                "id": each.subscription_id,
                "deployment": each.deployment,
                **{state.value: state in each.states for state in TOLD_STATES},
                "created_at": now,
                "seen_at": now,
            }
            # In a fixed order: two triggerers may write the same.
            for each in sorted(wanted, key=lambda each: each.subscription_id)
        ]
        ids = [each.subscription_id for each in wanted]
        seen = select(_subscription.id, _subscription.seen_at).where(_subscription.id.in_(ids))
        before: dict[str, datetime] = {row.id: row.seen_at for row in connection.execute(seen)}
        new = [row for row in rows if row["id"] not in before]
        if new:
            # Another triggerer may subscribe to the same at the same time.
            insert = (sqlite if database.is_sqlite else postgresql).insert
            connection.execute(insert(schema.subscription).on_conflict_do_nothing(), new)
        connection.execute(update(schema.subscription).where(_subscription.id.in_(before)).values(seen_at=now))
    return {each: before.get(each) for each in ids}


def queued(database: Database, subscription_ids: Sequence[str], *, limit: int) -> list[Queued]:
    """
    Return what is queued for some subscriptions, the oldest first.

    :param limit: how many for each of them, at most.
    :raises LedgerUnreachable: when the ledger cannot be read.
    """
    with database.reading() as connection:
        rows = connection.execute(
            _QUEUED[connection.dialect.name], {"subscription_ids": subscription_ids, "limit": limit}
        ).all()
    return [Queued(row.id, row.subscription_id, _recipient_event(row)) for row in rows]


def take_out(database: Database, ids: Sequence[int]) -> None:
    """
    Take out events that were handed on, or that are not wanted.

    :raises LedgerUnreachable: when the ledger cannot be written. They are told again, then.
    """
    for start in range(0, len(ids), _TOGETHER):
        with database.writing() as connection:
            some = select(_event.id).where(_event.id.in_(ids[start : start + _TOGETHER]))
            # What somebody else is just dropping is waited for by nobody, so that no two wait for each other.
            connection.execute(delete(schema.event).where(_event.id.in_(some.with_for_update(skip_locked=True))))


def drop_abandoned(connection: Connection, now: datetime) -> int:
    """
    Drop the subscriptions of which nothing was heard for long, and some of what was queued for such ones.

    :return: how many events; it is done when that is 0.
    """
    connection.execute(delete(schema.subscription).where(_subscription.seen_at < now - ABANDONED_AFTER))
    nobodys = select(_event.id).where(~exists().where(_subscription.id == _event.subscription_id)).limit(_TOGETHER)
    return connection.execute(delete(schema.event).where(_event.id.in_(nobodys))).rowcount


def _recipient_event(row: Row[Any]) -> RecipientEvent | None:
    if row.number is None or row.number.startswith(MASK_PREFIX):
        return None
    return RecipientEvent(
        event_id=f"{row.message_id}-{row.recipient_id}-{row.state}",
        ref_id=row.ref_id or f"{LEDGER_REF_PREFIX}{row.message_id}",
        conn_id=row.conn_id,
        deployment=row.deployment,
        dag_id=row.dag_id,
        run_id=row.run_id,
        task_id=row.task_id,
        map_index=row.map_index,
        call=CallOutcome(
            to_number=row.number,
            state=RecipientState(row.state),
            attempts=row.attempts,
            started_at=row.started_at,
            answered_at=row.answered_at,
            ended_at=row.ended_at,
            total_duration=row.total_duration,
            call_duration=row.call_duration,
            total_amount=row.total_amount,
        ),
    )
