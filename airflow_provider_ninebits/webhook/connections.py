"""
A connection that does not wait for ever, takes no request without end, and of which there are not too many.

uvicorn bounds how long a connection may be idle, but not how long a request may take to come: a thousand senders of
half a request (a "slow loris") would use up the process's files, and nobody else would get in. Nor does it bound a
request's head where httptools parses it, which is faster than h11.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from airflow_provider_ninebits.webhook.settings import RETRY_AFTER_SECONDS

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 10.0
MOST_CONNECTIONS = 500
LARGEST_HEAD_BYTES = 16 * 1024
# A chunk of one byte takes six. What is written around a body's bytes beyond that counts as head.
_FRAMING_BYTES_FOR_EACH = 8
# A timer of uvloop's, which counts in milliseconds, may come a little too early.
_CLOCK_SECONDS = 0.001

COUNT_TURNED_AWAY = "ninebits_count_turned_away"
"""Where the app's state has what counts a callback that was turned away before the app saw it."""

# By status, since a 4xx (408) is never sent again: whoever was slow here comes again.
_COME_AGAIN = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"retry-after: %d\r\ncontent-length: 2\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{}"
    % RETRY_AFTER_SECONDS
)


class _Body:
    """What a parser tells of the one request whose head is read already; what is pipelined after it is let fall."""

    def __init__(self, connection: BoundedConnection) -> None:
        self._connection = connection
        self._ended = False

    def on_body(self, body: bytes) -> None:
        if not self._ended:
            self._connection.on_body(body)

    def on_message_complete(self) -> None:
        if not self._ended:
            self._ended = True
            self._connection.on_message_complete()


class BoundedConnection(HttpToolsProtocol):
    """
    Closes a connection whose next request has not begun to be served within :data:`HEAD_SECONDS`.

    One that is idle after an answer is closed without a word when the server's keep-alive time is over.

    One whose request has more than :data:`LARGEST_HEAD_BYTES` that are no body is answered 400, and closed as well.

    What counts is that the request's head came whole. It is the time since the connection was made, or since the last
    answer; so also a sender who was answered before its body came gets no longer than that to send the rest. Where more
    than :data:`MOST_CONNECTIONS` are open, the one that has owed the rest of its request for longest makes room.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._began = False
        self._owes_body = False
        self._head_bytes = 0
        self._piece_bytes = 0
        self.free_since = 0.0
        """When it was made, or when its last answer was complete. The loop's clock stands still at times."""

    @property
    def owes_request(self) -> bool:
        """Whether the sender has not sent a whole request since the last answer."""
        return self._is_free or self._owes_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self.free_since = time.monotonic()
        self._watch(self._shortest_seconds)
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._began = True
        self._piece_bytes = len(data)
        self._head_bytes += self._piece_bytes
        try:
            self._feed(data)
        except HttpParserError:
            self._turn_down("Invalid HTTP request received.")
        if self._head_bytes > LARGEST_HEAD_BYTES and not self.transport.is_closing():
            self._turn_down("A request was closed: its head, or what is around its body, has no end")

    def on_headers_complete(self) -> None:
        """Hand the request to the app."""
        # A head may come whole in one large piece, so that nothing is left to be counted.
        if self._piece_bytes > LARGEST_HEAD_BYTES and self._fields_bytes() > LARGEST_HEAD_BYTES:
            # The parser makes a 400 of it.
            raise ValueError("the head is too large")
        self._owes_body = True
        self._head_bytes = 0
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._head_bytes = max(self._head_bytes - _FRAMING_BYTES_FOR_EACH * len(body), 0)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        if self.parser.should_upgrade() and self._framing() and not self.cycle.body:
            # The parser takes what follows for another protocol; it is the body.
            return
        self._owes_body = False
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._began = False
        self.free_since = time.monotonic()
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        # What the server does as well, but for its timer: to set and cancel that took longer than the rest of it.
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        if self._deadline is None:
            self._watch(self._shortest_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def turn_away(self) -> None:
        """Close the connection; to a sender in the middle of a request, say that it may come again."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        in_a_head = self._is_free and self._began and not self._owes_body
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

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._read_without_upgrade(data[upgrade.args[0] :])

    def _framing(self) -> bytes:
        framing = (b"content-length", b"transfer-encoding")
        return b"".join(b"%b: %b\r\n" % field for field in self.headers if field[0] in framing)

    def _read_without_upgrade(self, rest: bytes) -> None:
        """
        Read the body of a request that asks for an upgrade, of which there is none here.

        Some clients ask every server for HTTP/2 that way, and a callback comes but once. Its parser reads no further,
        so another one does, which is told the same of the body.
        """
        self.parser = HttpRequestParser(_Body(self))
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + self._framing() + b"\r\n" + rest)

    def _fields_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _turn_down(self, why: str) -> None:
        self.logger.warning(why)
        if self._is_free or not self.cycle.response_started:
            self.send_400_response("Invalid HTTP request received.")
        else:
            self.transport.close()

    @property
    def _shortest_seconds(self) -> float:
        return min(HEAD_SECONDS, self.timeout_keep_alive)

    def _watch(self, seconds: float) -> None:
        """Look again after so long: one timer for all requests, which does not know of those that came meanwhile."""
        self._deadline = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._deadline = None
        if not self._is_free or self.transport.is_closing():
            # The answer begins anew.
            return
        is_idle = self.cycle is not None and not self._began
        patience_seconds = self._shortest_seconds if is_idle else HEAD_SECONDS
        rest_seconds = self.free_since + patience_seconds - time.monotonic()
        if rest_seconds > _CLOCK_SECONDS:
            # The next answer may come before, and its connection be idle then.
            self._watch(min(rest_seconds, self._shortest_seconds))
        elif patience_seconds < HEAD_SECONDS:
            self.transport.close()
        else:
            self._give_up()

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
