"""The ledger's clock in the hands of a test."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

from airflow_provider_ninebits.ledger import database, driver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

_SERVERS = re.compile(r"\b(clock_timestamp|now)\(\)")


@dataclass
class LedgerClock:
    """What all that asks the ledger for the time is told, on either database."""

    now: datetime = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

    def advance(self, by: timedelta) -> None:
        self.now += by

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Give this clock to every module of the package that has taken what tells the time by name, and to its SQL."""
        at_once = driver.ask_at_once

        def read(_: Connection) -> datetime:
            return self.now

        def ask_at_this_time(
            connection: Connection, asked: Sequence[driver.BoundStatement]
        ) -> list[list[tuple[Any, ...]]]:
            moment = f"'{self.now.isoformat()}'::timestamptz"
            return at_once(
                connection, [driver.BoundStatement(_SERVERS.sub(moment, sql), given) for sql, given in asked]
            )

        with ExitStack() as patches:
            for module in _holders("ledger_now", database.ledger_now):
                patches.enter_context(mock.patch.object(module, "ledger_now", read))
            patches.enter_context(mock.patch.object(driver, "ask_at_once", ask_at_this_time))
            yield


def _holders(name: str, real: object) -> list[object]:
    return [
        module
        for place, module in sys.modules.items()
        if place.startswith("airflow_provider_ninebits") and getattr(module, name, None) is real
    ]
