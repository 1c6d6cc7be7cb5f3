"""The ledger's clock in the hands of a test."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

from airflow_provider_ninebits.ledger import database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection


@dataclass
class LedgerClock:
    """What all that asks the ledger for the time is told, on either database."""

    now: datetime = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

    def advance(self, by: timedelta) -> None:
        self.now += by

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Give this clock to every module of the package that has taken ``ledger_now`` by name."""
        real = database.ledger_now

        def read(_: Connection) -> datetime:
            return self.now

        holders = [
            module
            for name, module in sys.modules.items()
            if name.startswith("airflow_provider_ninebits") and getattr(module, "ledger_now", None) is real
        ]
        patches = [mock.patch.object(module, "ledger_now", read) for module in holders]
        for patch in patches:
            patch.start()
        try:
            yield
        finally:
            for patch in patches:
                patch.stop()
