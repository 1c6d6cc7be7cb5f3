"""Trying unmatched callbacks again: when something became known that may make them somebody's, and in sweeps."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.bulk import Change, write
from airflow_provider_ninebits.ledger.database import ledger_now, lock_numbers
from airflow_provider_ninebits.ledger.errors import LedgerError
from airflow_provider_ninebits.ledger.states import CallbackKind, MatchState
from airflow_provider_ninebits.ledger.unmatched import FIRST, Place, answers_for_one_request, hopeful, unmatched_ids
from airflow_provider_ninebits.ledger.verdicts import News, match_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime, timedelta

    from airflow_provider_ninebits.ledger.database import Database

REMATCHED_TOGETHER = 1000
"""One transaction; a number that is called every hour may leave more of them than SQLite binds in one statement."""
_PAGE = 500
_MATCH = ("id", "match_state", "ambiguous", "recipient_id", "request_id")

log = logging.getLogger(__name__)


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
    return try_for_or_later(database, news, window)


def try_for_or_later(database: Database, news: News, window: timedelta) -> int:
    """Do as :func:`try_for` does, after a commit: a failure is logged, and the receivers' sweep does it later."""
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
        answers = any(row.kind == CallbackKind.ANSWER for row in before)
        lock_numbers(
            connection, None if answers else {name for row in before for name in (row.number, row.ref_id) if name}
        )
        # Not one that was let go of in between: its number is not locked.
        ids = {row.id for row in before}
        rows = [dict(row) for row in connection.execute(unmatched).mappings() if row["id"] in ids]
        found = [dict(row) for row in rows]
        news, changes = match_rows(connection, rows, ledger_now(connection), window)
        # Most stay as they are. Written all the same, they would fill the log of the database at each sweep.
        changed = [row for row, as_found in zip(rows, found, strict=True) if row != as_found]
        matches = [{name: row[name] for name in _MATCH} for row in changed]
        write(connection, *changes, Change(schema.callback, matches, key="id"))
    return news if news.matched else News()


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
    tried, found = 0, 0
    last = FIRST if since is None else Place(since, 0)
    with database.reading() as connection:
        ids = answers_for_one_request(connection, window)
    while True:
        begun_at = time.monotonic()
        news = rematch_ids(database, ids, window=window)
        tried += len(ids)
        found += news.matched + try_for(database, news, window=window)
        with database.reading() as connection:
            page = hopeful(connection, after=last, limit=_PAGE)
        if not page:
            return tried, found
        last, ids = page[-1], [place.callback_id for place in page]
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
