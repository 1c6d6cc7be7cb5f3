"""
What calls came to over a span of time: their states, their answers by the hour, what they cost, how soon they answered.

A call counts at the time at which its message was asked for. What messages count of themselves is summed, so that a
million calls are some thousand rows; of those there is a limit, :data:`MESSAGES`, and of those that are looked at for
them another, :data:`LOOKED_AT`. How soon people answered is known of each call by itself, and is told of the newest
:data:`TIMED` ones.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, func, select, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.columns import UNITS
from airflow_provider_ninebits.ledger.list_parameters import among
from airflow_provider_ninebits.ledger.listing import asked_by_deployment
from airflow_provider_ninebits.ledger.states import MessageState, RecipientState, RequestState

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.compiler import SQLCompiler

MESSAGES = 6_000
"""How many messages are counted at most, the newest ones."""
LOOKED_AT = 12_000
"""How many messages are looked at at most, the newest ones: of a DAG, of one connection, or of all."""
TIMED = 3_000
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


# By the ids of some messages: joined with them, PostgreSQL takes them for more than they are, and reads all calls.
_SENT = (
    select(_request.message_id, func.max(_Epoch(_request.started_at)).label("sent_at"))
    .where(among(_request.message_id, "message_ids"), _request.state != RequestState.REFUSED)
    .group_by(_request.message_id)
    .subquery("sent")
)
_DELAYS = (
    select((_Epoch(_recipient.answered_at) - _SENT.c.sent_at).label("delay"), func.count().label("calls"))
    .join(_SENT, _SENT.c.message_id == _recipient.message_id)
    .where(among(_recipient.message_id, "message_ids"), _recipient.state == RecipientState.ANSWERED)
    .group_by("delay")
)


@dataclass(frozen=True)
class Span:
    """
    What is counted.

    :param conn_ids: over which connections; None: over any.
    :param dag_id: of which DAG; None: of all.
    :param deployment: asked for by which Airflow; None: by any.
    """

    since: datetime
    until: datetime
    conn_ids: tuple[str, ...] | None = None
    dag_id: str | None = None
    deployment: str | None = None


@dataclass
class Totals:
    """
    What was counted.

    :param counted_since: from when on; later than was asked for where there were more than :data:`MESSAGES`, or
        more to look at than :data:`LOOKED_AT`.
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
    beyond = _first_beyond(connection, span)
    # Of those that were asked for in the same moment, all are left out.
    since = span.since if beyond is None else beyond + timedelta(microseconds=1)
    totals = Totals(since, beyond is not None, since)
    _count(connection, replace(span, since=since), totals)
    _time(connection, replace(span, since=since), totals)
    return totals


def _count(connection: Connection, span: Span, totals: Totals) -> None:
    quarter = _Epoch(_message.created_at).op("/", return_type=Integer())(QUARTER_SECONDS).label("quarter")
    names = ("recipients", "answered", "unanswered", "failed")
    # In two parts: added up as they are, amounts may grow past what SQLite adds up.
    units = type_coerce(_message.total_amount, BigInteger)
    whole, rest = func.sum(units // UNITS).label("whole"), func.sum(units % UNITS).label("rest")
    statement, given = _messages(
        span, quarter, _message.dag_id, whole, rest, *(func.sum(_message[name]).label(name) for name in names)
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
        amount += Decimal(row.whole) + Decimal(row.rest) / UNITS
        totals.by_dag[row.dag_id] = (calls + int(row.recipients), amount)


def _time(connection: Connection, span: Span, totals: Totals) -> None:
    """Sort answers by how long they took, from the last request that may have rung: what was before it has not."""
    statement, given = _messages(span, _message.id, _message.created_at, _message.recipients)
    # Each message has a call at least.
    newest = statement.order_by(_message.created_at.desc(), _message.id.desc()).limit(TIMED + 1)
    ids: list[str] = []
    counted = 0
    for message_id, created_at, calls in connection.execute(newest, given):
        if ids and counted + calls > TIMED:
            break
        counted += calls
        ids.append(message_id)
        totals.timed_since = created_at
    else:
        totals.timed_since = span.since
    for seconds, count in connection.execute(_DELAYS, {"message_ids": ids}) if ids else ():
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
    if span.deployment is not None:
        statement = statement.where(asked_by_deployment(span.deployment))
    if span.conn_ids is not None:
        statement = statement.where(among(_message.conn_id, "conn_ids"))
        given = {"conn_ids": span.conn_ids}
    return statement, given


def _first_beyond(connection: Connection, span: Span) -> datetime | None:
    """Return when the newest message was asked for that is one too many to look at, or to count; None: none is."""
    newest_first = (_message.created_at.desc(), _message.id.desc())
    # Along one index, whatever else is asked for.
    along = select(_message.created_at).where(_message.created_at >= span.since, _message.created_at < span.until)
    if span.dag_id is not None:
        along = along.where(_message.dag_id == span.dag_id)
    elif span.conn_ids is not None and len(span.conn_ids) == 1:
        along = along.where(_message.conn_id == span.conn_ids[0])
    beyond = connection.execute(along.order_by(*newest_first).offset(LOOKED_AT).limit(1)).scalar_one_or_none()
    if beyond is not None:
        span = replace(span, since=beyond + timedelta(microseconds=1))
    statement, given = _messages(span, _message.created_at)
    counted = connection.execute(statement.order_by(*newest_first).offset(MESSAGES).limit(1), given)
    found: datetime | None = counted.scalar_one_or_none()
    return found or beyond
