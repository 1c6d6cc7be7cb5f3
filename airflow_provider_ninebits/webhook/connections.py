"""
A connection that does not wait for ever, and of which there are not too many.

uvicorn bounds how long a connection may be idle, but not how long a request may take to come: a thousand senders of
half a request (a "slow loris") would use up the process's files, and nobody else would get in.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 10.0
MOST_CONNECTIONS = 500
LARGEST_HEAD_BYTES = 16 * 1024

COUNT_TURNED_AWAY = "ninebits_count_turned_away"
"""Where the app's state has what counts a callback that was turned away before the app saw it."""

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
    than :data:`MOST_CONNECTIONS` are open, the one that has owed the rest of its request for longest makes room.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._began = False
        self.free_since = 0.0
        """When it was made, or when its last answer was complete. The loop's clock stands still at times."""

    @property
    def owes_request(self) -> bool:
        """Whether the sender has not sent a whole request since the last answer."""
        return self._is_free or self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self.free_since = time.monotonic()
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
        self.free_since = time.monotonic()
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def turn_away(self) -> None:
        """Close the connection; to a sender in the middle of a request, say that it may come again."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        in_a_head = self._is_free and self._began and not (self.cycle and self.cycle.more_body)
        in_a_body = not self._is_free and not self.cycle.response_started
        if in_a_head or in_a_body:
            self.transport.write(_COME_AGAIN)
        # In a body the app is at work, and counts it itself.
        if in_a_head and COUNT_TURNED_AWAY in self.app_state:
            self.app_state[COUNT_TURNED_AWAY]()
        self.transport.close()

    @property
    def _is_free(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _look(self) -> None:
        if not self._is_free or self.transport.is_closing():
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self.logger.warning("A connection was closed: no whole request came over it within %d s", HEAD_SECONDS)
        self.turn_away()

    def _make_room(self) -> None:
        self.logger.warning("Too many connections: the one that had owed its request for longest made room")
        owing = [
            (each.free_since, place, each)
            for place, each in enumerate(self.connections)
            if isinstance(each, BoundedConnection) and each.owes_request and not each.transport.is_closing()
        ]
        # At least this one is among them.
        min(owing)[2].turn_away()
