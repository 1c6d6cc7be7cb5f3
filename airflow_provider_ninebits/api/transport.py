"""
Connections that know exactly whether a byte of a request was written.

``requests.ConnectionError`` mixes "never connected" with "lost after the write", and a call cannot be taken back. So
each connection asks a gate before the first byte, and who waits for the answer can close that gate: if nothing was
written then, nothing ever will be.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProxyError

from airflow_provider_ninebits.api.defaults import MAX_PARALLEL_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IDLE_LIMIT_SECONDS = 1.0
"""A connection that idled longer is not used again: the other side may close it, which looks like a lost answer."""


class GateClosed(Exception):
    """Nothing may be written (any more)."""


class NoCertificates(Exception):
    """The file of CA certificates that the environment names is not there; nothing was written."""


class WriteGate:
    """
    Stands before the first byte of one request.

    :param may_write: asked once, right before that byte; False: nothing is written.
    """

    def __init__(self, may_write: Callable[[], bool] | None = None) -> None:
        self._may_write = may_write or (lambda: True)
        self._lock = threading.Lock()
        self._closed_because: str | None = None
        self._handle: socket.socket | None = None
        self.written = False

    def begin_write(self) -> None:
        """
        Say that bytes are about to be written.

        :raises GateClosed: they must not be.
        """
        with self._lock:
            if self._closed_because is None and not self.written and not self._may_write():
                self._closed_because = "the lease on the message ran out before its request could be written"
            if self._closed_because is not None:
                raise GateClosed(self._closed_because)
            self.written = True

    def answered(self) -> None:
        """Say that an answer came: whatever went by, something was written."""
        with self._lock:
            self.written = True

    def watch(self, connection: socket.socket) -> None:
        """
        Remember the socket, so that closing the gate ends what waits on it.

        :raises GateClosed: it is closed already.
        """
        # A duplicate: the socket itself is replaced when TLS begins, and closed by another thread.
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._release()
            if self._closed_because is not None:
                handle.close()
                raise GateClosed(self._closed_because)
            self._handle = handle

    def expire(self, because: str = "the time was up") -> bool:
        """Close the gate and end the connection; return whether something had been written."""
        with self._lock:
            self._closed_because = self._closed_because or because
            if self._handle is not None:
                with suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)
            return self.written

    def release(self) -> None:
        """Forget the socket; the request is over."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class GatedAdapter(HTTPAdapter):
    """requests' adapter, whose connections, those through proxies included, ask the gate of the thread they run in."""

    def __init__(self) -> None:
        self._threads = threading.local()
        self._making = threading.Lock()
        # As many kept alive as there can be at once; urllib3 keeps ten, and connects anew for each request beyond them.
        super().__init__(pool_maxsize=MAX_PARALLEL_REQUESTS)

    def send_through(self, gate: WriteGate, prepared: requests.PreparedRequest, **settings: Any) -> requests.Response:
        """
        Make one request: no retries, no redirects; the body is still to be read.

        :param settings: ``timeout``, ``verify``, ``cert`` and ``proxies``, as requests takes them.
        """
        self._threads.gate = gate
        try:
            response = self.send(prepared, stream=True, **settings)
            gate.answered()
            return response
        finally:
            del self._threads.gate

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._gate_connections_of(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return the pools for connections through a proxy."""
        # requests lets other threads see them before they ask our gates.
        with self._making:
            known = proxy in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **proxy_kwargs)
            if not known:
                self._gate_connections_of(manager)
            return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """
        Prepare a pool for TLS, as every version of requests does before it sends: the place to look at the pool.

        :raises GateClosed: for one whose connections ask no gate, so that nobody would know what was written.
        :raises NoCertificates: where the environment names a file that is not there; requests tells that as an
            ``OSError``, which a network that fails is as well.
        """
        if not issubclass(conn.ConnectionCls, _GatedConnection):
            raise GateClosed("its connection could not be watched, which is a fault of this provider; try again")
        try:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise NoCertificates(
                f"the file of CA certificates {verify!r} is not there; correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE "
                "on this machine, or unset it"
            ) from error

    def _gate_connections_of(self, manager: Any) -> None:
        # Made from what the manager has: those of a SOCKS proxy differ.
        manager.pool_classes_by_scheme = {
            scheme: type(pool.__name__, (pool,), {"ConnectionCls": self._gated(pool.ConnectionCls)})
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }

    def _gated(self, connection: type[Any]) -> type[Any]:
        # urllib3 tells connections for TLS by their base classes, hence a subclass and no wrapper.
        return type(connection.__name__, (_GatedConnection, connection), {"threads": self._threads})


class _GatedConnection:
    """Goes in front of one of urllib3's connection classes."""

    threads: threading.local
    _connecting = False
    _answered_at_seconds = 0.0
    _watched_by: WriteGate | None = None

    def _new_conn(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        try:
            self._watch(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._connecting = False

    def _tunnel(self) -> None:
        try:
            super()._tunnel()  # type: ignore[misc]
        except (OSError, HTTPException) as error:
            # Else it looks as if the server itself had hung up.
            raise ProxyError("the proxy made no tunnel", error) from error

    def send(self, content: Any) -> None:
        # What a proxy is told while we connect (CONNECT) is no byte of the request.
        if not self._connecting:
            if self.sock is None:  # type: ignore[attr-defined]
                self.connect()
            if self._watched_by is not self.threads.gate:
                self._watch(self.sock)  # type: ignore[attr-defined]
            self.threads.gate.begin_write()
        super().send(content)  # type: ignore[misc]

    def getresponse(self) -> Any:
        response = super().getresponse()  # type: ignore[misc]
        self._answered_at_seconds = boot_seconds()
        return response

    @property
    def is_connected(self) -> bool:
        """Whether urllib3 may use the connection again."""
        idle_seconds = boot_seconds() - self._answered_at_seconds
        return idle_seconds <= IDLE_LIMIT_SECONDS and bool(super().is_connected)  # type: ignore[misc]

    def _watch(self, connection: socket.socket) -> None:
        self.threads.gate.watch(connection)
        self._watched_by = self.threads.gate


def read_body(response: requests.Response, limit_bytes: int) -> Iterator[bytes]:
    """Give a body piece by piece, ``limit_bytes`` and one at most: more means that it is longer."""
    left_bytes = limit_bytes + 1
    while left_bytes > 0:
        piece = response.raw.read(min(left_bytes, 8192), decode_content=True)
        if not piece:
            return
        left_bytes -= len(piece)
        yield piece


def boot_seconds() -> float:
    """Return seconds that go on while the machine sleeps: the other side's clock, and a lease's, do too."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
