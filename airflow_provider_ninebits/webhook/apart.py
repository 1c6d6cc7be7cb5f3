"""The process of its own that stores what a receiver takes, as its receiver sees it: :mod:`.store_process`."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_provider_ninebits import __version__
from airflow_provider_ninebits.ledger.callbacks import Arrival
from airflow_provider_ninebits.webhook.storing import StoringFailed
from airflow_provider_ninebits.webhook.wire import Wire

if TYPE_CHECKING:
    from datetime import timedelta

START_SECONDS = 30.0
"""How long it may take to load what it needs."""
END_SECONDS = 10.0
"""How long it may take to end, after its last group; and once more, when it was killed."""

log = logging.getLogger(__name__)


class StoreProcess:
    """
    One process that stores. It ends when this process does, however that ends, and finishes the group that it is at.

    :param window: ``[ninebits] match_window``.
    :raises StoringFailed: when it cannot be started.
    """

    def __init__(self, ledger_url: str, *, window: timedelta) -> None:
        self._given = (ledger_url, window)
        ends: list[socket.socket] = []
        # As this process was started: without the working directory among what is imported.
        flags = ["-P"] if sys.flags.safe_path else []
        try:
            ends += socket.socketpair()
            theirs = ends[1]
            self._process = subprocess.Popen(  # noqa: S603 (ourselves)
                [sys.executable, *flags, "-m", f"{__package__}.store_process", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                # Ctrl-C is for the one that is asked; this one has to store what that has taken.
                start_new_session=True,
            )
        except OSError as error:
            for end in ends:
                end.close()
            raise StoringFailed(f"the process that stores callbacks cannot be started ({error})") from error
        theirs.close()
        self.wire = Wire(ends[0])

    def wait_until_ready(self) -> None:
        """
        Return when it has loaded what it needs.

        :raises StoringFailed: when it does not come to that; it is closed then.
        """
        try:
            self.wire.send(self._given, START_SECONDS)
            spoken = self.wire.receive(START_SECONDS)
        except Exception as error:
            self.kill()
            self.close()
            raise lost(error) from error
        if spoken != what_is_spoken():
            self.close()
            raise StoringFailed("the package is another one than when this receiver was started: restart it")

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.kill()

    def close(self) -> None:
        """Let it finish what it has, and end."""
        self.wire.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
            return
        self._process.kill()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            # It waits in the kernel, for a dead disk, say. Another one can store beside it: repeats are told.
            log.error("The process %d, which stored callbacks, does not end though it was killed", self._process.pid)


def what_is_spoken() -> tuple[str, tuple[str, ...]]:
    """Return what both processes have to agree on. It differs where the package was changed while one of them ran."""
    return __version__, Arrival._fields


def lost(error: Exception) -> StoringFailed:
    """Return what is said where it ended, or hung, in the middle of a group."""
    return StoringFailed(f"the process that stores callbacks is lost ({type(error).__name__})")
