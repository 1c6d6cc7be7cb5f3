"""Callbacks that settled nobody, or may have settled the wrong one: for people to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.callback_table import is_dead_letter
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import NoSuchCallback
from airflow_provider_ninebits.ledger.states import CallbackKind, MatchState

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy import ColumnElement, Row, Select, Subquery, TextClause

    from airflow_provider_ninebits.ledger.database import Database

_MOST_COUNTED = 10_000
# What a 64-bit column can be compared with.
_LARGEST_ID = 2**63 - 1


class Fate(StrEnum):
    """
    What became of a callback that a person may want to look at.

    ``AMBIGUOUS`` ones may be matched: there was a choice, and the rules made it.
    """

    UNMATCHED = "unmatched"
    UNREADABLE = "unreadable"
    INBOUND = "inbound"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True)
class CallbackSummary:
    """
    One callback, without its body.

    :param repeats: how often it came again.
    :param detail: why it cannot be read, or what an API answer said.
    """

    callback_id: int
    received_at: datetime
    kind: CallbackKind
    match_state: MatchState
    ambiguous: bool
    repeats: int
    conn_path: str | None
    ref_id: str | None
    number: str | None
    status: int | None
    detail: str | None


@dataclass(frozen=True)
class KeptCallback:
    """
    One callback, whole.

    :param raw: as it came.
    :param message_id: the message whose recipient it was matched with; None: none.
    """

    summary: CallbackSummary
    started_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    total_duration: int | None
    call_duration: int | None
    total_amount: Decimal | None
    message_id: str | None
    receiver_id: str | None
    raw: bytes


def list_callbacks(database: Database, *, fate: Fate | None = None, limit: int = 50) -> list[CallbackSummary]:
    """Return the newest callbacks of one fate, or of all of them, newest first."""
    callback = schema.callback.c
    statement = (
        select(*_summary_columns()).where(*_conditions(fate)).order_by(callback.received_at.desc(), callback.id.desc())
    )
    with database.reading() as connection:
        return [_summary(row) for row in connection.execute(statement.limit(limit))]


def count_callbacks(database: Database) -> dict[Fate, int]:
    """Return how many callbacks there are of each fate; an ambiguous one that is unmatched counts as both."""
    with database.reading() as connection:
        return {
            fate: connection.execute(
                select(func.count()).select_from(schema.callback).where(*_conditions(fate))
            ).scalar_one()
            for fate in Fate
        }


def count_unmatched(database: Database, *, window: timedelta) -> int:
    """Return how many callbacks of the last ``match_window`` are nobody's; no more are counted than 10,000."""
    callback = schema.callback.c
    with database.reading() as connection:
        some = (
            select(callback.id)
            .where(
                is_dead_letter,
                callback.match_state == literal_column("'unmatched'"),
                callback.received_at >= ledger_now(connection) - window,
            )
            .limit(_MOST_COUNTED)
        )
        return connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def show_callback(database: Database, callback_id: int) -> KeptCallback:
    """
    Return a callback with its body, whatever became of it.

    :raises NoSuchCallback: when the ledger has none of this id.
    """
    statement = kept_callbacks().where(schema.callback.c.id == callback_id)
    row = None
    if callback_id <= _LARGEST_ID:
        with database.reading() as connection:
            row = connection.execute(statement).one_or_none()
    if row is None:
        raise NoSuchCallback(f"the ledger has no callback {callback_id}; `ninebits callbacks list` shows those it has")
    return kept_callback(row)


def kept_callbacks(near: Subquery | None = None) -> Select[Any]:
    """
    Return the statement that reads what :func:`kept_callback` takes.

    :param near: of these alone, by their ``id``. Joined first: SQLite keeps to the order in which an outer join has its
        tables.
    """
    callback, recipient = schema.callback, schema.recipient.c
    statement = select(callback, callback.c.id.label("callback_id"), recipient.message_id)
    if near is not None:
        statement = statement.join(near, near.c.id == callback.c.id)
    return statement.outerjoin(schema.recipient, recipient.id == callback.c.recipient_id)


def kept_callback(row: Row[Any]) -> KeptCallback:
    """Return what a row says: one of :func:`kept_callbacks`."""
    fields = KeptCallback.__dataclass_fields__.keys() - {"summary"}
    return KeptCallback(summary=_summary(row), **{name: getattr(row, name) for name in fields})


def _conditions(fate: Fate | None) -> tuple[ColumnElement[bool] | TextClause, ...]:
    callback = schema.callback.c
    if fate is None:
        return (is_dead_letter,)
    return is_dead_letter, callback.ambiguous if fate is Fate.AMBIGUOUS else callback.match_state == fate.value


def _summary_columns() -> list[Any]:
    callback = schema.callback.c
    names = CallbackSummary.__dataclass_fields__.keys() - {"callback_id"}
    return [callback.id.label("callback_id"), *(callback[name] for name in names)]


def _summary(row: Row[Any]) -> CallbackSummary:
    values = {name: getattr(row, name) for name in CallbackSummary.__dataclass_fields__}
    return CallbackSummary(
        **{**values, "kind": CallbackKind(values["kind"]), "match_state": MatchState(values["match_state"])}
    )
