"""
``python -m airflow_provider_ninebits.webhook.store_process FD``: stores what comes through a pipe.

:class:`~.storing.StoreApart` starts it. First comes what :class:`~.storing.StoreHere` is given, then group after group,
each of which is answered by what became of it.
"""

from __future__ import annotations

import gc
import logging
import signal
import sys
from contextlib import closing
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.errors import LedgerError
from airflow_provider_ninebits.ledger.kept import IDLE_SECONDS
from airflow_provider_ninebits.webhook.settings import LOG_FORMAT
from airflow_provider_ninebits.webhook.shown import reason
from airflow_provider_ninebits.webhook.storing import StoreHere, StoringFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored


def main() -> None:
    """Store until nobody holds the other end of the pipe."""
    # A supervisor tells all processes of a service to end: who took a callback must still be able to have it stored.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    with Connection(int(sys.argv[1])) as pipe:
        url, window = pipe.recv()
        with closing(Database(url)) as database:
            store = StoreHere(database, window=window)
            # To look through all that is loaded, for garbage, takes 30 ms now and then.
            gc.freeze()
            _serve(pipe, store)
            store.close()


def _serve(pipe: Connection, store: StoreHere) -> None:
    while True:
        if not pipe.poll(IDLE_SECONDS):
            store.rest()
        try:
            arrivals, receiver_id = pipe.recv()
            pipe.send(_answer(store, arrivals, receiver_id))
        except (EOFError, BrokenPipeError):
            return


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
