"""
A connection that does not wait for ever, and of which there are not too many.

uvicorn bounds how long a connection may be idle, but not how long a request may take to come: a thousand senders of
half a request (a "slow loris") would use up the process's files, and nobody else would get in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 10.0
MOST_CONNECTIONS = 500
LARGEST_HEAD_BYTES = 16 * 1024

# By status, since a 4xx (408) is never sent again: whoever was slow here comes again.
_COME_AGAIN = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"retry-after: 30\r\ncontent-length: 2\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{}"
)


class BoundedConnection(H11Protocol):
    """
    Closes a connection whose next request has not begun to be served within :data:`HEAD_SECONDS`.

    What counts is that the request's head came whole. It is the time since the connection was made, or since the last
    answer; so also a sender who was answered before its body came gets no longer than that to send the rest. Where more
    than :data:`MOST_CONNECTIONS` are open, the one that has waited longest makes room.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._began = False
        self.waiting_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._look()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._began = True
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._began = False
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _look(self) -> None:
        served = self.cycle is not None and not self.cycle.response_complete
        if served or self.transport.is_closing():
            self._stop_waiting()
        elif self._deadline is None:
            self.waiting_since = self.loop.time()
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        self.waiting_since = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._stop_waiting()
        self.logger.warning("A connection was closed: no whole request came over it within %d s", HEAD_SECONDS)
        self.turn_away()

    def turn_away(self) -> None:
        """Close the connection; to a sender in the middle of a request's head, say that it may come again."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        if self._began and self.conn.their_state is h11.IDLE:
            self.transport.write(_COME_AGAIN)
        self.transport.close()

    def _make_room(self) -> None:
        waiting = [
            (each.waiting_since, place, each)
            for place, each in enumerate(self.connections)
            if isinstance(each, BoundedConnection) and each.waiting_since is not None
        ]
        self.logger.warning("Too many connections: the one that had waited longest for its request made room")
        if waiting:
            min(waiting)[2].turn_away()
