"""What passes between the two processes of a receiver: objects, pickled, each with its length before it."""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!Q")
_TIMEVAL = struct.Struct("ll")
_LARGEST_READ = 256 * 1024


class Wire:
    """
    One end of a pair of sockets. One thread uses it.

    Each object is sent, and most are received, with one system call: after each of them a thread has to get Python's
    lock back, while requests are read. So the system is told how long to wait, since a time-out of Python's is one
    more call, and :mod:`multiprocessing` makes several.
    """

    def __init__(self, end: socket.socket) -> None:
        # Whatever was set for all sockets of a process: a time-out of Python's is another one.
        end.settimeout(None)
        self._end = end
        self._came = bytearray()
        self._patience_seconds: dict[int, float] = {}

    def send(self, what: object, patience_seconds: float | None = None) -> None:
        """
        Send an object.

        :param patience_seconds: how long the other end may take to read some of it; None: for ever.
        :raises TimeoutError: when it does not.
        :raises OSError: when nobody is there.
        """
        self._be_patient(socket.SO_SNDTIMEO, patience_seconds)
        pickled = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
        try:
            self._end.sendall(_LENGTH.pack(len(pickled)) + pickled)
        except BlockingIOError as error:
            raise TimeoutError from error

    def receive(self, patience_seconds: float | None = None) -> Any:
        """
        Return the next object that comes. Where it does not come in time, it can be asked for again.

        :param patience_seconds: how long to wait for some of it; None: for ever.
        :raises TimeoutError: when nothing comes.
        :raises EOFError: when nobody is there.
        """
        self._be_patient(socket.SO_RCVTIMEO, patience_seconds)
        self._fill(_LENGTH.size)
        end = _LENGTH.size + _LENGTH.unpack_from(self._came)[0]
        self._fill(end)
        with memoryview(self._came) as came:
            what = pickle.loads(came[_LENGTH.size : end])  # noqa: S301 (ourselves)
        del self._came[:end]
        return what

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _fill(self, size: int) -> None:
        while len(self._came) < size:
            try:
                some = self._end.recv(_LARGEST_READ)
            except BlockingIOError as error:
                raise TimeoutError from error
            if not some:
                raise EOFError
            self._came += some

    def _be_patient(self, option: int, seconds: float | None) -> None:
        # For the system, no time at all is for ever.
        wanted = 0.0 if seconds is None else seconds
        if self._patience_seconds.get(option, 0.0) != wanted:
            whole = int(wanted)
            self._end.setsockopt(socket.SOL_SOCKET, option, _TIMEVAL.pack(whole, int(1e6 * (wanted - whole))))
            self._patience_seconds[option] = wanted
