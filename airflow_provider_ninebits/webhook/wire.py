"""What passes between the two processes of a receiver: objects, pickled, each with its length before it."""

from __future__ import annotations

import errno
import pickle
import select
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = struct.Struct("!Q")
_TIMEVAL = struct.Struct("ll")
_LARGEST_READ = 256 * 1024
_NO_ROOM = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS, errno.ENOMEM)


class Wire:
    """
    One end of a pair of sockets. One thread receives, and one at a time sends.

    Each object is sent, and most are received, with one system call: after each of them a thread has to get Python's
    lock back, while requests are read. So the system is told how long to wait, since a time-out of Python's is one
    more call, and :mod:`multiprocessing` makes several.
    """

    def __init__(self, end: socket.socket) -> None:
        # Whatever was set for all sockets of a process: a time-out of Python's is another one.
        end.settimeout(None)
        self._end = end
        self._came = bytearray()
        self._to_go = bytearray()
        self._patience_seconds: dict[int, float] = {}

    def send(self, what: object, patience_seconds: float | None = None) -> None:
        """
        Send an object.

        :param patience_seconds: how long the other end may take to read some of it; None: for ever.
        :raises TimeoutError: when it does not.
        :raises OSError: when nobody is there.
        """
        framed = _framed(what)
        self._be_patient(socket.SO_SNDTIMEO, patience_seconds)
        try:
            self._end.sendall(framed)
        except BlockingIOError as error:
            raise TimeoutError from error

    def post(self, what: object) -> bool:
        """
        Send an object, as much of it as goes without waiting; the rest by :meth:`push`.

        :return: whether it is all sent.
        :raises OSError: when nobody is there.
        """
        self._to_go += _framed(what)
        return self.push()

    def push(self) -> bool:
        """
        Send what is left of what was posted, as much of it as goes without waiting.

        :return: whether that was all.
        :raises OSError: when nobody is there.
        """
        try:
            while self._to_go:
                del self._to_go[: self._end.send(self._to_go, socket.MSG_DONTWAIT)]
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
        return not self._to_go

    def wait(self, seconds: float) -> bool:
        """
        Return when some has come, or nobody is there any more, or after some time.

        Room for more is not waited for: there seems to be some where the system only lacks the memory to send with.

        :return: whether it was not the time that has passed.
        """
        # Not select, which takes no descriptor above 1023.
        waiting = select.poll()
        waiting.register(self._end, select.POLLIN)
        return bool(waiting.poll(1000 * seconds))

    def receive(self, patience_seconds: float | None = None) -> Any:
        """
        Return the next object that comes. Where it does not come in time, it can be asked for again.

        :param patience_seconds: how long to wait for some of it; None: for ever.
        :raises TimeoutError: when nothing comes.
        :raises EOFError: when nobody is there.
        """
        self._be_patient(socket.SO_RCVTIMEO, patience_seconds)
        while not self._is_whole():
            self._read_some()
        return self._taken()

    def more(self) -> Iterator[Any]:
        """Give what has come by now."""
        while True:
            if not self._is_whole():
                with suppress(TimeoutError, EOFError):
                    self._read_some(socket.MSG_DONTWAIT)
                if not self._is_whole():
                    return
            yield self._taken()

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _is_whole(self) -> bool:
        came = len(self._came)
        return came >= _LENGTH.size and came >= _LENGTH.size + _LENGTH.unpack_from(self._came)[0]

    def _taken(self) -> Any:
        end = _LENGTH.size + _LENGTH.unpack_from(self._came)[0]
        with memoryview(self._came) as came:
            what = pickle.loads(came[_LENGTH.size : end])  # noqa: S301 (ourselves)
        del self._came[:end]
        return what

    def _read_some(self, flags: int = 0) -> None:
        try:
            some = self._end.recv(_LARGEST_READ, flags)
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


def _framed(what: object) -> bytes:
    pickled = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(pickled)) + pickled
