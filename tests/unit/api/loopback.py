"""A server on loopback that does to each connection what a test says, and keeps what it was sent."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

RECEIPT = b'{"status_code": 200, "message": "Request is being processed", "ref_id": "9azmf1ntcl358gczduzz4rs0u"}'


def http(status: str = "200 OK", body: bytes = RECEIPT, *headers: str) -> bytes:
    """An HTTP/1.1 answer."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


class Loopback:
    """
    :param play: what is done to each connection, in a thread of its own; the connection is closed after it.
    :param tls: makes it a server of https.
    """

    def __init__(self, play: Callable[[Visitor], None], tls: ssl.SSLContext | None = None) -> None:
        self._play = play
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.stopping = threading.Event()
        self.requests: list[bytes] = []
        self.visits = 0

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopping.set()
        for each in (self._listener, *self._open):
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        self._listener.close()

    def wait_for_visitors(self) -> None:
        """Until every connection so far is served and closed."""
        for thread in self._threads[1:]:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.stopping.is_set():
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        self.visits += 1
        with connection:
            try:
                if self._tls is None:
                    self._play(Visitor(connection, self))
                    return
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._open.append(secured)
                    self._play(Visitor(secured, self))
            except OSError:
                return


class Visitor:
    """One connection, as the server sees it."""

    def __init__(self, connection: socket.socket, server: Loopback) -> None:
        self.connection = connection
        self.server = server

    def read_request(self) -> bytes:
        """Take one whole request; b"" when the other side has gone."""
        request = b""
        while b"\r\n\r\n" not in request:
            if not (piece := self.connection.recv(65536)):
                return b""
            request += piece
        head, _, body = request.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        ]
        while len(body) < sum(lengths):
            body += self.connection.recv(65536)
        request = head + b"\r\n\r\n" + body
        self.server.requests.append(request)
        return request

    def send(self, answer: bytes) -> None:
        self.connection.sendall(answer)

    def wait_until_gone(self) -> None:
        """Hold still until the other side, or the test, is done."""
        while self.connection.recv(65536):
            pass


def answers(answer: bytes) -> Callable[[Visitor], None]:
    """Every request on a connection gets the same."""

    def play(visitor: Visitor) -> None:
        while visitor.read_request():
            visitor.send(answer)

    return play
