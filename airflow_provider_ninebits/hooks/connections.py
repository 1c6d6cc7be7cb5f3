"""An Airflow connection, read as the client of 9bits' API that it describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.client import NineBitsClient
from airflow_provider_ninebits.api.defaults import BASE_URL
from airflow_provider_ninebits.api.errors import InvalidClient
from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.arguments import read_timeout_seconds
from airflow_provider_ninebits.hooks.pacing import read_parallel

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection


def client_of(conn_id: str, connection: Connection) -> NineBitsClient:
    """
    Return the client that a connection describes. Nothing is asked of 9bits.

    :raises InvalidArgument: for a connection without an API key, or whose fields cannot be used.
    """
    if not connection.password:
        raise InvalidArgument(
            f"connection {conn_id!r} has no API key; put it into the connection's password "
            "(9bits dashboard: settings > security)"
        )
    timeout_seconds = read_timeout_seconds(conn_id, connection.extra_dejson.get("timeout"))
    try:
        return NineBitsClient(connection.password, _base_url(connection), timeout_seconds)
    except InvalidClient as error:
        raise InvalidArgument(f"connection {conn_id!r}: {error}") from error


def parallel_of(conn_id: str, connection: Connection) -> int:
    """
    Return how many requests of a send a connection allows at once.

    :raises InvalidArgument: for what is no such number.
    """
    try:
        return read_parallel(connection.extra_dejson.get("max_parallel_requests")) or 1
    except InvalidArgument as error:
        raise InvalidArgument(f"connection {conn_id!r}: {error}") from error


def _base_url(connection: Connection) -> str:
    """Return the host; a connection that was written as a URI has its port apart."""
    if not connection.host or connection.port is None:
        return connection.host or BASE_URL
    return f"{connection.host}:{connection.port}"
