"""Matching some callbacks within one transaction: their verdicts, and what these change elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.ledger.api_answers import apply_answer
from airflow_provider_ninebits.ledger.book import Book, call_record
from airflow_provider_ninebits.ledger.bulk import write
from airflow_provider_ninebits.ledger.entries import read_entries
from airflow_provider_ninebits.ledger.matching import NOBODY, CallFacts, Verdict, earliest_request, match_call
from airflow_provider_ninebits.ledger.states import CallbackKind, MatchState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.bulk import Change
    from airflow_provider_ninebits.ledger.entries import Entries


@dataclass(frozen=True)
class News:
    """
    What some matching brought: how many it matched, and for which ref_ids, messages and numbers others are tried.

    :param first_callbacks: see :class:`~.book.Book`.
    """

    matched: int = 0
    ref_ids: frozenset[str] = frozenset()
    message_ids: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    first_callbacks: tuple[tuple[str, float], ...] = ()

    def __add__(self, more: News) -> News:
        return News(
            self.matched + more.matched,
            self.ref_ids | more.ref_ids,
            self.message_ids | more.message_ids,
            self.numbers | more.numbers,
            self.first_callbacks + more.first_callbacks,
        )


def match_rows(
    connection: Connection,
    rows: Sequence[dict[str, Any]],
    now: datetime,
    window: timedelta,
    entries: Entries | None = None,
) -> tuple[News, list[Change]]:
    """
    Match callbacks in their order, and enter the verdicts into the rows.

    :param entries: what the ledger holds of their numbers and ``ref_id``, if that was read already.
    :return: what it brought, and what is to be written elsewhere, together with the rows.
    """
    open_rows = [row for row in rows if row["match_state"] == MatchState.UNMATCHED]
    calls = [row for row in open_rows if row["kind"] == CallbackKind.CALL]
    if entries is None:
        times = [now, *(row["started_at"] or now for row in calls), *(row["received_at"] for row in calls)]
        entries = read_entries(
            connection,
            {row["number"] for row in calls if row["number"]},
            {row["ref_id"] for row in calls if row["ref_id"]},
            earliest_request(times, window),
            locking=True,
        )
    book = Book(connection, entries, now)
    for row in calls:
        verdict = _verdict(book, row, window)
        book.enter(verdict, call_record(row), row["ref_id"])
        row["ambiguous"] = verdict.ambiguous
        row["recipient_id"] = verdict.recipient_id
        row["request_id"] = None if verdict.ambiguous else verdict.request_id
        if verdict.recipient_id is not None:
            row["match_state"] = MatchState.MATCHED
    changes = book.changes()
    news = News(
        ref_ids=frozenset(book.adopted_ref_ids),
        message_ids=frozenset(book.accepted_messages),
        numbers=frozenset(book.answered_numbers),
        first_callbacks=tuple(book.first_callbacks),
    )
    answers = [row for row in open_rows if row["kind"] == CallbackKind.ANSWER]
    if answers:
        # They look at what the calls before them have changed.
        write(connection, *changes)
        changes = []
    for row in answers:
        if message_id := apply_answer(connection, row, now, window):
            row["match_state"] = MatchState.MATCHED
            news = replace(news, ref_ids=news.ref_ids | {row["ref_id"]}, message_ids=news.message_ids | {message_id})
    return replace(news, matched=sum(row["match_state"] == MatchState.MATCHED for row in open_rows)), changes


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
