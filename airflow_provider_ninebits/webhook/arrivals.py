"""A body made into what the ledger stores."""

from __future__ import annotations

from airflow_provider_ninebits.api.callbacks import ApiAnswer, Call, ReceivedEvent, identity, read_callbacks
from airflow_provider_ninebits.ledger.callbacks import Arrival
from airflow_provider_ninebits.ledger.states import CallbackKind

_LONGEST_CONN_ID = 250


def read_arrivals(body: bytes, conn_id: str | None, timezone: str) -> list[Arrival]:
    """
    Return what a callback's body has for the ledger; at least one, whatever the bytes are.

    :param conn_id: the connection named in the URL; None: none was.
    """
    path = None if conn_id is None else _plain(conn_id)
    return [_arrival(received, path) for received in read_callbacks(body, timezone)]


def _arrival(received: ReceivedEvent, path: str | None) -> Arrival:
    event = received.event
    same = identity(event, path)
    if isinstance(event, Call):
        return Arrival(
            kind=CallbackKind.CALL,
            raw=received.raw,
            identity=same,
            conn_path=path,
            ref_id=event.ref_id,
            number=event.to_number,
            inbound=event.inbound,
            started_at=event.started_at,
            answered_at=event.answered_at,
            ended_at=event.ended_at,
            total_duration=event.total_duration,
            call_duration=event.call_duration,
            total_amount=event.total_amount,
        )
    if isinstance(event, ApiAnswer):
        return Arrival(
            kind=CallbackKind.ANSWER,
            raw=received.raw,
            identity=same,
            conn_path=path,
            ref_id=event.ref_id,
            status=event.status_code,
            detail=event.message,
        )
    return Arrival(kind=CallbackKind.UNREADABLE, raw=received.raw, conn_path=path, detail=event.reason)


def _plain(conn_id: str) -> str:
    """Return a conn_id from a URL as any database takes it: no NUL, no lone surrogates, not too long."""
    return "".join(c if c.isprintable() else "?" for c in conn_id[:_LONGEST_CONN_ID])
