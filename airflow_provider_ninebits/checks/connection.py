"""The Airflow connection, and 9bits itself behind it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_ninebits.api.defaults import THIS_MACHINE
from airflow_provider_ninebits.checks.findings import Finding, FindingKind, Level, Weight
from airflow_provider_ninebits.get_provider_info import CONNECTION_TYPE

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_ninebits.api.probes import Probe
    from airflow_provider_ninebits.hooks.ninebits import NineBitsHook

_NOTHING_IS_RUNG = "Without it no task rings anybody."

MISSING = FindingKind(
    "connection_missing",
    "connection",
    "Airflow finds no connection {conn_id!r} that it can read.",
    _NOTHING_IS_RUNG,
    "Add it with the type `ninebits` and the API key as its password, in Airflow's UI or as AIRFLOW_CONN_{variable}. "
    "If it is in Airflow's database already: give this process the AIRFLOW__CORE__FERNET_KEY that it was stored with. "
    "Another name: `ninebits check --conn-id NAME`.",
)
NOT_LOOKED_UP = FindingKind(
    "connection_not_looked_up",
    "connection",
    "Neither the environment nor a secrets backend has connection {conn_id!r}; Airflow's own database cannot be looked "
    "into from here.",
    "It may be there: workers get it from there through the API server.",
    "Run `ninebits check` where Airflow's database can be reached, on the machine of the API server, say.",
    Level.NOTE,
)
UNUSABLE = FindingKind(
    "connection_unusable",
    "connection",
    "A connection cannot be used: {reason}.",
    _NOTHING_IS_RUNG,
    "Mend that field in connection {conn_id!r}.",
)
OTHER_TYPE = FindingKind(
    "connection_other_type",
    "connection",
    "Connection {conn_id!r} has the type {conn_type!r}, and not `ninebits`.",
    "It is taken as it is. Airflow's form for it has other fields, and no Test that asks 9bits.",
    "Set its type to `ninebits`, or name another connection, if this is not the one that was meant.",
    Level.NOTE,
)
PLAIN = FindingKind(
    "connection_plain",
    "connection",
    "The base URL of connection {conn_id!r} is http, not https, and {host} is another machine.",
    "The API key travels readable with every request: whoever reads it rings phones at your cost.",
    "Empty the connection's host, or begin it with https://; if a proxy of your own stands there, give it TLS.",
)
UNREACHABLE = FindingKind(
    "ninebits_unreachable",
    "connection",
    "Connection {conn_id!r}: {reason}",
    "Tasks that ring fail, and are retried, until it can be reached.",
    "Let this machine reach the base URL of connection {conn_id!r} over HTTPS (firewall, DNS, HTTPS_PROXY), or correct "
    "its host; empty means 9bits itself.",
    weight=Weight.UNREACHABLE,
)
KEY_REFUSED = FindingKind(
    "key_refused",
    "connection",
    "Connection {conn_id!r}: {reason}",
    "Every send fails, and nobody is rung.",
    "Copy the key from the 9bits dashboard, settings > security, into the connection's password. If it is not 9bits "
    "that answers at {host}: correct the connection's host; empty means 9bits itself.",
)
NOT_NINEBITS = FindingKind(
    "not_ninebits",
    "connection",
    "Connection {conn_id!r}: {reason}",
    "What answers is not 9bits' API: a proxy's page, or another path.",
    "Empty the host of connection {conn_id!r}, or set it to 9bits' base URL.",
)
UNEXPECTED = FindingKind(
    "ninebits_unexpected",
    "connection",
    "Connection {conn_id!r}: {reason}",
    "Its host is empty, so 9bits itself was asked, and does not document that answer. A proxy may have given it.",
    "Let this machine reach 9bits without what stands between; if nothing does, ask 9bits.",
)
FAILING = FindingKind(
    "ninebits_failing",
    "connection",
    "Connection {conn_id!r}: {reason}",
    "9bits documents such an answer for a failure of its own. A send that is answered so is in doubt.",
    "Check again later. If it stays so, ask 9bits, or the proxy's people, if one stands between.",
    weight=Weight.UNREACHABLE,
)
BUSY = FindingKind(
    "ninebits_busy",
    "connection",
    "Connection {conn_id!r}: {reason}",
    "9bits documents it for too many requests. Sends that are answered so are refused, and may be retried.",
    "Check again in some minutes. If it stays so, send less at once: `max_requests_per_second`.",
    Level.NOTE,
)
KEY_UNPROVED = FindingKind(
    "key_unproved",
    "connection",
    "Something answers at {host} as 9bits does (connection {conn_id!r}). Nothing proves the API key: 9bits has no "
    "request for that which rings nobody.",
    "A wrong key shows at the first real call only.",
    "Ring your own number once: `ninebits send`.",
    Level.NOTE,
)
SIMULATED = FindingKind(
    "simulated",
    "connection",
    "Connection {conn_id!r} leads to {host} on this machine, which is no 9bits.",
    "It is the simulator, most likely: no phone rings.",
    "Nothing, while you try things out. To ring phones empty the connection's host.",
    Level.NOTE,
)
KINDS = (
    *(MISSING, NOT_LOOKED_UP, UNUSABLE, OTHER_TYPE, PLAIN, UNREACHABLE, KEY_REFUSED),
    *(NOT_NINEBITS, UNEXPECTED, FAILING, BUSY, KEY_UNPROVED, SIMULATED),
)


@dataclass(frozen=True)
class ConnectionSeen:
    """
    What was seen of a connection.

    :param missing: whether there is none, as far as this process can see.
    :param database_seen: whether Airflow's own database could be asked for it.
    :param unusable: why none can be made of it; None: one can.
    :param probe: what came of a look at 9bits; None: there was none.
    """

    conn_id: str
    missing: bool = False
    database_seen: bool = True
    unusable: str | None = None
    conn_type: str = CONNECTION_TYPE
    base_url: str = ""
    probe: Probe | None = None


def look(hook: NineBitsHook, *, database_seen: bool) -> ConnectionSeen:
    """Look at a connection, and at 9bits by a request that places no call."""
    from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]

    from airflow_provider_ninebits.exceptions import InvalidArgument

    conn_id = hook.ninebits_conn_id
    try:
        conn_type = str(hook.connection.conn_type)
    except (AirflowNotFoundException, InvalidArgument):
        if why := unreadable(conn_id):
            return ConnectionSeen(conn_id, unusable=why)
        return ConnectionSeen(conn_id, missing=True, database_seen=database_seen)
    except Exception as error:  # a value in the environment that is no connection raises whatever it likes
        return ConnectionSeen(conn_id, unusable=f"connection {conn_id!r} cannot be read ({type(error).__name__})")
    try:
        _check_defaults(conn_id, hook.connection)
        client = hook.client
        return ConnectionSeen(conn_id, conn_type=conn_type, base_url=client.base_url, probe=client.probe())
    except (InvalidArgument, ValueError) as error:
        return ConnectionSeen(conn_id, unusable=str(error))
    finally:
        hook.close()


def _check_defaults(conn_id: str, connection: Connection) -> None:
    from airflow_provider_ninebits.exceptions import InvalidArgument
    from airflow_provider_ninebits.hooks.connections import check_defaults

    try:
        check_defaults(connection)
    except InvalidArgument as error:
        raise InvalidArgument(f"connection {conn_id!r}: {error}") from error


def unreadable(conn_id: str) -> str | None:
    """Return why a connection that was not found cannot be read; None: the environment has none."""
    variable = f"AIRFLOW_CONN_{conn_id.upper()}"
    # Airflow looks on where it cannot read one, and says at the end that there is none.
    if not os.environ.get(variable):
        return None
    return f"connection {conn_id!r} cannot be read: {variable} is set, and is neither JSON nor a URI of a connection"


def judge(seen: ConnectionSeen) -> list[Finding]:
    """Return what is to be said of a connection."""
    conn_id, probe = seen.conn_id, seen.probe
    if seen.missing:
        kind = MISSING if seen.database_seen else NOT_LOOKED_UP
        return [kind.found(conn_id=conn_id, variable=conn_id.upper())]
    if seen.unusable is not None or probe is None:
        return [UNUSABLE.found(conn_id=conn_id, reason=(seen.unusable or "").rstrip("."))]
    parts = urlsplit(seen.base_url)
    here = parts.hostname in THIS_MACHINE
    found = []
    if seen.conn_type != CONNECTION_TYPE:
        found.append(OTHER_TYPE.found(conn_id=conn_id, conn_type=seen.conn_type))
    if here:
        found.append(SIMULATED.found(conn_id=conn_id, host=parts.netloc))
    elif parts.scheme == "http":
        found.append(PLAIN.found(conn_id=conn_id, host=parts.netloc))
    kind = _answered(probe, seen.base_url)
    if kind is KEY_UNPROVED and here:
        return found
    return [*found, kind.found(conn_id=conn_id, host=parts.netloc, reason=probe.detail)]


def _answered(probe: Probe, base_url: str) -> FindingKind:
    from airflow_provider_ninebits.api.defaults import BASE_URL

    match probe.status:
        case _ if not probe.reached:
            return UNREACHABLE
        case 401:
            return KEY_REFUSED
        case 405:
            return KEY_UNPROVED
        case 429:
            return BUSY
        case int(status) if status >= 500:
            return FAILING
    return UNEXPECTED if base_url == BASE_URL else NOT_NINEBITS
