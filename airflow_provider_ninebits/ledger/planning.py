"""
Recording a send: all of its parts are in the ledger before the first request, and nobody sends half of them.

Parts are written some at a time, so that a million recipients neither fill the memory nor keep SQLite's one writer from
others. Until the last of them is there the send names its planner, who holds it by a lease. A planner that does not
come back has sent nothing: once its lease is over, whoever comes next throws away what it wrote, and plans anew.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.driver import run
from airflow_provider_ninebits.ledger.errors import KeyInUse, LedgerError, SendBusy
from airflow_provider_ninebits.ledger.ids import new_id
from airflow_provider_ninebits.ledger.parts import (
    create_part,
    create_send,
    give_way,
    has_recipients,
    keeps_parts,
    next_part,
    unsent_parts,
    was_planned_before,
)
from airflow_provider_ninebits.ledger.replanning import compare, excluded_in_doubt, read_overlap
from airflow_provider_ninebits.ledger.sends import read_closed_parts, read_parts
from airflow_provider_ninebits.ledger.siblings import leave_out, parts_of_siblings, under_way
from airflow_provider_ninebits.ledger.staging import staged
from airflow_provider_ninebits.ledger.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import Any

    from sqlalchemy.engine import Connection, Row

    from airflow_provider_ninebits.ledger.database import Database
    from airflow_provider_ninebits.ledger.sends import Part, SendPlan
    from airflow_provider_ninebits.ledger.staging import Given

PARTS_PER_TRANSACTION = 10
"""Ten thousand recipients: some tenths of a second in which SQLite lets nobody else write."""
PLANNING_LEASE_SECONDS = 90.0
"""Renewed with each transaction. Longer than any of them may take, busy and statement time-outs included."""
_POLL_SECONDS = 1.0
# PostgreSQL checks the foreign keys of each recipient by a query, and to plan that anew for each took most of the time.
# Without sequential scans, which an empty table seems to ask for, one plan is good for all.
_PLAN_ONCE = """
    SELECT set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)
