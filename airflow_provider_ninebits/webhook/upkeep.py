"""Heartbeats, and the sweep over what is still unmatched."""

from __future__ import annotations

import logging
import socket
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.database import ledger_now
from airflow_provider_ninebits.ledger.dead_letters import count_unmatched
from airflow_provider_ninebits.ledger.errors import LedgerError
from airflow_provider_ninebits.ledger.receivers import (
    HEARTBEAT_SECONDS,
    TurnedAway,
    heartbeat,
    register,
)
from airflow_provider_ninebits.ledger.rematching import sweep
from airflow_provider_ninebits.webhook.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ninebits.ledger.database import Database

SWEEP_SECONDS = 60.0

log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The receiver ends in the middle of a sweep."""


class Upkeep:
    """
    Tells the ledger that its receiver is up, and what it turned away; and sweeps.

    Each in a thread of its own: a receiver whose heartbeat is kept back by a long sweep counts as down.

    :param registered: told the id of this start of the receiver.
    :param counts: told what was turned away, and how many callbacks are nobody's; None: nobody is.
    """

    def __init__(
        self,
        database: Database,
        *,
        window: timedelta,
        registered: Callable[[str], None],
        counts: Counts | None = None,
    ) -> None:
        self._database = database
        self._window = window
        self._registered = registered
        self._counts = counts or Counts(None)
        self._uncounted = TurnedAway()
        self._lock = threading.Lock()
        self._turned_away = TurnedAway()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def turn_away(self, **counts: int) -> None:
        """Count callbacks that were turned away: ``unauthorized``, ``oversized``, ``unavailable``."""
        with self._lock:
            self._turned_away = _sum(self._turned_away, TurnedAway(**counts))
            self._uncounted = _sum(self._uncounted, TurnedAway(**counts))

    def start(self) -> None:
        """Start the threads, unless they run."""
        with self._lock:
            if not self._threads:
                self._stop.clear()
                self._threads = [
                    threading.Thread(target=self._tell, name="ninebits-heartbeat", daemon=True),
                    threading.Thread(target=self._sweep, name="ninebits-sweep", daemon=True),
                ]
                for thread in self._threads:
                    thread.start()

    def stop(self) -> None:
        """End the threads."""
        self._stop.set()
        with self._lock:
            threads, self._threads = self._threads, []
        for thread in threads:
            thread.join()

    def _sweep(self) -> None:
        while not self._stop.wait(SWEEP_SECONDS):
            try:
                sweep(self._database, window=self._window, pause=self._rest)
                if self._counts.are_told:
                    self._counts.unmatched(count_unmatched(self._database, window=self._window))
            except _Stopped:
                return
            except LedgerError as error:
                log.warning("Callbacks that wait are not tried again: %s", error)
            except Exception:
                log.exception("The sweep over callbacks that wait failed, and is tried again")

    def _rest(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Stopped

    def _tell(self) -> None:
        receiver_id: str | None = None
        while True:
            try:
                # Again where the ledger does not know it: it was purged, or is another one since.
                if receiver_id is None or not self._beat(receiver_id):
                    receiver_id = register(self._database, socket.gethostname())
                    self._registered(receiver_id)
                    self._beat(receiver_id)
            except LedgerError as error:
                log.warning("The receiver's heartbeat is not recorded: %s", error)
            except Exception:
                log.exception("The receiver's heartbeat failed, and goes on")
            self._count()
            if self._stop.wait(HEARTBEAT_SECONDS):
                break
        self._count()
        if receiver_id is not None:
            self._end(receiver_id)

    def _count(self) -> None:
        # Each time and not each callback: anybody can have any number of them turned away.
        with self._lock:
            turned_away, self._uncounted = self._uncounted, TurnedAway()
        self._counts.turned_away(turned_away)

    def _end(self, receiver_id: str) -> None:
        try:
            self._beat(receiver_id, stopping=True)
        except Exception as error:
            log.warning("The receiver's end is not recorded, so what it turned away last is unknown: %s", error)

    def _beat(self, receiver_id: str, *, stopping: bool = False) -> bool:
        # The time first: what is turned away after it may or may not be in the counts.
        with self._database.reading() as connection:
            now = ledger_now(connection)
        with self._lock:
            turned_away, self._turned_away = self._turned_away, TurnedAway()
        noted = False
        try:
            noted = heartbeat(self._database, receiver_id, turned_away, counted_until=now, stopping=stopping)
        finally:
            if not noted:
                with self._lock:
                    self._turned_away = _sum(self._turned_away, turned_away)
        return noted


def _sum(left: TurnedAway, right: TurnedAway) -> TurnedAway:
    return TurnedAway(
        left.unauthorized + right.unauthorized,
        left.oversized + right.oversized,
        left.unavailable + right.unavailable,
    )
