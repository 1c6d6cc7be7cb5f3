"""
What calls came to over a span of time: their states, their answers by the hour, what they cost, how soon they answered.

A call counts at the time at which its message was asked for. At most :data:`COUNTED` calls are counted, the newest
ones: more than that takes longer than a page may.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.lists import among
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

if TYPE_CHECKING:
    from decimal import Decimal

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.compiler import SQLCompiler

COUNTED = 100_000
"""How many calls are counted at most."""
QUARTER_SECONDS = 900
"""Calls are grouped by quarters of an hour: no time zone is offset by less."""
DELAYS_SECONDS = (10, 20, 30, 60, 120, 300, 900, 3600)
"""The upper ends of the steps of the time from sending to answer; the last step has none."""

_message, _request, _recipient = schema.message.c, schema.request.c, schema.recipient.c


class _Epoch(FunctionElement[int]):
    type = BigInteger()
    inherit_cache = True
    name = "epoch"


@compiles(_Epoch, "postgresql")
def _extract(element: _Epoch, compiler: SQLCompiler, **named: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **named)})) AS bigint)"


@compiles(_Epoch, "sqlite")
def _strftime(element: _Epoch, compiler: SQLCompiler, **named: Any) -> str:
    return f"CAST(strftime('%s', {compiler.process(element.clauses, **named)}) AS INTEGER)"


@dataclass(frozen=True)
class Span:
    """
    What is counted.

    :param conn_ids: over which connections; None: over any.
    :param dag_id: of which DAG; None: of all.
    """

    since: datetime
    until: datetime
    conn_ids: tuple[str, ...] | None = None
    dag_id: str | None = None


@dataclass
class Totals:
    """
    What was counted.

    :param counted_since: from when on; later than was asked for where there were more than :data:`COUNTED` calls.
    :param by_quarter: for the beginning of each quarter of an hour the calls by their states.
    :param by_dag: for each DAG its calls and what they cost; None stands for what no task asked for.
    :param delays: how many answers took as long as each step of :data:`DELAYS_SECONDS`, or longer.
    """

    counted_since: datetime
    cut_short: bool
    by_quarter: dict[datetime, dict[RecipientState, int]] = field(default_factory=dict)
    by_dag: dict[str | None, tuple[int, Decimal]] = field(default_factory=dict)
    delays: list[int] = field(default_factory=lambda: [0] * (len(DELAYS_SECONDS) + 1))

    def count(self, state: RecipientState | None = None) -> int:
        """Return how many calls there are, of one state or of all."""
        states = tuple(RecipientState) if state is None else (state,)
        return sum(each.get(one, 0) for each in self.by_quarter.values() for one in states)

    @property
    def amount(self) -> Decimal:
        """What they cost together."""
        from decimal import Decimal

        return sum((amount for _, amount in self.by_dag.values()), Decimal(0))


def count_calls(connection: Connection, span: Span) -> Totals:
    """Count the calls of a span; the newest :data:`COUNTED` of them, where there are more."""
    from decimal import Decimal

    if span.conn_ids == ():
        return Totals(span.since, False)
    counted_since = _counted_since(connection, span)
    totals = Totals(counted_since or span.since, counted_since is not None)
    for quarter, dag_id, state, step, count, amount in _rows(connection, span, totals.counted_since):
        moment = datetime.fromtimestamp(quarter * QUARTER_SECONDS, UTC)
        states = totals.by_quarter.setdefault(moment, {})
        states[RecipientState(state)] = states.get(RecipientState(state), 0) + count
        before = totals.by_dag.get(dag_id, (0, Decimal(0)))
        totals.by_dag[dag_id] = (before[0] + count, before[1] + (amount or 0))
        if step is not None:
            totals.delays[step] += count
    return totals


def _messages(span: Span, *columns: Any) -> tuple[Select[Any], dict[str, Any]]:
    """Return the messages of a span; parts that gave way, and what is refused, have rung nobody."""
    statement = select(*columns).where(
        _message.created_at >= span.since,
        _message.created_at < span.until,
        _message.state.not_in((MessageState.REPLACED, MessageState.REFUSED, MessageState.PLANNED, MessageState.PURGED)),
    )
    given: dict[str, Any] = {}
    if span.dag_id is not None:
        statement = statement.where(_message.dag_id == span.dag_id)
    if span.conn_ids is not None:
        statement = statement.where(among(_message.conn_id, "conn_ids"))
        given = {"conn_ids": span.conn_ids}
    return statement, given


def _counted_since(connection: Connection, span: Span) -> datetime | None:
    """Return the time from which on there are :data:`COUNTED` calls; None: there are fewer."""
    statement, given = _messages(span, _message.created_at, _message.recipients)
    newest = statement.order_by(_message.created_at.desc()).limit(COUNTED + 1).subquery("newest")
    so_far = func.sum(newest.c.recipients).over(order_by=newest.c.created_at.desc()).label("so_far")
    summed = select(newest.c.created_at, so_far).subquery("summed")
    first_beyond = select(func.max(summed.c.created_at)).where(summed.c.so_far > COUNTED)
    beyond: datetime | None = connection.execute(first_beyond, given).scalar_one()
    if beyond is None:
        return None
    within = select(func.min(summed.c.created_at)).where(summed.c.so_far <= COUNTED)
    # All of one moment may be more than that: then they are counted all the same.
    return connection.execute(within, given).scalar_one() or beyond


def _rows(connection: Connection, span: Span, since: datetime) -> list[Any]:
    # The last request that may have rung: the ones before it were refused, or not known to have been placed.
    sent_at = (
        select(func.max(_request.started_at))
        .where(_request.message_id == _message.id, _request.state != RequestState.REFUSED)
        .correlate(schema.message)
        .scalar_subquery()
    )
    quarter = _Epoch(_message.created_at).op("/", return_type=Integer())(QUARTER_SECONDS)
    statement, given = _messages(
        Span(since, span.until, span.conn_ids, span.dag_id),
        _message.id,
        _message.dag_id,
        quarter.label("quarter"),
        _Epoch(sent_at).label("sent_at"),
    )
    sent = statement.cte("sent")
    delay = _Epoch(_recipient.answered_at) - sent.c.sent_at
    rows = (
        select(
            sent.c.quarter,
            sent.c.dag_id,
            _recipient.state,
            _step(delay).label("step"),
            func.count().label("calls"),
            func.sum(_recipient.total_amount).label("amount"),
        )
        .join(schema.recipient, _recipient.message_id == sent.c.id)
        .group_by(sent.c.quarter, sent.c.dag_id, _recipient.state, "step")
    )
    return list(connection.execute(rows, given).all())


def _step(delay: ColumnElement[int]) -> ColumnElement[int | None]:
    steps = [(delay < seconds, place) for place, seconds in enumerate(DELAYS_SECONDS)]
    return case((delay.is_(None), None), *steps, else_=len(DELAYS_SECONDS))