"""


@dataclass(frozen=True)
class Planned:
    """
    A send in the ledger.

    :param resumed: whether it was there before.
    :param difference: what was given differs from what is stored, in words for the log; None: it does not.
    :param excluded: how many of the numbers that were given are excluded.
    :param excluded_in_doubt: parts that may have been placed and hold numbers that are excluded now, by message id.
    :param siblings: parts with which other instances of the mapped task have, or may have, rung some of what was given.
    :param left_to_siblings: how many numbers these are; they are in no part of this send.
    """

    send_id: str
    parts: tuple[Part, ...]
    resumed: bool
    difference: str | None = None
    excluded: int = 0
    excluded_in_doubt: frozenset[str] = frozenset()
    siblings: tuple[Part, ...] = ()
    left_to_siblings: int = 0

    @property
    def all_accepted(self) -> bool:
        """Whether all of its parts were accepted before."""
        return all(part.state is MessageState.ACCEPTED for part in self.parts)


def plan_send(
    database: Database,
    plan: SendPlan,
    *,
    replan: bool,
    part_size: int,
    pause: Callable[[float], None] = time.sleep,
) -> Planned:
    """
    Record a send, or find the one that has its key.

    :param replan: what to do where the ledger's send has other numbers or other media: plan the unsent rest anew (the
        operator, whose key is its place in the DAG), or refuse.
    :param pause: called with the seconds to wait while another process plans the same send, and with 0 between two
        transactions. What it raises ends the planning, and nothing is sent.
    :raises KeyInUse: where they differ and ``replan`` is False, or where it was purged before all of it was placed.
    :raises PlanRefused: for more numbers than ``max_recipients``, or none.
    :raises SendBusy: where another process is sending, or planning, what was to be planned anew.
    """
    with staged(database, plan) as given:
        planning = _Planning(database, plan, given, part_size, pause)
        try:
            return planning.run(replan)
        except IntegrityError:
            # Two processes came first with one key: the other's send is there now.
            return planning.run(replan)


def count_given(database: Database, plan: SendPlan, *, part_size: int) -> tuple[int, int, int]:
    """
    Return how many numbers a plan would ring, in how many parts, and how many are excluded. Nothing is recorded.

    :raises PlanRefused: as :func:`plan_send` does.
    """
    with staged(database, plan) as given:
        given.check_somebody()
        return given.recipients, given.count_parts(part_size), given.excluded


@dataclass
class _Planning:
    database: Database
    plan: SendPlan
    given: Given
    part_size: int
    pause: Callable[[float], None]
    me: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def connection(self) -> Connection:
        return self.given.connection

    def run(self, replan: bool) -> Planned:
        while True:
            stored, now = self._stored()
            if stored is None:
                self.given.check_somebody()
                send_id = new_id(now)
                self._write(send_id, partial(self._create, send_id))
                return self._planned(send_id, resumed=False)
            if stored.purge_state is not None:
                purged = tuple(read_closed_parts(self.connection, stored.id))
                return Planned(stored.id, purged, resumed=True, excluded=self.given.excluded)
            if stored.planner is None:
                return self._resume(stored.id, replan)
            if stored.planner_expires_at <= now:
                # A first plan that was interrupted is made as a first one is.
                first = not was_planned_before(self.connection, stored.id)
                self._check_somebody_was_or_is_rung(stored.id)
                return self._plan_anew(stored.id, stored.planner, siblings=[] if first else self._settled_siblings())
            self.pause(_POLL_SECONDS)

    def _stored(self) -> tuple[Row[Any, Any, Any, Any] | None, datetime]:
        send = schema.send.c
        found = self.connection.execute(
            select(send.id, send.planner, send.planner_expires_at, send.purge_state).where(
                # A send without a key is nobody's to find: nothing equals null.
                send.idempotency_key == bindparam("key", self.plan.idempotency_key)
            )
        ).one_or_none()
        now = ledger_now(self.connection)
        self.connection.rollback()
        return found, now

    def _resume(self, send_id: str, replan: bool) -> Planned:
        self._check_somebody_was_or_is_rung(send_id)
        overlap = read_overlap(
            self.connection, send_id, self.given.recipients, self.plan.media, by_zones=self.given.by_zones
        )
        self.connection.rollback()
        change = compare(overlap)
        if change is None:
            return self._planned(send_id, resumed=True)
        if not replan:
            raise KeyInUse(
                f"the idempotency key belongs to a send with other numbers or other media ({change.difference}); "
                "give this send a key of its own"
            )
        if change.plan_rest_anew:
            return self._plan_anew(send_id, None, siblings=self._settled_siblings(), difference=change.difference)
        return self._planned(send_id, resumed=True, difference=change.difference)

    def _plan_anew(
        self, send_id: str, planner: str | None, *, siblings: list[Part], difference: str | None = None
    ) -> Planned:
        """Let what was not sent give way to what is given, less what the siblings of a mapped instance have rung."""
        left_to_siblings = leave_out(self.connection, siblings)
        self.connection.commit()
        self._write(send_id, partial(self._take, send_id, planner))
        planned = self._planned(send_id, resumed=True, difference=difference)
        return replace(planned, siblings=tuple(siblings), left_to_siblings=left_to_siblings)

    def _check_somebody_was_or_is_rung(self, send_id: str) -> None:
        # Where some were, nobody may be left: a query for those who were not called yet.
        keeps_some = keeps_parts(self.connection, send_id)
        self.connection.rollback()
        if not keeps_some:
            self.given.check_somebody()

    def _settled_siblings(self) -> list[Part]:
        while True:
            siblings = parts_of_siblings(self.connection, self.plan)
            busy = under_way(self.connection, siblings)
            self.connection.rollback()
            if not busy:
                return siblings
            self.pause(_POLL_SECONDS)

    def _planned(self, send_id: str, *, resumed: bool, difference: str | None = None) -> Planned:
        parts = tuple(read_parts(self.connection, send_id))
        in_doubt = excluded_in_doubt(self.connection, send_id) if resumed and self.given.excludes else frozenset[str]()
        return Planned(send_id, parts, resumed, difference, self.given.excluded, in_doubt)

    def _write(self, send_id: str, begin: Callable[[], None]) -> None:
        """Let what was not sent give way to what is given now, some parts to a transaction."""
        steps = self._steps(send_id, begin)
        begun, done = False, False
        try:
            while not done:
                with self.database.writing_on(self.connection):
                    if not self.database.is_sqlite:
                        run(self.connection, _PLAN_ONCE)
                    if begun:
                        self._hold(send_id, self.me, self.me)
                    done = sum(1 for _ in islice(steps, PARTS_PER_TRANSACTION)) < PARTS_PER_TRANSACTION
                begun = True
                if not done:
                    self.pause(0.0)
        except BaseException:
            if begun:
                self._let_go(send_id)
            raise

    def _steps(self, send_id: str, begin: Callable[[], None]) -> Iterator[None]:
        begin()
        for message_id in unsent_parts(self.connection, send_id):
            give_way(self.connection, message_id)
            yield
        first, now = next_part(self.connection, send_id), ledger_now(self.connection)
        besides = send_id if has_recipients(self.connection, send_id) else None
        for part, (zones, numbers) in enumerate(self.given.parts(self.part_size, besides=besides), start=first):
            create_part(self.connection, self.plan, send_id, part, numbers, now, zones)
            yield
        self._hold(send_id, self.me, None)

    def _create(self, send_id: str) -> None:
        create_send(self.connection, self.plan, send_id, self.me, timedelta(seconds=PLANNING_LEASE_SECONDS))

    def _take(self, send_id: str, planner: str | None) -> None:
        self._hold(send_id, planner, self.me)

    def _hold(self, send_id: str, planner: str | None, successor: str | None) -> None:
        """Pass the send from one planner to the next, or renew its lease; None is nobody."""
        send = schema.send.c
        now = ledger_now(self.connection)
        held = self.connection.execute(
            update(schema.send)
            .where(send.id == send_id, send.planner.is_not_distinct_from(planner), send.purge_state.is_(None))
            .values(
                planner=successor,
                planner_expires_at=None if successor is None else now + timedelta(seconds=PLANNING_LEASE_SECONDS),
            )
        )
        if held.rowcount != 1:
            raise SendBusy("another process plans this send, or purges it; try again when that has ended")

    def _let_go(self, send_id: str) -> None:
        """Leave an unfinished plan to whoever comes next, who need not wait for the lease then."""
        send = schema.send.c
        with suppress(LedgerError), self.database.writing() as connection:
            connection.execute(
                update(schema.send)
                .where(send.id == send_id, send.planner == self.me)
                .values(planner_expires_at=ledger_now(connection))
            )
