"""A real receiver on a real port, and a way to send."""

from __future__ import annotations

import base64
import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEDIA = "https://example.com/reminder.mp3"


@dataclass
class Receiver:
    """Takes callbacks; answers with the statuses in ``answers``, then with 200. None: hangs up."""

    url: str = ""
    answers: deque[int | None] = field(default_factory=deque)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    credentials: list[str | None] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, body: dict[str, Any], authorization: str | None) -> int | None:
        with self.arrived:
            self.bodies.append(body)
            encoded = (authorization or "").removeprefix("Basic ")
            self.credentials.append(base64.b64decode(encoded).decode() if encoded else None)
            self.arrived.notify_all()
            return self.answers.popleft() if self.answers else 200

    def wait_for(self, count: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.bodies) >= count, timeout=30)


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.receiver.take(body, self.headers["Authorization"])
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taking = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": taking})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        taking.url = f"http://127.0.0.1:{server.server_address[1]}/callback"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield taking
        server.shutdown()
        thread.join()


@pytest.fixture
def send() -> Callable[..., httpx.Response]:
    def sending(base_url: str, *to: str, token: str = "key", timeout: float = 30.0, **fields: str) -> httpx.Response:
        body = {"to": list(to), "media_url": MEDIA} | fields
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(trust_env=False, timeout=timeout) as client:
            return client.post(f"{base_url}/v1/sendvoice", json=body, headers=headers)

    return sending
