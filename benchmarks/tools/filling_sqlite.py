"""A SQLite ledger filled as `filling` fills one on PostgreSQL: 1,000,000 calls in some tens of seconds."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ninebits.ledger.database import Database
from airflow_provider_ninebits.ledger.ids import id_of
from benchmarks.tools.filling import DAYS, Shape, ref_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    _Filling = tuple[str, tuple[str, ...], Iterable[tuple[Any, ...]]]
    """A table, its columns, and its rows."""

_LOWEST, _PEOPLE, _STRIDE = 2340000000000, 1_000_003, 736_877
_UNITS = 30_000_000_000


def fill(url: str, total: int, shape: Shape = Shape()) -> None:  # noqa: B008 (it cannot change)
    """Fill an empty ledger with so many recipients, each with its callback, over the last 300 days, and analyze it."""
    with closing(Database(url)) as ledger, ledger.reading():
        path = str(ledger.url.database)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for table, columns, rows in _tables(total, shape):
            names, marks = ", ".join(columns), ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO ninebits_{table} ({names}) VALUES ({marks})", rows)  # noqa: S608
        connection.execute("ANALYZE")
        connection.commit()


def _tables(total: int, shape: Shape) -> Iterable[_Filling]:
    now = datetime.now(UTC).replace(tzinfo=None)

    def at(place: int) -> str:
        return (now - timedelta(days=DAYS * (1 - place / total))).isoformat(" ", "microseconds")

    ids = _Ids(*([_id(kind, i, at(i)) for i in range(0, total, step)] for kind, step in shape.steps().items()))
    return (
        _sends(total, shape, at, ids),
        *_messages(total, shape, at, ids),
        _recipients(total, shape, at, ids),
        _callbacks(total, shape, at),
    )


class _Ids(NamedTuple):
    """Ids of sends and of messages, in order."""

    send: list[str]
    message: list[str]


def _sends(total: int, shape: Shape, at: Callable[[int], str], ids: _Ids) -> _Filling:
    asked_by, in_a_send = ("default", "reminders", "ring", -1), shape.part * shape.messages
    return (
        "send",
        ("id", "deployment", "dag_id", "task_id", "map_index", "run_id", "created_at"),
        ((ids.send[s], *asked_by, f"scheduled__{s}", at(s * in_a_send)) for s in range(-(-total // in_a_send))),
    )


def _messages(total: int, shape: Shape, at: Callable[[int], str], ids: _Ids) -> tuple[_Filling, _Filling]:
    """Return the messages, and their requests."""
    part = shape.part
    messages = range(-(-total // part))
    silent = [sum(1 for i in range(m * part, (m + 1) * part) if i % 3 == 0) for m in messages]
    sent = ("reminders", "https://media.test/reminder.mp3", "accepted", part)
    return (
        (
            "message",
            (
                *("id", "send_id", "part", "conn_id", "dag_id", "media_url", "state", "recipients"),
                *("answered", "unanswered", "total_amount", "last_callback_at", "created_at"),
            ),
            (
                (
                    *(ids.message[m], ids.send[m // shape.messages], m % shape.messages),
                    *(shape.conn_id_of(m), *sent),
                    *(part - silent[m], silent[m], _UNITS * part, *(at(m * part),) * 2),
                )
                for m in messages
            ),
        ),
        (
            "request",
            ("message_id", "conn_id", "state", "known_by", "status", "ref_id", "started_at", "finished_at"),
            (
                (
                    ids.message[m],
                    shape.conn_id_of(m),
                    "accepted",
                    "answer",
                    200,
                    ref_id_of(m),
                    *(at(m * part),) * 2,
                )
                for m in messages
            ),
        ),
    )


def _recipients(total: int, shape: Shape, at: Callable[[int], str], ids: _Ids) -> _Filling:
    in_a_send = shape.part * shape.messages
    return (
        "recipient",
        (
            *("id", "send_id", "message_id", "number", "state", "answered_at", "started_at", "ended_at"),
            *("last_callback_at", "attempts", "total_duration", "call_duration", "total_amount"),
        ),
        (
            (
                *(i + 1, ids.send[i // in_a_send], ids.message[i // shape.part], _number(i)),
                *("answered" if i % 3 else "unanswered", at(i) if i % 3 else None, at(i), at(i), at(i)),
                *(1, 95, 90, _UNITS),
            )
            for i in range(total)
        ),
    )


def _callbacks(total: int, shape: Shape, at: Callable[[int], str]) -> _Filling:
    return (
        "callback",
        (
            *("received_at", "kind", "raw", "identity", "ref_id", "number", "started_at", "total_duration"),
            *("call_duration", "total_amount", "match_state", "recipient_id"),
        ),
        (
            (
                *(at(i), "call", _raw(i, at(i)), _identity(i, at(i)), ref_id_of(i // shape.part)),
                *(_number(i), at(i), 95, 90, _UNITS, "matched", i + 1),
            )
            for i in range(total)
        ),
    )


def _identity(place: int, at: str) -> str:
    second = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp())
    return f"{second:08x}{_name('callback', place)}"


def _id(kind: str, place: int, at: str) -> str:
    return id_of(datetime.fromisoformat(at).replace(tzinfo=UTC), _name(kind, place)[:14])


def _name(kind: str, place: int) -> str:
    return hashlib.md5(f"{kind}{place}".encode(), usedforsecurity=False).hexdigest()


def _number(place: int) -> str:
    return str(_LOWEST + (place * _STRIDE) % _PEOPLE)


def _raw(place: int, at: str) -> bytes:
    call = {
        "account_id": "1",
        "to_number": _number(place),
        "from_number": "02080000000",
        "call_direction": "outbound",
        "start_at": at[:19],
        "answer_at": at[:19] if place % 3 else "",
        "total_duration": 95,
        "total_amount": "30",
    }
    return json.dumps(call).encode()
