"""
Who stores callbacks: this process, or one of its own.

Matching is Python, and so is HTTP: in one process they take turns at Python's lock, however many cores there are. The
receiver that is alone has a second process store what it takes. Within the API server, which has processes of its own,
a thread does it.
"""

from __future__ import annotations

import subprocess
import sys
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Protocol

from airflow_provider_ninebits.ledger.callbacks import store
from airflow_provider_ninebits.ledger.kept import KeptConnection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from multiprocessing.connection import Connection

    from airflow_provider_ninebits.ledger.callbacks import Arrival, Stored
    from airflow_provider_ninebits.ledger.database import Database

END_SECONDS = 10.0
"""How long the process that stores may take to end, after its last group."""


class StoringFailed(Exception):
    """A group was not stored, for a reason that is no error of the ledger's; its text is one that may be logged."""


class Store(Protocol):
    """What commits groups of callbacks, one after the other. One thread uses it."""

    def start(self) -> None:
        """Get ready."""

    def store(self, arrivals: Sequence[Arrival], receiver_id: str | None) -> Stored:
        """
        Commit a group.

        :raises Exception: when none of it was stored; or, if it is :class:`StoringFailed`, perhaps.
        """

    def rest(self) -> None:
        """Hold nothing until the next group."""

    def close(self) -> None:
        """Let go of everything. The next group begins anew."""


class StoreHere:
    """
    Stores in this process.

    :param window: ``[ninebits] match_window``.
    """

    def __init__(self, database: Database, *, window: timedelta) -> None:
        self._database = database
        self._window = window
        self._kept = KeptConnection(database)

    def start(self) -> None:
        """Do nothing: the ledger is opened when something comes."""

    def store(self, arrivals: Sequence[Arrival], receiver_id: str | None) -> Stored:
        """Commit a group."""
        return store(self._database, arrivals, window=self._window, receiver_id=receiver_id, kept=self._kept)

    def rest(self) -> None:
        """Give the connection back."""
        self._kept.give_back()

    def close(self) -> None:
        """Give the connection back; the database is its owner's to close."""
        self._kept.give_back()


class StoreApart:
    """
    Has a process of its own store, :mod:`.store_process`; one that is gone is started again for the next group.

    It ends when this process does, however that ends, and finishes the group that it is at.

    :param window: ``[ninebits] match_window``.
    """

    def __init__(self, ledger_url: str, *, window: timedelta) -> None:
        self._given = (ledger_url, window)
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def start(self) -> None:
        """Start the process, so that the first callback does not wait until it has loaded what it needs."""
        ours, theirs = Pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (ourselves)
                [sys.executable, "-m", "airflow_provider_ninebits.webhook.store_process", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
            )
        finally:
            theirs.close()
        self._pipe = ours
        ours.send(self._given)

    def store(self, arrivals: Sequence[Arrival], receiver_id: str | None) -> Stored:
        """
        Commit a group.

        :raises StoringFailed: when the process was lost; it may have stored the group.
        """
        if self._pipe is None:
            self.start()
        pipe = self._pipe
        if pipe is None:
            raise StoringFailed("the process that stores callbacks does not start")
        try:
            pipe.send((arrivals, receiver_id))
            answer: Stored | Exception = pipe.recv()
        except Exception as error:
            # Whatever it is, what comes through the pipe next may be the answer to another group.
            self.close()
            raise StoringFailed("the process that stores callbacks was lost, and is started again") from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def rest(self) -> None:
        """Do nothing: the process does by itself."""

    def close(self) -> None:
        """End the process."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
