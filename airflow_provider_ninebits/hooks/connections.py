"""An Airflow connection, read as the client of 9bits' API that it describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ninebits.api.client import NineBitsClient
from airflow_provider_ninebits.api.defaults import BASE_URL
from airflow_provider_ninebits.api.errors import InvalidClient, NineBitsError
from airflow_provider_ninebits.api.probes import METHOD_NOT_ALLOWED
from airflow_provider_ninebits.exceptions import InvalidArgument
from airflow_provider_ninebits.hooks.arguments import read_timeout_seconds
from airflow_provider_ninebits.hooks.given_hours import read_hours
from airflow_provider_ninebits.hooks.pacing import read_parallel

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection


def client_of(conn_id: str, connection: Connection) -> NineBitsClient:
    """
    Return the client that a connection describes. Nothing is asked of 9bits.

    :raises InvalidArgument: for a connection without an API key, or whose fields cannot be used.
    """
    try:
        return _described(connection)
    except (InvalidClient, InvalidArgument) as error:
        raise InvalidArgument(f"connection {conn_id!r}: {error}") from error


def tested(connection: Connection) -> tuple[bool, str]:
    """
    Ask 9bits for something that places no call, and tell what came of it.

    The id is not told: the form's Test gives the connection one that it made up, and forgets.

    :return: whether 9bits was reached and did not refuse the key, and a sentence for people.
    """
    try:
        with _described(connection) as client:
            check_defaults(connection)
            probe = client.probe()
    except (NineBitsError, InvalidArgument) as error:
        return False, f"Nothing was asked of 9bits: {error}."
    # Whatever answers otherwise is not 9bits, or refused the key, or has shown nothing.
    return probe.status == METHOD_NOT_ALLOWED, probe.detail


def check_defaults(connection: Connection) -> None:
    """
    Read what a connection says of sends, as for a task that says nothing itself.

    :raises InvalidArgument: for what tasks would not take; it names the field, and no connection.
    """
    extra: dict[str, object] = connection.extra_dejson
    read_parallel(extra.get("max_parallel_requests"))
    read_hours(None, extra, calling_hours=None, calling_days=None, timezone=None)


def parallel_of(conn_id: str, connection: Connection) -> int:
    """
    Return how many requests of a send a connection allows at once.

    :raises InvalidArgument: for what is no such number.
    """
    try:
        return read_parallel(connection.extra_dejson.get("max_parallel_requests")) or 1
    except InvalidArgument as error:
        raise InvalidArgument(f"connection {conn_id!r}: {error}") from error


def _described(connection: Connection) -> NineBitsClient:
    api_key = connection.password
    if not api_key or not api_key.strip():
        raise InvalidArgument(
            "it has no API key; put it into the connection's password (9bits dashboard: settings > security)"
        )
    timeout_seconds = read_timeout_seconds(connection.extra_dejson.get("timeout"))
    return NineBitsClient(api_key, _base_url(connection), timeout_seconds)


def _base_url(connection: Connection) -> str:
    """Return the host; a connection that was written as a URI has its port apart."""
    if not connection.host or connection.port is None:
        return connection.host or BASE_URL
    return f"{connection.host}:{connection.port}"
