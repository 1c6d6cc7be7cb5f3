"""
What calls came to over a span of time: their states, their answers by the hour, what they cost, how soon they answered.

A call counts at the time at which its message was asked for. What messages count of themselves is summed, so that a
million calls are some thousand rows; of those there is a limit, :data:`MESSAGES`. How soon people answered is known of
each call by itself, and is told of the newest :data:`TIMED` ones.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.lists import among
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.compiler import SQLCompiler

MESSAGES = 50_000
"""How many messages are counted at most, the newest ones."""
TIMED = 20_000
"""Of how many calls, the newest ones, it is told how soon they were answered."""
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

    :param counted_since: from when on; later than was asked for where there were more than :data:`MESSAGES`.
    :param timed_since: from when on answers are timed.
    :param by_quarter: for the beginning of each quarter of an hour the calls by their states.
    :param by_dag: for each DAG its calls and what they cost; None stands for what no task asked for.
    :param delays: how many answers took as long as each step of :data:`DELAYS_SECONDS`, or longer.
    """

    counted_since: datetime
    cut_short: bool
    timed_since: datetime
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
        return sum((amount for _, amount in self.by_dag.values()), Decimal(0))


def count_calls(connection: Connection, span: Span) -> Totals:
    """Count the calls of a span."""
    if span.conn_ids == ():
        return Totals(span.since, False, span.since)
    counted_since = _since_the_newest(connection, span, MESSAGES, by_calls=False)
    timed_since = _since_the_newest(connection, span, TIMED, by_calls=True)
    totals = Totals(counted_since or span.since, counted_since is not None, timed_since or span.since)
    _count(connection, replace(span, since=totals.counted_since), totals)
    _time(connection, replace(span, since=max(totals.counted_since, totals.timed_since)), totals)
    return totals


def _count(connection: Connection, span: Span, totals: Totals) -> None:
    quarter = _Epoch(_message.created_at).op("/", return_type=Integer())(QUARTER_SECONDS).label("quarter")
    names = ("recipients", "answered", "unanswered", "failed", "total_amount")
    statement, given = _messages(
        span, quarter, _message.dag_id, *(func.sum(_message[name]).label(name) for name in names)
    )
    for row in connection.execute(statement.group_by("quarter", _message.dag_id), given):
        moment = datetime.fromtimestamp(row.quarter * QUARTER_SECONDS, UTC)
        states = totals.by_quarter.setdefault(moment, dict.fromkeys(RecipientState, 0))
        settled = 0
        for state in (RecipientState.ANSWERED, RecipientState.UNANSWERED, RecipientState.FAILED):
            count = int(getattr(row, state))
            states[state] += count
            settled += count
        states[RecipientState.PENDING] += int(row.recipients) - settled
        calls, amount = totals.by_dag.get(row.dag_id, (0, Decimal(0)))
        totals.by_dag[row.dag_id] = (calls + int(row.recipients), amount + row.total_amount)


def _time(connection: Connection, span: Span, totals: Totals) -> None:
    """Sort answers by how long they took, from the last request that may have rung: what was before it has not."""
    sent_at = (
        select(func.max(_Epoch(_request.started_at)))
        .where(_request.message_id == _message.id, _request.state != RequestState.REFUSED)
        .correlate(schema.message)
        .scalar_subquery()
    )
    statement, given = _messages(span, _message.id, sent_at.label("sent_at"))
    # Not merged into what asks it, which would look for the request of each call anew.
    sent = statement.limit(MESSAGES + TIMED).subquery("sent")
    delay = (_Epoch(_recipient.answered_at) - sent.c.sent_at).label("delay")
    rows = (
        select(delay, func.count().label("calls"))
        .join(schema.recipient, _recipient.message_id == sent.c.id)
        .where(_recipient.state == RecipientState.ANSWERED, _recipient.answered_at.is_not(None))
        .group_by("delay")
    )
    for seconds, count in connection.execute(rows, given):
        if seconds is not None:
            totals.delays[bisect_right(DELAYS_SECONDS, seconds)] += count


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


def _since_the_newest(connection: Connection, span: Span, limit: int, *, by_calls: bool) -> datetime | None:
    """Return from when on there are so many messages, or calls, at most; None: there are no more in the span."""
    columns = (_message.created_at, _message.recipients if by_calls else literal(1).label("recipients"))
    statement, given = _messages(span, *columns)
    # Each message has a call at least.
    rows = connection.execute(statement.order_by(_message.created_at.desc()).limit(limit + 1), given)
    counted = 0
    moment: datetime | None = None
    whole: datetime | None = None
    for created_at, calls in rows:
        if created_at != moment:
            # The moment before is in it as a whole.
            moment, whole = created_at, moment
        counted += calls
        if counted > limit:
            # All of one moment may be more than that: then they are counted all the same.
            return whole or moment
    return None
