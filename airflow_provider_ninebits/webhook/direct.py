"""
The way of nearly all callbacks, where the receiver is alone: no task, no scope, no messages.

What the server does to run an ASGI app once takes longer than all that the receiver does in this process. So a callback
that came whole, in one piece with its head, as 9bits' do, is taken where it was parsed. Everything else goes on to the
app: another path, a list, a body in pieces or of unknown length, a client that closes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ninebits.webhook.connections import BoundedConnection

if TYPE_CHECKING:
    from airflow_provider_ninebits.webhook.intake import Answer, Intake

INTAKE = "ninebits_intake"
"""Where the app's state has what takes callbacks, and by which path they come."""
LARGEST_AT_ONCE_BYTES = 16 * 1024

_FOR_THE_APP = frozenset((b"transfer-encoding", b"expect", b"upgrade"))


class _NoEvent:
    def set(self) -> None:
        """Do nothing: nobody waits."""


class _Taken:
    """A request that the app never sees, with what the server asks of those that it does see."""

    message_event = _NoEvent()
    response_started = False
    body = b""

    def __init__(self) -> None:
        self.response_complete = False
        self.disconnected = False
        self.keep_alive = True


class DirectConnection(BoundedConnection):
    """Takes whole callbacks itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._intake: Intake | None
        self._intake, self._path = self.app_state.get(INTAKE, (None, b""))
        self._shown: list[bytes] | None = None
        self._pieces: list[bytes] = []

    def on_headers_complete(self) -> None:
        """Wait for the rest of what was read, if it can be a callback that is taken here."""
        self._shown = self._credentials()
        if self._shown is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._shown is None:
            super().on_body(body)
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        """Take the callback."""
        if self._shown is None:
            super().on_message_complete()
            return
        body = b"".join(self._pieces)
        if not body.startswith(b"{"):
            self._pass_on()
            super().on_message_complete()
            return
        shown = self._shown
        self._forget()
        self._head_bytes = 0
        self._take(shown, body)

    def _feed(self, data: bytes) -> None:
        super()._feed(data)
        if self._shown is not None:
            # The rest of the body is still to come, and who knows when.
            self._pass_on()

    def _credentials(self) -> list[bytes] | None:
        """Return the ``Authorization`` headers of what may be taken here; None: it is the app's."""
        if (
            self._intake is None
            or self.url != self._path
            or self.parser.get_method() != b"POST"
            or self._piece_bytes > LARGEST_AT_ONCE_BYTES
            or not self._is_free
            or self.pipeline
            or self.flow.write_paused
            or self.parser.get_http_version() != "1.1"
            or not self.parser.should_keep_alive()
        ):
            return None
        shown, sized = [], False
        for name, value in self.headers:
            if name == b"authorization":
                shown.append(value)
            elif name == b"content-length":
                sized = True
            elif name in _FOR_THE_APP:
                return None
        return shown if sized else None

    def _pass_on(self) -> None:
        """Tell the app of a request that was held back, as far as it has come."""
        pieces = self._pieces
        self._forget()
        super().on_headers_complete()
        for piece in pieces:
            super().on_body(piece)

    def _forget(self) -> None:
        self._shown = None
        self._pieces = []

    def _take(self, shown: list[bytes], body: bytes) -> None:
        taken = self.cycle = _Taken()  # type: ignore[assignment]

        def answer(given: Answer) -> None:
            taken.response_complete = True
            if taken.disconnected or self.transport.is_closing():
                return
            own = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
            last = b"" if taken.keep_alive else b"connection: close\r\n"
            self.transport.write(given.first_line + own + last + given.rest)
            if not taken.keep_alive:
                self.transport.close()
            self.on_response_complete()

        if self._intake is not None:
            self._intake.take(shown, body, self.loop, answer)
