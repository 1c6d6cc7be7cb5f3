"""
``python -m airflow_provider_ninebits.webhook.store_process FD``: stores what comes through a socket.

:class:`~.apart.StoreProcess` starts it. First comes what :class:`~.storing.StoreHere` is given, then deliveries. All
that have come when the last group is committed are the next one, which is answered by what became of it.
"""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
import time
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.ledger.callbacks import Arrival
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerError
from airflow_provider_ninebits.ledger.kept_connection import IDLE_SECONDS
from airflow_provider_ninebits.webhook.apart import what_is_spoken
from airflow_provider_ninebits.webhook.reasons import reason
from airflow_provider_ninebits.webhook.settings import LOG_FORMAT
from airflow_provider_ninebits.webhook.storing import StoreHere, StoringFailed, commit_group
from airflow_provider_ninebits.webhook.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.ledger.callbacks import Stored
    from airflow_provider_ninebits.webhook.storing import Committed


def main() -> None:
    """Store until nobody holds the other end."""
    # A supervisor tells all processes of a service to end: who took a callback must still be able to have it stored.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    # Nobody holds the other end any more.
    with closing(Wire(socket.socket(fileno=int(sys.argv[1])))) as wire, suppress(EOFError, OSError):
        url, window = wire.receive()
        # Both have to mean the same by what passes between them.
        wire.send(what_is_spoken())
        with closing(Database(url)) as database, closing(StoreHere(database, window=window)) as store:
            # To look through all that is loaded, for garbage, takes 30 ms now and then.
            gc.freeze()
            while True:
                wire.send(_committed(store, *_next_group(wire, store)))


def _next_group(wire: Wire, store: StoreHere) -> tuple[int, list[Any], str | None]:
    """
    Return the number of a group's first delivery, the deliveries, and the receiver's id.

    :raises EOFError: where one is missing. Whoever waits for it would be told what became of another.
    """
    try:
        number, told, receiver_id = wire.receive(IDLE_SECONDS)
    except TimeoutError:
        store.rest()
        number, told, receiver_id = wire.receive()
    for next_number, more, _ in wire.more():
        if next_number != number + len(told):
            raise EOFError
        told += more
    return number, told, receiver_id


def _committed(store: StoreHere, number: int, told: list[Any], receiver_id: str | None) -> tuple[int, int, Committed]:
    """Commit deliveries, and return the first one's number, how many they are, and what became of them."""
    ends = [ends_at for ends_at, _ in told]
    deliveries = [[Arrival._make(each) for each in arrivals] for _, arrivals in told]

    def is_over(place: int) -> bool:
        # The clock is the same for all processes of a machine.
        return time.monotonic() > float(ends[place])

    return number, len(told), commit_group(partial(_stored_or_said_why, store), deliveries, receiver_id, is_over)


def _stored_or_said_why(store: StoreHere, arrivals: Sequence[Arrival], receiver_id: str | None) -> Stored:
    """Commit a group. Of an error the words are sent: a driver's may hold what cannot be, or what must not be shown."""
    try:
        return store.store(arrivals, receiver_id)
    except LedgerError:
        raise
    except Exception as error:
        raise StoringFailed(reason(error)) from None


if __name__ == "__main__":
    main()
