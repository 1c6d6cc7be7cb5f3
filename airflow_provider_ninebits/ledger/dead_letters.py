"""Callbacks that settled nobody, or may have settled the wrong one: looked at by people, and tried again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.errors import NoSuchCallback
from airflow_provider_ninebits.ledger.rematching import rematch_ids, try_for
from airflow_provider_ninebits.ledger.states import CallbackKind, MatchState
from airflow_provider_ninebits.ledger.unmatched import answers_for_one_request, hopeful_ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from sqlalchemy import ColumnElement, Row

    from airflow_provider_ninebits.ledger.database import Database

_PAGE = 500
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
        select(*_summary_columns()).where(_condition(fate)).order_by(callback.received_at.desc(), callback.id.desc())
    )
    with database.reading() as connection:
        return [_summary(row) for row in connection.execute(statement.limit(limit))]


def count_callbacks(database: Database) -> dict[Fate, int]:
    """Return how many callbacks there are of each fate; an ambiguous one that is unmatched counts as both."""
    with database.reading() as connection:
        return {
            fate: connection.execute(
                select(func.count()).select_from(schema.callback).where(_condition(fate))
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
    callback, recipient = schema.callback, schema.recipient.c
    statement = (
        select(callback, callback.c.id.label("callback_id"), recipient.message_id)
        .outerjoin(schema.recipient, recipient.id == callback.c.recipient_id)
        .where(callback.c.id == callback_id)
    )
    row = None
    if callback_id <= _LARGEST_ID:
        with database.reading() as connection:
            row = connection.execute(statement).one_or_none()
    if row is None:
        raise NoSuchCallback(f"the ledger has no callback {callback_id}; `ninebits callbacks list` shows those it has")
    return kept_callback(row)


def kept_callback(row: Row[Any]) -> KeptCallback:
    """Return what a row says: of the callback table, with ``callback_id`` and its recipient's ``message_id``."""
    fields = KeptCallback.__dataclass_fields__.keys() - {"summary"}
    return KeptCallback(summary=_summary(row), **{name: getattr(row, name) for name in fields})


def try_again(
    database: Database,
    *,
    window: timedelta,
    since: datetime | None = None,
    pause: Callable[[float], object] = time.sleep,
    told: Callable[[int, int], object] = lambda tried, found: None,
) -> tuple[int, int]:
    """
    Try unmatched callbacks again that may be somebody's, page by page, so that no transaction is long.

    After each page it rests as long as that took: SQLite gives its write lock to nobody in turn.

    :param window: ``[ninebits] match_window``.
    :param since: only what was received from then on; None: all there are.
    :param pause: called with the seconds to rest; what it raises ends it.
    :param told: after each page, how many were tried, and found their recipient, by then.
    :return: how many were tried, and how many found their recipient: those that the new matches brought with them
        included.
    """
    tried, found, last_id = 0, 0, 0
    with database.reading() as connection:
        ids = answers_for_one_request(connection, window)
    while True:
        begun_at = time.monotonic()
        news = rematch_ids(database, ids, window=window)
        tried += len(ids)
        found += news.matched + try_for(database, news, window=window)
        with database.reading() as connection:
            ids = hopeful_ids(connection, after=last_id, limit=_PAGE, since=since)
        if not ids:
            return tried, found
        last_id = ids[-1]
        told(tried, found)
        pause(time.monotonic() - begun_at)


def sweep(database: Database, *, window: timedelta, pause: Callable[[float], object] = time.sleep) -> int:
    """
    Try the callbacks of the last ``match_window`` that are still unmatched again.

    Everything that makes a match possible tries its callbacks at once; this is for those whose process died in between,
    and for those that waited for an answer that never came.

    :return: how many found their recipient.
    """
    with database.reading() as connection:
        since = ledger_now(connection) - window
    _, found = try_again(database, window=window, since=since, pause=pause)
    return found


def _condition(fate: Fate | None) -> ColumnElement[bool]:
    callback = schema.callback.c
    if fate is None:
        return (callback.match_state != MatchState.MATCHED) | callback.ambiguous
    return callback.ambiguous if fate is Fate.AMBIGUOUS else callback.match_state == fate.value


def _summary_columns() -> list[Any]:
    callback = schema.callback.c
    names = CallbackSummary.__dataclass_fields__.keys() - {"callback_id"}
    return [callback.id.label("callback_id"), *(callback[name] for name in names)]


def _summary(row: Row[Any]) -> CallbackSummary:
    values = {name: getattr(row, name) for name in CallbackSummary.__dataclass_fields__}
    return CallbackSummary(
        **{**values, "kind": CallbackKind(values["kind"]), "match_state": MatchState(values["match_state"])}
    )
