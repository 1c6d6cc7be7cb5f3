"""
``python -m airflow_provider_ninebits.webhook.store_process FD``: stores what comes through a socket.

:class:`~.storing.StoreApart` starts it. First comes what :class:`~.storing.StoreHere` is given, then group after group,
each of which is answered by what became of it.
"""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.ledger.callbacks import Arrival
from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerError
from airflow_provider_ninebits.ledger.kept_connection import IDLE_SECONDS
from airflow_provider_ninebits.webhook.reasons import reason
from airflow_provider_ninebits.webhook.settings import LOG_FORMAT
from airflow_provider_ninebits.webhook.storing import StoreHere, StoringFailed
from airflow_provider_ninebits.webhook.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.ledger.callbacks import Stored


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
        wire.send(Arrival._fields)
        with closing(Database(url)) as database, closing(StoreHere(database, window=window)) as store:
            # To look through all that is loaded, for garbage, takes 30 ms now and then.
            gc.freeze()
            while True:
                arrivals, receiver_id = _next_group(wire, store)
                wire.send(_answer(store, [Arrival._make(each) for each in arrivals], receiver_id))


def _next_group(wire: Wire, store: StoreHere) -> Any:
    try:
        return wire.receive(IDLE_SECONDS)
    except TimeoutError:
        store.rest()
        return wire.receive()


def _answer(store: StoreHere, arrivals: Sequence[Arrival], receiver_id: str | None) -> Stored | Exception:
    try:
        return store.store(arrivals, receiver_id)
    except LedgerError as error:
        return error
    except Exception as error:
        # One of a driver's may hold what cannot be sent, or what must not be shown.
        return StoringFailed(reason(error))


if __name__ == "__main__":
    main()
