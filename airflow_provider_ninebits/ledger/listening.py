"""
Hearing of what changes in the ledger, for as long as somebody waits.

On PostgreSQL over a connection of its own that LISTENs. Notices can be missed: none comes over a connection that was
lost, and a receiver of an older version sends none. So whoever listens is told to look at everything as well: once
the connection is there, and from time to time.

On SQLite, which has one writer, callbacks have ids in the order in which they were committed: a few times a second
those after the last one are asked for. What changes in another way (somebody resolves or purges a message, or a
callback that waited finds its recipient) is left to the look at everything.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import bindparam, func, select

from airflow_provider_ninebits.ledger import schema
from airflow_provider_ninebits.ledger.engines import MARK, listening_arguments
from airflow_provider_ninebits.ledger.errors import LedgerUnreachable
from airflow_provider_ninebits.ledger.notices import CHANNEL, LISTEN, Notice, name_of, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol

    from psycopg import AsyncConnection

    from airflow_provider_ninebits.ledger.database import Database

    T = TypeVar("T")

    class InThread(Protocol):
        """Runs a function that asks the ledger in a thread."""

        def __call__(self, function: Callable[..., T], *arguments: object) -> Awaitable[T]:
            """Return what it returns."""

    Hear = Callable[[Notice | None], None]

_PROBE_TIMEOUT_SECONDS = 10.0
_LONGEST_TAIL = 1000

_callback, _recipient, _request = schema.callback, schema.recipient, schema.request
_LAST_ID = select(func.coalesce(func.max(_callback.c.id), 0))
_TAIL = (
    select(_callback.c.id, func.coalesce(_recipient.c.message_id, _request.c.message_id).label("message_id"))
    .select_from(
        _callback.outerjoin(_recipient, _recipient.c.id == _callback.c.recipient_id).outerjoin(
            _request, _request.c.id == _callback.c.request_id
        )
    )
    .where(_callback.c.id > bindparam("last_id"))
    .order_by(_callback.c.id)
    .limit(_LONGEST_TAIL)
)


async def listen(
    database: Database, hear: Hear, in_thread: InThread, *, tail_seconds: float, sweep_seconds: float
) -> None:
    """
    Tell what changes, until it is cancelled or the ledger cannot be reached.

    :param hear: called with each notice; None: all messages have to be looked at.
    :param tail_seconds: how often SQLite is asked for new callbacks.
    :param sweep_seconds: how often all are to be looked at, whatever was heard.
    :raises Exception: the driver's or the ledger's error, when nothing is heard any more.
    """
    if database.is_sqlite:
        await _follow(database, hear, in_thread, tail_seconds, sweep_seconds)
    else:
        await _listen(database, hear, sweep_seconds)


async def _listen(database: Database, hear: Hear, sweep_seconds: float) -> None:
    from psycopg import AsyncConnection

    async with await AsyncConnection.connect(**listening_arguments(database.url), autocommit=True) as connection:
        await _ask(connection, database, "SELECT current_setting(%s, true)", MARK, "on")
        await connection.execute(LISTEN)
        while True:
            # What was said before, or while the last question was asked, may not have been heard.
            hear(None)
            async for notice in connection.notifies(timeout=sweep_seconds):
                hear(read(notice.payload))
            # A server that vanished without a word, and a pooler that gave this connection away, are found out here.
            await _ask(
                connection, database, "SELECT channel FROM pg_listening_channels() AS channel WHERE channel = %s"
            )


async def _ask(
    connection: AsyncConnection[Any], database: Database, question: str, about: str = CHANNEL, expected: str = CHANNEL
) -> None:
    async with asyncio.timeout(_PROBE_TIMEOUT_SECONDS):
        found = await (await connection.execute(question, [about])).fetchone()
    if found != (expected,):
        raise LedgerUnreachable(database.masked_url, "a pooler stands in between, over which no notices come")


async def _follow(
    database: Database, hear: Hear, in_thread: InThread, tail_seconds: float, sweep_seconds: float
) -> None:
    while True:
        # Anew each time: a purge that takes the newest callback gives its id to the next one.
        last_id = await in_thread(newest_callback, database)
        hear(None)
        until = time.monotonic() + sweep_seconds
        while time.monotonic() < until:
            await asyncio.sleep(tail_seconds)
            message_ids, last_id = await in_thread(messages_after, database, last_id)
            hear(Notice(frozenset(name_of(message_id) for message_id in message_ids)))


def newest_callback(database: Database) -> int:
    """Return the id of the newest callback."""
    with database.reading() as connection:
        last_id: int = connection.execute(_LAST_ID).scalar_one()
        return last_id


def messages_after(database: Database, last_id: int) -> tuple[set[str], int]:
    """Return the messages of the callbacks after one, and the newest of these."""
    message_ids: set[str] = set()
    with database.reading() as connection:
        while True:
            rows = connection.execute(_TAIL, {"last_id": last_id}).all()
            message_ids.update(row.message_id for row in rows if row.message_id is not None)
            last_id = rows[-1].id if rows else last_id
            if len(rows) < _LONGEST_TAIL:
                return message_ids, last_id
