"""
Several statements in one message to PostgreSQL, and their answers in one.

To wait for the server is to change processes twice, and a group of callbacks took half of its time by that. psycopg has
pipelines of its own; but its cursors take as long for a statement as was saved. So this one speaks to libpq, through
psycopg, and prepares each statement once for a connection.
"""

from __future__ import annotations

import select
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ninebits.ledger.columns import moment_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from airflow_provider_ninebits.ledger.driver import BoundStatement

_PREPARED = "ninebits_prepared"


@dataclass
class _Prepared:
    """What a connection has prepared: the name of each statement. None of them is given twice."""

    names: dict[str, bytes] = field(default_factory=dict)
    count: int = 0

    def new_name(self, sql: str) -> bytes:
        self.count += 1
        name = self.names[sql] = b"ninebits_%d" % self.count
        return name


def ask_at_once(connection: Connection, asked: Sequence[BoundStatement]) -> list[list[tuple[Any, ...]]]:
    """
    Execute statements, in their order and in a transaction; return the rows of each.

    Each sees what was committed before it began, as if it had been sent by itself. What follows one that fails is not
    executed.

    Who is interrupted meanwhile does not know whether it was done: a commit goes along only with what may be repeated.

    :raises Exception: the driver's error of the first that failed.
    """
    if not asked:
        return []
    # Where every ledger is SQLite it is not there.
    from psycopg.adapt import Transformer
    from psycopg.errors import error_from_result

    session: Any = connection.connection.driver_connection
    encoding = session.info.encoding
    prepared = connection.info.setdefault(_PREPARED, _Prepared())
    bound = [(sql, [_bound(value, encoding) for value in values]) for sql, values in asked]
    results: list[Any] = []
    try:
        sent = _send(session.pgconn, prepared, bound, encoding)
        for result in _results(session.pgconn):
            results.append(result)
        session.pgconn.exit_pipeline_mode()
    except BaseException as error:
        # What was not read would be taken for the answer to what is asked next.
        connection.invalidate(error)
        if isinstance(error, Exception) and (last_word := _failed(results)):
            # A server that ends says why, and then the connection is lost.
            raise error_from_result(last_word, encoding) from error
        raise
    if failed := _failed(results):
        for sql in sent.prepared:
            # Perhaps it was, perhaps what failed came before.
            prepared.names.pop(sql, None)
        raise error_from_result(failed, encoding)
    reader = Transformer(session)
    rows = []
    for result in (result for result, wants in zip(results, sent.wanted, strict=True) if wants):
        reader.set_pgresult(result)
        rows.append(reader.load_rows(0, result.ntuples, tuple) if result.ntuples else [])
    return rows


class _Sent(NamedTuple):
    """
    What was sent.

    :param wanted: which of the results are those that were asked for.
    :param prepared: the statements that are prepared along with it.
    """

    wanted: list[bool]
    prepared: list[str]


def _failed(results: Sequence[Any]) -> Any:
    """Return the first result that is an error; None: there is none."""
    from psycopg.pq import ExecStatus

    return next((each for each in results if each.status == ExecStatus.FATAL_ERROR), None)


def _send(server: Any, prepared: _Prepared, bound: Sequence[tuple[str, list[bytes | None]]], encoding: str) -> _Sent:
    from psycopg.pq import TransactionStatus

    wanted, newly = [], []
    begins = server.transaction_status == TransactionStatus.IDLE
    server.enter_pipeline_mode()
    if begins:
        server.send_query_params(b"BEGIN", None)
        wanted.append(False)
    for sql, values in bound:
        name = prepared.names.get(sql)
        if name is None:
            name = prepared.new_name(sql)
            server.send_prepare(name, _numbered(sql).encode(encoding))
            wanted.append(False)
            newly.append(sql)
        server.send_query_prepared(name, values)
        wanted.append(True)
    server.pipeline_sync()
    return _Sent(wanted, newly)


def _results(server: Any) -> Iterator[Any]:
    """
    Give the result of each command, when it is there.

    :raises OperationalError: when the connection is lost.
    """
    from psycopg import OperationalError
    from psycopg.pq import ConnStatus, ExecStatus

    waiting = select.poll()
    waiting.register(server.socket, select.POLLIN)
    while server.flush():
        # The server may wait until its answers are read.
        waiting.modify(server.socket, select.POLLIN | select.POLLOUT)
        waiting.poll()
        server.consume_input()
    waiting.modify(server.socket, select.POLLIN)
    while True:
        while server.is_busy():
            waiting.poll()
            server.consume_input()
        result = server.get_result()
        if result is None:
            if server.status == ConnStatus.BAD:
                raise OperationalError("the connection is lost")
        elif result.status == ExecStatus.PIPELINE_SYNC:
            return
        else:
            yield result


@cache
def _numbered(sql: str) -> str:
    """Return a statement with its values numbered, as the server takes them. No statement of ours has another ``%``."""
    first, *rest = sql.split("%s")
    if "%" in first + "".join(rest):
        raise ValueError(f"a % that is no value's place: {sql}")
    return first + "".join(f"${place}{text}" for place, text in enumerate(rest, start=1))


def _bound(value: Any, encoding: str) -> bytes | None:
    """
    Return a value as text.

    :raises DataError: for one with a NUL, which libpq would take for its end.
    """
    if value is None:
        return None
    text = f"{moment_text(value)}+00" if isinstance(value, datetime) else str(value)
    if "\x00" in text:
        from psycopg import DataError

        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return text.encode(encoding)
