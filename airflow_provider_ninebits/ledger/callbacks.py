"""
Storing callbacks, and matching them.

A callback is committed together with what it changed: what was answered with 2xx is on disk, and either settled
somebody or stays findable.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.api_answers import apply_answer
from airflow_provider_ninebits.ledger.book import Book, call_record
from airflow_provider_ninebits.ledger.database import ledger_now, lock_numbers
from airflow_provider_ninebits.ledger.errors import LedgerError
from airflow_provider_ninebits.ledger.matching import NOBODY, CallFacts, Verdict, earliest_request, match_call
from airflow_provider_ninebits.ledger.repeats import without_repeats
from airflow_provider_ninebits.ledger.unmatched import unmatched_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

_INSERT = insert(schema.callback)
REMATCHED_TOGETHER = 1000
"""One transaction; a number that is called every hour may leave more of them than SQLite binds in one statement."""

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What a callback is."""

    CALL = "call"
    ANSWER = "answer"
    UNREADABLE = "unreadable"


class MatchState(StrEnum):
    """Whether a callback has found whom it is about."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    INBOUND = "inbound"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Arrival:
    """
    One callback, read, before it is stored.

    :param raw: as it came.
    :param identity: what makes two of them repeats; None: nothing does.
    :param conn_path: the connection named in the URL; None: the account's one path.
    """

    kind: Kind
    raw: bytes
    identity: str | None = None
    conn_path: str | None = None
    ref_id: str | None = None
    number: str | None = None
    inbound: bool = False
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    total_duration: int | None = None
    call_duration: int | None = None
    total_amount: Decimal | None = None
    status: int | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Stored:
    """What became of a group of callbacks, in counts."""

    new: int = 0
    repeats: int = 0
    matched: int = 0


@dataclass(frozen=True)
class News:
    """What some matching brought: how many it matched, and for which ref_ids, messages and numbers others are tried."""

    matched: int = 0
    ref_ids: frozenset[str] = frozenset()
    message_ids: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    def __add__(self, more: News) -> News:
        return News(
            self.matched + more.matched,
            self.ref_ids | more.ref_ids,
            self.message_ids | more.message_ids,
            self.numbers | more.numbers,
        )


def store(
    database: Database, arrivals: Sequence[Arrival], *, window: timedelta, receiver_id: str | None = None
) -> Stored:
    """
    Commit a group of callbacks, in one transaction, and match them.

    :param window: ``[ninebits] match_window``.
    :raises LedgerUnreachable: when none of them was stored.
    """
    with database.writing() as connection:
        answers = any(arrival.kind is Kind.ANSWER for arrival in arrivals)
        lock_numbers(connection, None if answers else _lock_names(arrivals))
        now = ledger_now(connection)
        fresh, again = without_repeats(connection, arrivals)
        rows = [
            {**_row(arrival, now), "receiver_id": receiver_id, "repeats": again[arrival.identity]} for arrival in fresh
        ]
        news = _match_rows(connection, rows, now, window)
        if rows:
            connection.execute(_INSERT, rows)
        # Whoever else brings a callback of one of these numbers waits for this transaction.
        if news.numbers and not unmatched_ids(connection, numbers=news.numbers, window=window):
            news = replace(news, numbers=frozenset())
    _try_for_or_later(database, news, window)
    matched = sum(row["match_state"] == MatchState.MATCHED for row in rows)
    return Stored(new=len(fresh), repeats=again.total(), matched=matched)


def rematch(
    database: Database,
    *,
    window: timedelta,
    ref_ids: Iterable[str] = (),
    message_ids: Iterable[str] = (),
) -> int:
    """
    Try unmatched callbacks again, after a ``ref_id`` or an answer became known.

    What made that known is committed, so a failure is logged and no error: the receivers' sweep tries them later.

    :param ref_ids: those that are known now.
    :param message_ids: messages whose numbers' callbacks are tried.
    :return: how many have found whom they are about.
    """
    news = News(ref_ids=frozenset(ref_ids), message_ids=frozenset(message_ids))
    return _try_for_or_later(database, news, window)


def _try_for_or_later(database: Database, news: News, window: timedelta) -> int:
    try:
        return try_for(database, news, window=window)
    except Exception as error:
        # Not an error of a database only: whatever it is, who asked would take what is committed for not stored.
        reason = error if isinstance(error, LedgerError) else type(error).__name__
        log.warning("Callbacks that waited are matched later, by the receivers' sweep: %s", reason)
        return 0


def try_for(database: Database, news: News, *, window: timedelta) -> int:
    """Try the callbacks that some news may concern, then those that these bring news for; return how many match."""
    found = 0
    while news.ref_ids or news.message_ids or news.numbers:
        with database.reading() as connection:
            ids = unmatched_ids(
                connection, ref_ids=news.ref_ids, message_ids=news.message_ids, numbers=news.numbers, window=window
            )
        news = rematch_ids(database, ids, window=window)
        found += news.matched
    return found


def rematch_ids(database: Database, callback_ids: Sequence[int], *, window: timedelta) -> News:
    """
    Try these callbacks again, those that are still unmatched, some of them to a transaction.

    :return: how many were matched, and for what others may be tried now.
    """
    news = News()
    for start in range(0, len(callback_ids), REMATCHED_TOGETHER):
        news += _rematch_some(database, callback_ids[start : start + REMATCHED_TOGETHER], window)
    return news


def _rematch_some(database: Database, callback_ids: Sequence[int], window: timedelta) -> News:
    callback = schema.callback
    unmatched = (
        select(callback)
        .where(callback.c.id.in_(callback_ids), callback.c.match_state == MatchState.UNMATCHED)
        .order_by(callback.c.id)
    )
    with database.writing() as connection:
        before = connection.execute(unmatched).all()
        answers = any(row.kind == Kind.ANSWER for row in before)
        lock_numbers(
            connection, None if answers else {name for row in before for name in (row.number, row.ref_id) if name}
        )
        rows = [dict(row) for row in connection.execute(unmatched).mappings()]
        found = [dict(row) for row in rows]
        news = _match_rows(connection, rows, ledger_now(connection), window)
        # Most stay as they are. Written all the same, they would fill the log of the database at each sweep.
        _write_matches(connection, [row for row, as_found in zip(rows, found, strict=True) if row != as_found])
    return news if news.matched else News()


def _lock_names(arrivals: Iterable[Arrival]) -> set[str]:
    names = ((arrival.number or arrival.identity, arrival.ref_id) for arrival in arrivals)
    return {name for both in names for name in both if name}


def _row(arrival: Arrival, now: datetime) -> dict[str, Any]:
    state = MatchState.UNMATCHED
    if arrival.kind is Kind.UNREADABLE:
        state = MatchState.UNREADABLE
    elif arrival.inbound:
        state = MatchState.INBOUND
    fields = {name: getattr(arrival, name) for name in arrival.__dataclass_fields__}
    return {
        **fields,
        "received_at": now,
        "match_state": state,
        "ambiguous": False,
        "recipient_id": None,
        "request_id": None,
    }


def _match_rows(connection: Connection, rows: Sequence[dict[str, Any]], now: datetime, window: timedelta) -> News:
    """Match callbacks in their order, enter the verdicts into the rows, and write what they change elsewhere."""
    open_rows = [row for row in rows if row["match_state"] == MatchState.UNMATCHED]
    calls = [row for row in open_rows if row["kind"] == Kind.CALL]
    book = Book(
        connection,
        numbers={row["number"] for row in calls if row["number"]},
        ref_ids={row["ref_id"] for row in calls if row["ref_id"]},
        since=earliest_request(
            [now, *(row["started_at"] or now for row in calls), *(row["received_at"] for row in calls)], window
        ),
        now=now,
    )
    for row in calls:
        verdict = _verdict(book, row, window)
        book.enter(verdict, call_record(row), row["ref_id"])
        row["ambiguous"] = verdict.ambiguous
        row["recipient_id"] = verdict.recipient_id
        row["request_id"] = None if verdict.ambiguous else verdict.request_id
        if verdict.recipient_id is not None:
            row["match_state"] = MatchState.MATCHED
    book.write()
    news = News(
        ref_ids=frozenset(book.adopted_ref_ids),
        message_ids=frozenset(book.accepted_messages),
        numbers=frozenset(book.answered_numbers),
    )
    for row in open_rows:
        if row["kind"] == Kind.ANSWER and (message_id := apply_answer(connection, row, now, window)):
            row["match_state"] = MatchState.MATCHED
            news = replace(news, ref_ids=news.ref_ids | {row["ref_id"]}, message_ids=news.message_ids | {message_id})
    return replace(news, matched=sum(row["match_state"] == MatchState.MATCHED for row in open_rows))


def _verdict(book: Book, row: dict[str, Any], window: timedelta) -> Verdict:
    if row["number"] is None:
        return NOBODY
    bearers, elsewhere = book.bearers(row["ref_id"], row["conn_path"])
    facts = CallFacts(row["ref_id"], row["started_at"], row["received_at"])
    return match_call(
        facts,
        book.candidates(row["number"], row["conn_path"]),
        bearers,
        window=window,
        bearers_elsewhere=elsewhere,
    )


def _write_matches(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    changed = [
        {
            "row_id": row["id"],
            "new_state": row["match_state"],
            "new_ambiguous": row["ambiguous"],
            "new_recipient": row["recipient_id"],
            "new_request": row["request_id"],
        }
        for row in rows
    ]
    if changed:
        connection.execute(
            update(schema.callback)
            .where(schema.callback.c.id == bindparam("row_id"))
            .values(
                match_state=bindparam("new_state"),
                ambiguous=bindparam("new_ambiguous"),
                recipient_id=bindparam("new_recipient"),
                request_id=bindparam("new_request"),
            ),
            changed,
        )
