"""
Connections that know whether a request was written.

``requests.ConnectionError`` mixes "never connected" with "lost after the write", and only the first may be sent again. So
the connection asks a gate before it writes the first byte, and the gate remembers.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import PoolManager

IDLE_LIMIT_SECONDS = 1.0
"""A kept-alive connection that idled longer is not reused: the far end may have closed it, which would look uncertain."""


class GateClosed(OSError):
    """The request must not be written any more; nothing of it was."""


class WriteGate:
    """
    Stands between a request and the wire.

    :param may_write: asked right before the first byte; False: the request is not written.
    """

    def __init__(self, may_write: Callable[[], bool]) -> None:
        self._may_write = may_write
        self._lock = threading.Lock()
        self._expired = False
        self._socket: socket.socket | None = None
        self.written = False

    def begin_write(self, sock: socket.socket | None) -> None:
        """
        Note that the first byte is about to be written.

        :raises GateClosed: when it must not be.
        """
        with self._lock:
            if self.written:
                return
            if self._expired or not self._may_write():
                raise GateClosed("the time for this request ran out before it was written")
            self.written = True
            self._socket = sock

    def expire(self) -> bool:
        """Close the gate, end what goes on behind it, and return whether anything was written."""
        with self._lock:
            self._expired = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            return self.written


current_gate: ContextVar[WriteGate | None] = ContextVar("ninebits_write_gate", default=None)


class _Gated:
    """What both kinds of connection do on top of urllib3's."""

    sock: Any
    _connecting = False
    _used_at = 0.0

    def connect(self) -> None:
        # What a proxy is told while connecting is no part of the request.
        self._connecting = True
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._connecting = False
        self._used_at = time.monotonic()

    def send(self, data: Any) -> None:
        if not self._connecting:
            if self.sock is None:
                self.connect()
            gate = current_gate.get()
            if gate is not None:
                gate.begin_write(self.sock)
        super().send(data)  # type: ignore[misc]
        self._used_at = time.monotonic()

    @property
    def is_connected(self) -> bool:
        fresh = time.monotonic() - self._used_at <= IDLE_LIMIT_SECONDS
        return fresh and bool(super().is_connected)  # type: ignore[misc]


class _GatedHTTPConnection(_Gated, HTTPConnection):  # type: ignore[misc]
    pass


class _GatedHTTPSConnection(_Gated, HTTPSConnection):  # type: ignore[misc]
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _GatedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GatedHTTPSConnection


class GatedAdapter(HTTPAdapter):
    """A transport adapter whose connections ask the current gate before they write."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        _use_gated_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        _use_gated_pools(manager)
        return manager


def gated_session() -> requests.Session:
    """Return a session that never repeats a request by itself."""
    session = requests.Session()
    adapter = GatedAdapter(max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _use_gated_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
