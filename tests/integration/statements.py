"""What the databases are asked, whether it goes through SQLAlchemy or past it (``ledger.driver``)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from airflow_provider_ninebits.ledger import driver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection


@contextmanager
def seen_by(told: Callable[[Connection, str, Any], None]) -> Iterator[None]:
    """Tell of each statement before it is executed; of one for many rows with the first of them."""

    def of_sqlalchemy(connection: Any, cursor: Any, statement: str, parameters: Any, _: Any, many: bool) -> None:
        told(connection, statement, parameters[0] if many else parameters)

    class Seen:
        def __init__(self, connection: Connection) -> None:
            self._connection = connection
            self._cursor = connection.connection.cursor()
            self.fetchall, self.fetchone = self._cursor.fetchall, self._cursor.fetchone

        @property
        def rowcount(self) -> int:
            found: int = self._cursor.rowcount
            return found

        def execute(self, sql: str, values: Any) -> None:
            told(self._connection, sql, values)
            self._cursor.execute(sql, values)

        def executemany(self, sql: str, given: Iterable[Any]) -> None:
            every = list(given)
            told(self._connection, sql, every[0])
            self._cursor.executemany(sql, every)

    at_once = driver.ask_at_once

    def seen_at_once(connection: Connection, asked: Sequence[driver.BoundStatement]) -> Any:
        for sql, values in asked:
            # What goes along with them is no question.
            if not (sql.startswith("COMMIT") or "set_config(" in sql):
                told(connection, sql, values)
        return at_once(connection, asked)

    event.listen(Engine, "before_cursor_execute", of_sqlalchemy)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(driver, "cursor_of", Seen)
            patch.setattr(driver, "ask_at_once", seen_at_once)
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", of_sqlalchemy)
