"""The ledger's clock in the hands of a test."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

from airflow_provider_ninebits.ledger import database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection


@dataclass
class LedgerClock:
    """What all that asks the ledger for the time is told, on either database."""

    now: datetime = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

    def advance(self, by: timedelta) -> None:
        self.now += by

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Give this clock to every module of the package that has taken what tells the time by name."""
        lock = database.lock_numbers

        def read(_: Connection) -> datetime:
            return self.now

        def lock_and_read(connection: Connection, names: Iterable[str] | None, *, shared: bool = False) -> datetime:
            lock(connection, names, shared=shared)
            return self.now

        with ExitStack() as patches:
            for name, real, ours in (
                ("ledger_now", database.ledger_now, read),
                ("lock_numbers", lock, lock_and_read),
            ):
                for module in _holders(name, real):
                    patches.enter_context(mock.patch.object(module, name, ours))
            yield


def _holders(name: str, real: object) -> list[object]:
    return [
        module
        for place, module in sys.modules.items()
        if place.startswith("airflow_provider_ninebits") and getattr(module, name, None) is real
    ]
