"""
Purging: what is old and settled goes, in batches, each a short transaction of its own.

A send is closed first: from then on nothing of it is planned or sent, whoever comes with its key. Its messages go
after that, each with its recipients and callbacks in one transaction, so that a purge that is killed leaves no half a
message, and the next one finishes what it began.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import delete, insert

from airflow_provider_ninebits.ledger import erasing, leftovers, purgeable, schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.escalations import LADDER_ENDS_WITHIN
from airflow_provider_ninebits.ledger.events import drop_abandoned
from airflow_provider_ninebits.ledger.retention import REPEATS_END_AFTER, SendFate, Windows, fate, loose_until
from airflow_provider_ninebits.ledger.states import PurgeState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.database import Database

SENDS_IN_A_BATCH = 100
RECIPIENTS_IN_A_BATCH = 1000
MESSAGES_IN_A_BATCH = 200
ROWS_IN_A_BATCH = 500
_SHORTEST_PAUSE_SECONDS = 0.01
_GOING = (SendFate.PURGED, SendFate.FORGOTTEN)

T = TypeVar("T")


@dataclass(frozen=True)
class Purged:
    """
    What a purge has taken, in counts; of a dry run: what it would take.

    :param keys: sends and tasks that a late retry finds no more.
    :param unsettled_sends: those that are old enough, and stay.
    """

    sends: int = 0
    messages: int = 0
    recipients: int = 0
    callbacks: int = 0
    receivers: int = 0
    keys: int = 0
    unsettled_sends: int = 0
    alerts: int = 0

    def __add__(self, more: Purged) -> Purged:
        return Purged(*(getattr(self, each.name) + getattr(more, each.name) for each in fields(self)))


@dataclass(frozen=True)
class Policy:
    """
    What is to go.

    :param older_than: how long ago the last event has to be.
    :param windows: how long callbacks are waited for.
    :param mask: keep the statistics, and drop the numbers.
    :param unsettled_too: take what is unsettled as well, once nothing can come any more that settles it.
    :param keys_older_than: forget the keys of what was purged, and tasks, after so long; None: never.
    """

    older_than: timedelta
    windows: Windows
    mask: bool = False
    unsettled_too: bool = False
    keys_older_than: timedelta | None = None

    def __post_init__(self) -> None:
        if self.keys_older_than is not None and self.keys_older_than < self.older_than:
            raise ValueError("the keys are kept at least as long as what they stand for: raise keys_older_than")

    def fate_of(self, send: purgeable.SendFacts, now: datetime) -> SendFate:
        """Return what becomes of a send."""
        return fate(send.parts, now, older_than=self.older_than, windows=self.windows, unsettled_too=self.unsettled_too)


def purge(
    database: Database,
    policy: Policy,
    *,
    dry_run: bool = False,
    pause: Callable[[float], None] = time.sleep,
    told: Callable[[Purged], None] = lambda done: None,
) -> Purged:
    """
    Take what is old and settled out of the ledger, or mask it.

    :param dry_run: count what would go, and write nothing.
    :param pause: sleeps between two batches, as long as the last one took: SQLite's write lock is given to nobody in
        turn, and a receiver must come by it.
    :param told: after each batch, what is gone by then.
    :raises LedgerUnreachable: when the ledger cannot be written. What was taken is gone; the next purge goes on.
    """
    done = _Purge(database, policy, dry_run, pause, told).run()
    # SQLite has what was overwritten in its log; until that is in the file, the file has it as it was.
    database.write_back()
    return done


def vacuum(database: Database) -> None:
    """
    Rewrite a SQLite ledger without what was deleted. Nobody can write to it meanwhile: receivers answer 503.

    :raises LedgerUnreachable: when it cannot be rewritten: in use all the time, or no room for a second copy.
    """
    with database.reading() as connection:
        connection.exec_driver_sql("VACUUM")
        # The old pages are in the write-ahead log too, until it is written over.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


@dataclass
class _Purge:
    database: Database
    policy: Policy
    dry_run: bool
    pause: Callable[[float], None]
    told: Callable[[Purged], None]
    done: Purged = field(default_factory=Purged)

    def run(self) -> Purged:
        with self.database.reading() as connection:
            now = ledger_now(connection)
        if not self.dry_run:
            self._announce(now)
            self._finish_others(now)
        # What is masked goes later than it was masked; what a killed purge was masking may be old enough to go.
        for state in [None] if self.policy.mask else [None, PurgeState.MASKING, PurgeState.MASKED]:
            self._take_sends(state, now)
        self._take_leftovers(now)
        return self.done

    def _announce(self, now: datetime) -> None:
        """Note how far this purge goes, before it does: from then on silence before that proves nothing."""
        until = now - self.policy.older_than
        with self.database.writing() as connection:
            connection.execute(delete(schema.purge).where(schema.purge.c.purged_until <= until))
            connection.execute(insert(schema.purge).values(purged_until=until, begun_at=now))

    def _take_sends(self, state: PurgeState | None, now: datetime) -> None:
        """Close the sends that go, a page at a time, and take what is in them."""
        after: tuple[datetime, str] | None = None
        before = now - self.policy.older_than
        while page := self._read(purgeable.old_sends, state, before, after=after, limit=SENDS_IN_A_BATCH):
            after = (page[-1].created_at, page[-1].id)
            fates = [(send, self.policy.fate_of(send, now)) for send in page]
            self.done += Purged(unsettled_sends=sum(where is SendFate.UNSETTLED for _, where in fates))
            going = [send.id for send, where in fates if where in _GOING]
            if going and self.dry_run:
                self.done += _taken(self._read(erasing.counts, going)) + Purged(sends=len(going))
            elif going:
                self._close(going)
                self._finish(PurgeState.MASKING if self.policy.mask else PurgeState.PURGING, going, now)

    def _close(self, send_ids: Sequence[str]) -> None:
        purge_state = PurgeState.MASKING if self.policy.mask else PurgeState.PURGING
        with self._writing() as connection:
            now = ledger_now(connection)
            # Looked at again under locks: somebody may have claimed a part of it, or planned it anew.
            for send in purgeable.locked_sends(connection, send_ids):
                where = self.policy.fate_of(send, now)
                if where in _GOING:
                    erasing.close(connection, send.id, purge_state, forget=where is SendFate.FORGOTTEN)

    def _finish_others(self, now: datetime) -> None:
        """Finish what purges before this one have closed: they were killed, or had to wait for repeats."""
        for state in (PurgeState.MASKING, PurgeState.PURGING):
            after = ""
            while send_ids := self._read(purgeable.closed_sends, state, after=after, limit=SENDS_IN_A_BATCH):
                after = send_ids[-1]
                self._finish(state, send_ids, now)

    def _finish(self, state: PurgeState, send_ids: Sequence[str], now: datetime) -> None:
        """Take what is in closed sends."""
        erase = erasing.mask if state is PurgeState.MASKING else erasing.remove
        for message_ids in _batches(self._read(purgeable.messages_of, state, send_ids)):
            with self._writing() as connection:
                self.done += _taken(erase(connection, message_ids, now - REPEATS_END_AFTER))
        with self._writing() as connection:
            self.done += Purged(sends=erasing.finish(connection, state, send_ids))

    def _take_leftovers(self, now: datetime) -> None:
        """Take what belongs to no send: callbacks, receivers that are gone, alerts, and keys that nobody comes with."""
        policy = self.policy
        old = now - policy.older_than
        loose = loose_until(now, older_than=policy.older_than, windows=policy.windows)
        self._take("callbacks", leftovers.loose_callbacks(old, loose, repeats_before=now - REPEATS_END_AFTER))
        self._take("receivers", leftovers.silent_receivers(old))
        self._take("alerts", leftovers.alerts(old))
        self._take("alerts", leftovers.escalations(min(old, now - LADDER_ENDS_WITHIN)))
        if policy.keys_older_than is not None:
            self._take("keys", leftovers.keys(now - policy.keys_older_than))
            self._take("keys", leftovers.tasks(now - policy.keys_older_than))
        self._drop_abandoned_events(now)

    def _drop_abandoned_events(self, now: datetime) -> None:
        """Take the events that nobody waits for any more, since their DAG is gone or asks for others."""
        dropped = 0 if self.dry_run else 1
        while dropped:
            with self._writing() as connection:
                dropped = drop_abandoned(connection, now)

    def _take(self, counted_as: str, rows: leftovers.Leftovers) -> None:
        if self.dry_run:
            self.done += Purged(**{counted_as: self._read(rows.count)})
            return
        while ids := self._read(rows.ids, ROWS_IN_A_BATCH):
            with self._writing() as connection:
                self.done += Purged(**{counted_as: rows.delete(connection, ids)})

    def _read(self, query: Callable[..., T], *arguments: object, **named: object) -> T:
        with self.database.reading() as connection:
            return query(connection, *arguments, **named)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        begun_at = time.monotonic()
        with self.database.writing() as connection:
            yield connection
        self.told(self.done)
        self.pause(max(time.monotonic() - begun_at, _SHORTEST_PAUSE_SECONDS))


def _taken(erased: erasing.Erased) -> Purged:
    return Purged(messages=erased.messages, recipients=erased.recipients, callbacks=erased.callbacks)


def _batches(messages: Sequence[tuple[str, int]]) -> Iterator[list[str]]:
    """Put messages together, as many as have a batch's recipients; one alone where it has more."""
    batch: list[str] = []
    size = 0
    for message_id, recipients in messages:
        if batch and (size + recipients > RECIPIENTS_IN_A_BATCH or len(batch) == MESSAGES_IN_A_BATCH):
            yield batch
            batch, size = [], 0
        batch.append(message_id)
        size += recipients
    if batch:
        yield batch
