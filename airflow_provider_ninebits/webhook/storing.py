"""
Who stores callbacks: this process, or one of its own.

Matching is Python, and so is HTTP: in one process they take turns at Python's lock, however many cores there are. The
receiver that is alone has a second process store what it takes. Within the API server, which has processes of its own,
a thread does it.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ninebits.ledger.callbacks import Arrival, store
from airflow_provider_ninebits.ledger.kept_connection import KeptConnection
from airflow_provider_ninebits.webhook.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from airflow_provider_ninebits.ledger.callbacks import Stored
    from airflow_provider_ninebits.ledger.database import Database

log = logging.getLogger(__name__)

START_SECONDS = 30.0
"""How long the process that stores may take to load what it needs."""
HANG_SECONDS = 150.0
"""How long it may take for a group: more than the ledger's own time-outs together."""
END_SECONDS = 10.0
"""How long it may take to end, after its last group."""


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

    def abort(self) -> None:
        """End the group that is being stored, if that can be ended; another thread than the one that stores asks."""

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
        """Give the connection back, and have SQLite tidy up while nobody waits."""
        self._kept.give_back()
        self._database.write_back()

    def abort(self) -> None:
        """Do nothing: the database ends it by its own time-outs."""

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
        self._wire: Wire | None = None
        self._aborted = False

    def start(self) -> None:
        """
        Start the process, and wait until it has loaded what it needs.

        :raises StoringFailed: when it does not come to that.
        """
        self._aborted = False
        self._begin()

    def store(self, arrivals: Sequence[Arrival], receiver_id: str | None) -> Stored:
        """
        Commit a group; once more with another process where this one is lost, which may have stored it.

        :raises StoringFailed: when that one was lost too.
        """
        try:
            return self._store(arrivals, receiver_id)
        except _Lost as lost:
            if self._aborted:
                raise
            log.warning("%s: it is started again", lost)
            return self._store(arrivals, receiver_id)

    def rest(self) -> None:
        """Do nothing: the process does by itself."""

    def abort(self) -> None:
        """Kill the process, and start no other one until :meth:`start`."""
        self._aborted = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the process."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        # As this process was started: without the working directory among what is imported.
        flags = ["-P"] if sys.flags.safe_path else []
        try:
            self._process = subprocess.Popen(  # noqa: S603 (ourselves)
                [sys.executable, *flags, "-m", f"{__package__}.store_process", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                # Ctrl-C is for the one that is asked; this one has to store what that has taken.
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise StoringFailed(f"the process that stores callbacks cannot be started ({error})") from error
        finally:
            theirs.close()
        self._wire = Wire(ours)
        fields = self._asked(self._given, START_SECONDS)
        if fields != Arrival._fields:
            self.close()
            raise StoringFailed("the package is another one than when this receiver was started: restart it")

    def _store(self, arrivals: Sequence[Arrival], receiver_id: str | None) -> Stored:
        if self._aborted:
            raise StoringFailed("the receiver ends")
        if self._wire is None:
            self._begin()
        # As what they are to Python: to pickle a named tuple calls some of it.
        answer: Stored | Exception = self._asked(([tuple(each) for each in arrivals], receiver_id), HANG_SECONDS)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _asked(self, what: object, patience_seconds: float) -> Any:
        """Send, and return the answer; whatever goes wrong with it, the next answer could be about something else."""
        try:
            if self._wire is None:
                raise EOFError
            self._wire.send(what, patience_seconds)
            return self._wire.receive(patience_seconds)
        except Exception as error:
            if self._process is not None:
                self._process.kill()
            self.close()
            raise _Lost(f"the process that stores callbacks is lost ({type(error).__name__})") from error


class _Lost(StoringFailed):
    """The process ended, or hung, in the middle of a group."""
